"""Paths pass verbatim or are refused; nothing is decoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accept.paths import BadCommand, split_path

GOOD = [
    b"a@x.test",
    b'"a b"@x.test',
    b'"a\\"b"@x.test',
    b'"a@b"@x.test',
    b'""@x.test',
    b'"\\a"@x.test',
    b'"a>b"@x.test',
    b'"<>"@x.test',
    b"@r1.test,@r2.test:u@x.test",
    b"u%x@y.test",
    b"y!u@x.test",
    b"u@[127.0.0.1]",
    b"u@[IPv6:::1]",
    b"postmaster",
    b"PostMaster",
    b"-f@x.test",
    b"|cmd@x.test",
    b"/file@x.test",
    b'"$(id)"@x.test',
    b"%s@x.test",
    b'":include:/x"@x.test',
    b"l" * 64 + b"@x.test",
    b"l" * 65 + b"@x.test",
    b"l" * 2000 + b"@x.test",
    b"a@" + b"l" * 64 + b".test",
    b"a@" + b"l." * 127 + b"test",
    b"a@x_y.org",
    b"a@_dmarc.x.org",
    b"a@x..org",
    b"a@x.org.",
    b"a@-x.test",
    b"a@x-.test",
    b"a@x&y.test",
    b"a@x",
    b"ab+c=d@x.test",
    b"SRS0=abcd=12=x.test=u@y.test",
    b"prvs=1234abcdef=u@x.test",
    b"bounce-u=y.test@x.test",
    b"u@xn--mnchen-3ya.de",
    b"=?utf-8?q?a=3e=0d=0aRCPT=20TO=3a=3cz=40evil=2eorg?=@lan.example",
    b"=?utf-8?b?YT4NClJDUFQgVE86PHpAZXZpbC5vcmc=?=@lan.example",
    b"=?utf-8?q?a=00b?=@x.test",
]
UTF8 = ["u@münchen.de", "ü@x.test", "ü@münchen.de", "u\u0308@x.test", '"ü b"@x.test', "а@x.test"]  # noqa: RUF001
BAD = [
    b"a\rb@x.test",
    b"a\nb@x.test",
    b'"a\rb"@x.test',
    b'"a\nb"@x.test',
    b"a\0b@x.test",
    b"a@\x7fx.test",
    b"a\x1b[2J@x.test",
    b"a(c)@x.test",
    b" a@x.test ",
    b"a b@x.test",
    b"a@x.test>\r\nRCPT TO:<z@evil.org",
    b"$(id)@x.test",
    b"a..b@x.test",
    b".a@x.test",
    b"a.@x.test",
    b"a@",
    b"@x.test",
    b"a@b@c",
    b"a,b@x.test",
    b"a:b@x.test",
    b"a;b@x.test",
    b":include:/x@y.test",
    b"a\\b@x.test",
    b'"a"b"@x.test',
    b'"a@x.test',
    b'"a\\"@x.test',
    b"a@[1.2.3",
    b"a@[]",
    b"<a@x.test>",
    b"<>",
    b"anna",
    b"\xff@x.test",
    b"\xc0\x80@x.test",
    b"\xed\xa0\x80@x.test",
]


@pytest.mark.parametrize("path", GOOD + [path.encode() for path in UTF8])
def test_split_path_address_passes_verbatim(path):
    """What came is what goes on, for MAIL and RCPT, with and without parameters."""
    assert split_path(b"FROM:<" + path + b">", b"FROM:") == (path, b"")
    assert split_path(b"to:<" + path + b"> A=b C", b"TO:") == (path, b"A=b C")


@pytest.mark.parametrize("path", BAD)
def test_split_path_outside_the_grammar_is_refused(path):
    """Never mended, never cut."""
    with pytest.raises(BadCommand) as refused:
        split_path(b"TO:<" + path + b">", b"TO:")
    assert refused.value.reply.wire() == b"501 5.1.7 Bad address syntax\r\n"


@pytest.mark.parametrize(
    "argument", [b"TO:a@x.test", b"TO:<a@x.test", b"TO: <a@x.test>", b"TO:<a@x.test>X=1", b"TO:", b"TO:a@x.test>"]
)
def test_split_path_without_brackets_is_refused(argument):
    """Brackets are part of the grammar, white space around them is not."""
    with pytest.raises(BadCommand):
        split_path(argument, b"TO:")


@pytest.mark.parametrize("argument", [b"", b"<a@x.test>", b"FROM <a@x.test>", b"FROM<a@x.test>"])
def test_split_path_without_keyword_is_refused(argument):
    """The keyword and its colon come first."""
    with pytest.raises(BadCommand) as refused:
        split_path(argument, b"FROM:")
    assert refused.value.reply.wire() == b"501 5.5.4 Syntax: FROM:<address>\r\n"


def test_split_path_null_path_is_empty():
    """`<>` is the empty path, not the two characters."""
    assert split_path(b"FROM:<> SIZE=1", b"FROM:") == (b"", b"SIZE=1")


@given(st.binary(max_size=40))
def test_split_path_any_octets_give_a_clean_path_or_a_refusal(octets):
    """Nothing else is raised, and no control character passes."""
    try:
        path, _ = split_path(b"TO:<" + octets + b">", b"TO:")
    except BadCommand:
        return
    assert b"TO:<" + path + b">" == (b"TO:<" + octets + b">")[: len(path) + 5]
    assert not any(octet < 0x20 or octet == 0x7F for octet in path)
    path.decode("utf-8")
