"""ASCII in charsets that strangers name."""

import pytest

from gateway.edit.charset import writing


@pytest.mark.parametrize(
    "charset",
    ["", "us-ascii", "UTF-8", "iso-8859-15", "windows-1252", "Shift_JIS", "euc-jp", "gb18030", "big5", "koi8-r"],
)
def test_writing_like_ascii(charset):
    """Octets below 128 mean the same there."""
    assert writing(charset, b"\x83\x41").write("https://x.test/~a\\") == b"https://x.test/~a\\"


@pytest.mark.parametrize(
    ("charset", "text", "written"),
    [
        ("utf-16", b"\xff\xfea\0", b"b\0\n\0"),
        ("utf-16", b"\xfe\xff\0a", b"\0b\0\n"),
        ("utf-16", b"\0a", b"\0b\0\n"),
        ("utf-16le", b"a\0", b"b\0\n\0"),
        ("UTF-16BE", b"\0a", b"\0b\0\n"),
        ("utf-32", b"\xff\xfe\0\0a\0\0\0", b"b\0\0\0\n\0\0\0"),
        ("utf-32", b"", b"\0\0\0b\0\0\0\n"),
    ],
)
def test_writing_wide_keeps_the_byte_order(charset, text, written):
    """Of the mark the text begins with, and adds none."""
    found = writing(charset, text)
    assert found.wide
    assert found.write("b\n") == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b"plain", b"b"),
        (b'\x1b$B%"\x1b(B', b"b"),
        (b'\x1b$B%"', b"\x1b(Bb"),
        (b"\x1b(J\\", b"\x1b(Bb"),
    ],
)
def test_writing_iso_2022_jp_goes_back_to_ascii(text, written):
    """A text that breaks off amid other characters would swallow the line."""
    assert writing("iso-2022-jp", text).write("b") == written


@pytest.mark.parametrize(
    "charset",
    [
        "utf-7",
        "hz-gb-2312",
        "cp037",
        "cp500",
        "cp875",
        "zip",
        "rot13",
        "idna",
        "unicode_escape",
        "nonesuch",
        "a\0b",
        "é",
    ],
)
def test_writing_uncertain_is_none(charset):
    """Stateful ones, EBCDIC, Python's own codecs, and what is no charset."""
    assert writing(charset, b"") is None
