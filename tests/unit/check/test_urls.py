"""The check that asks about links."""

import base64

import dns.rcode
import pytest

from gateway.check.base import LARGE, CheckFailed
from gateway.check.urls import Options, Urls
from gateway.message.verdict import Finding

from .dnsserver import serving
from .mails import mail, one_part, parts


def names(content, **options):
    """Give the names that would be asked about."""
    return Urls("urls", Options(["list.test"], **options)).names(mail(content))


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (one_part(b"http://www.a.co.uk/x"), ["a.co.uk", "www.a.co.uk"]),
        (one_part(b"http://a.example/"), ["a.example"]),
        (one_part(b"http://3221225985/"), ["1.2.0.192"]),
        (one_part(b"http://co.uk/ http://localhost/"), []),
        (one_part(base64.b64encode(b"http://a.example/"), encoding="base64"), ["a.example"]),
        (one_part(b'<a href="http://a.example/">http://b.example/</a>', "text/html"), ["a.example", "b.example"]),
        (one_part(b"http://a<b></b>.example/", "text/html"), ["a.example"]),
        (parts(b"\r\nhttp://a.example\r\n", b"\r\nhttp://b.example http://a.example\r\n"), ["a.example", "b.example"]),
        (one_part(b"http://a.example/", "application/octet-stream"), []),
    ],
)
def test_names_are_registered_domains_and_full_names(content, asked):
    """Of text and HTML, each once."""
    assert names(content) == asked


def test_names_ignored_domains_are_not_asked_about():
    """With what is below them, and nothing that only ends alike."""
    content = one_part(b"http://a.example http://x.a.example http://xa.example")
    assert names(content, ignore=["a.example"]) == ["xa.example"]


def test_names_are_bounded():
    """The first ones."""
    content = one_part(b"".join(b"http://a%d.example\r\n" % number for number in range(100)))
    assert names(content, max_names=3) == ["a0.example", "a1.example", "a2.example"]


@pytest.mark.parametrize("padding", [0, LARGE])
async def test_examine_listed_name_is_a_finding(padding):
    """In small messages and large ones."""
    async with serving() as (server, resolver):
        server.addresses = {"bad.example": ["127.0.1.5"]}
        check = Urls("urls", Options(["list.test=127.0.1.[2..99]"]), resolver)
        content = one_part(b"http://www.bad.example/\r\n" + b"x" * padding)
        report = await check.examine(mail(content))
        assert report.findings == [Finding("urls", "listed", "bad.example in list.test: 127.0.1.5")]
        assert (await check.examine(mail(one_part(b"http://good.example/")))).findings == []


async def test_examine_no_answer_is_a_failure():
    """The check's on_error says what follows."""
    async with serving() as (server, resolver):
        server.rcode = dns.rcode.SERVFAIL
        check = Urls("urls", Options(["list.test"]), resolver)
        with pytest.raises(CheckFailed, match=r"no answer from list\.test"):
            await check.examine(mail(one_part(b"http://a.example/")))
        assert (await check.examine(mail(one_part(b"no links")))).findings == []


async def test_examine_without_lists_looks_at_nothing():
    """Not even for links."""
    assert (await Urls("urls", Options()).examine(mail(one_part(b"http://a.example/")))).findings == ()
