"""Whatever a message holds, a check that computes reports or says that it cannot; and a file is read as memory is."""

import mmap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.check.attachments import Attachments
from gateway.check.base import CheckFailed
from gateway.check.registry import make

from .check.mails import PROGRAM, file, mail, one_part, parts, tarred, zipped

PATTERNS = [{"name": "a", "pattern": "(a+)+$"}, {"name": "b", "pattern": "^.*viagra"}]
TABLES = {
    "headers": {"patterns": [*PATTERNS, {"name": "c", "pattern": "x", "field": "Subject"}]},
    "body": {"patterns": PATTERNS, "max_text": 1_000},
    "structure": {"max_depth": 2, "max_parts": 3},
    "attachments": {"groups": {"executable": ["exe"]}},
    "urls": {"lists": ["list.test"]},
}
CHECKS = {name: make(name, {"timeout_s": 30, **table}).check for name, table in TABLES.items()}
PIECES = [
    b"\r\n",
    b"\r\n\r\n",
    b"--b\r\n",
    b"--b--\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: text/html; charset=utf-7\r\n",
    b"Content-Type: application/zip; name*0*=utf-8''a%2e; name*1=exe\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n",
    b'Content-Disposition: attachment; filename="=?utf-8?q?a=2Eexe?="; filename=b\r\n',
    b"Subject: =?utf-8?b?dmlhZ3Jh?= =?nosuch?q?=ff?=\r\n",
    b"begin 644 a.exe\r\n",
    b"MZ\0\0",
    b"<a href='http://%61.example\xff/'>&#x41;&#99999999999999;<!--",
    b"http://[::1]/ http://0x7f.1/ www.b\xc3\xa4.example",
    b"=\r\n",
    b"aGVsbG8=",
    b"a\0\xff\xfe",
]
GOOD = [
    one_part(b"http://a.example/ viagra aaa"),
    file(zipped(("a.exe", PROGRAM)), "a.zip"),
    parts(b"\r\nx", file(PROGRAM, "a.png", "image/png"), b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nx"),
]
contents = st.one_of(
    st.binary(max_size=500),
    st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join),
    st.tuples(st.sampled_from(GOOD), st.integers(0, 2_000), st.binary(max_size=10)).map(
        lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] + len(drawn[2]) :]
    ),
)


def looked(name, content):
    """Give what a check sees without a network or a process: its report, or the names it would ask about."""
    check = CHECKS[name]
    if name == "urls":
        return check.names(mail(content))
    if isinstance(check, Attachments):
        survey = check.survey(mail(content))
        return survey.found, [archive.name for archive in survey.archives]
    return check.look(mail(content)).findings


@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=300)
@given(content=contents)
def test_any_content_is_looked_at_and_a_file_as_memory(name, content):
    """Nothing is raised; the same is found."""
    found = looked(name, content)
    if content:
        with mmap.mmap(-1, len(content)) as mapped:
            mapped.write(content)
            assert looked(name, mapped) == found


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([tarred(("a.exe", b"x")), zipped(("a.zip", zipped(("a.exe", b"x"))))]), st.data())
async def test_any_archive_is_reported_or_a_failure(octets, data):
    """With some octets changed, through the child."""
    damaged = bytearray(octets)
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        report = await CHECKS["attachments"].examine(mail(file(bytes(damaged), "a")))
    except CheckFailed:
        return
    assert all(finding.check == "attachments" for finding in report.findings)
