"""MIME that is read in different ways."""

import pytest

from gateway.check.structure import Options, Structure
from gateway.message.header import MAX_FIELDS
from gateway.message.mime import ANOMALIES, MAX_ALL_FIELDS, MAX_LINES, read_mime
from gateway.message.verdict import Finding

from .mails import mail, one_part, parts

MULTI = b"Content-Type: multipart/mixed; boundary=b\r\n"
ODD = {
    "no-boundary": b"Content-Type: multipart/mixed\r\n\r\nx\r\n",
    "boundary-reused": MULTI + b"\r\n--b\r\n" + MULTI + b"\r\n--b\r\n\r\nx\r\n--b--\r\n--b--\r\n",
    "no-part": MULTI + b"\r\n--c\r\n\r\nx\r\n--c--\r\n",
    "partial": b"Content-Type: message/partial; id=a; number=1; total=2\r\n\r\nSubject: x\r\n\r\nx\r\n",
    "unclosed": MULTI + b"\r\n--b\r\n\r\nx\r\n",
    "after-close": MULTI + b"\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\nhidden\r\n",
    "field-twice": b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n",
    "parameter-twice": b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n",
    "bad-parameter": b'Content-Type: text/plain; charset="utf-8\r\n\r\nx\r\n',
    "bad-type": b"Content-Type: text\r\n\r\nx\r\n",
    "bad-encoding": b"Content-Transfer-Encoding: base65\r\n\r\nx\r\n",
    "no-blank-line": MULTI + b"\r\n--b\r\nA: b\r\n--b--\r\n",
    "too-many-fields": b"A: b\r\n" * MAX_FIELDS + b"\r\nx\r\n",
    "too-many-parameters": b"Content-Type: text/plain" + b"; a=b" * 201 + b"\r\n\r\nx\r\n",
    "too-many-lines": MULTI + b"\r\n" + b"--c\r\n" * (MAX_LINES + 1),
    "bad-boundary": b'Content-Type: multipart/mixed; boundary="b "\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n',
    "almost-delimiter": MULTI + b"\r\n--b\r\n\r\n--bx\r\n--b--\r\n",
    "too-deep": MULTI + b"\r\n" + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + MULTI + b"\r\n--b--\r\n",
    "too-many-parts": MULTI + b"\r\n" + b"--b\r\n\r\nx\r\n" * 4 + b"--b--\r\n",
}


def reasons(content, **options):
    """Give what is found."""
    return [finding.reason for finding in Structure("structure", Options(**options)).look(mail(content)).findings]


@pytest.mark.parametrize("reason", ODD)
def test_look_each_anomaly_is_a_finding(reason):
    """One message for each."""
    assert reason in reasons(ODD[reason], max_depth=1 if reason == "too-deep" else 30, max_parts=4)


def test_look_every_anomaly_has_its_message_here():
    """None is forgotten."""
    assert set(ODD) == set(ANOMALIES)


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", one_part(b"x"), parts(b"\r\nx", b"Content-Type: text/html\r\n\r\nx")]
)
def test_look_ordinary_mail_is_clean(content):
    """Plain and multipart."""
    assert reasons(content) == []


@pytest.mark.parametrize("reason", ODD)
def test_look_ignored_is_not_reported(reason):
    """By name."""
    assert reason not in reasons(ODD[reason], max_depth=1, max_parts=3, ignore=[reason])


def test_look_limits_are_the_last_that_pass():
    """Four parts beside the message itself; two levels."""
    assert reasons(ODD["too-many-parts"], max_parts=5) == []
    assert reasons(ODD["too-many-parts"], max_parts=4) == ["too-many-parts"]
    assert reasons(ODD["too-deep"], max_depth=2, ignore=["unclosed", "boundary-reused"]) == []


def test_look_detail_says_how_many_and_where():
    """For the one who has to look at the message."""
    found = Structure("structure", Options()).look(mail(ODD["bad-type"])).findings
    assert found == [Finding("structure", "bad-type", "1, the first at octet 0")]


def test_look_parts_without_blank_lines_are_bounded():
    """A delimiter that looks like a field ends the part's header section: none reads into those behind it."""
    content = b'Content-Type: multipart/mixed; boundary="b:"\r\n\r\n' + b"--b:\r\n" * 100_000
    mime = read_mime(content)
    assert sum(len(part.header.fields) for part in mime.parts) <= MAX_ALL_FIELDS
    assert reasons(content) == ["too-many-parts"]


def test_look_file_name_in_both_forms_is_no_anomaly():
    """Programs send filename and filename* together (RFC 6266 section 4.3)."""
    twice = "Content-Disposition: attachment; filename=\"a.txt\"; filename*=utf-8''%c3%a4.txt\r\n"
    assert reasons(one_part(b"x", more=twice)) == []
    assert read_mime(one_part(b"x", more=twice)).parts[0].names == ["a.txt", "ä.txt"]
