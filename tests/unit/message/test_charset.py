"""Text in the charsets that strangers name."""

import encodings
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.charset import codec, decode


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-8", "grün".encode(), "grün"),
        ("UTF-8", b"\xef\xbb\xbfa", "a"),
        ("utf-8", b"gr\xfcn", "grün"),
        ("us-ascii", "grün".encode(), "grün"),
        ("iso-8859-1", b"gr\xfcn", "grün"),
        ("Windows-1251", b"\xcf\xf0", "Пр"),
        ("KOI8-U", b"\xf0", "П"),
        ("ks_c_5601-1987", b"\xb0\xa1", "가"),
        ("iso-2022-jp", b'\x1b$B$"\x1b(B', "あ"),
        ("utf-16", b"\xff\xfea\0\0\xd8b\0", "a\ufffdb"),
        ("utf-16le", b"a\0b", "a\ufffd"),
        ("big5", b"\xa4\xa4\xff", "中\ufffd"),
        ("nonesuch", "grün".encode(), "grün"),
        ("nonesuch", b"gr\xfcn", "grün"),
        ("", b"a", "a"),
        ("utf-8\0", b"a", "a"),
        ("ütf-8", b"a", "a"),
    ],
)
def test_decode_what_can_be_read_is(charset, octets, text):
    """One bad octet hides no others, and an unknown or wrong label costs nothing that is ASCII."""
    assert decode(octets, charset) == text


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "unicode_escape", "raw-unicode-escape", "undefined", "rot13", "zip", "hex"]
)
def test_codec_what_is_no_charset_of_text_is_none(name):
    """Some take time that grows with the square of the text, some are no text at all."""
    assert codec(name) is None


def test_codec_all_of_pythons_are_taken_or_left_out_by_name():
    """A new one in a new Python is looked at: it decodes octets to text, and does not raise."""
    for module in pkgutil.iter_modules(encodings.__path__):
        if (name := codec(module.name)) is not None:
            assert isinstance(b"a1~{\xff=".decode(name, "replace"), str)


def test_decode_unknown_names_leave_nothing_behind():
    """Python keeps each name it has looked for in vain, for ever."""
    before = len(encodings._cache)
    for number in range(100):
        decode(b"a", f"nonesuch-{number}")
    assert len(encodings._cache) == before


@given(st.binary(max_size=60), st.sampled_from([*encodings.aliases.aliases, "x"]) | st.text(max_size=50))
def test_decode_never_fails(octets, charset):
    """Whatever the octets, whatever the label."""
    assert isinstance(decode(octets, charset), str)
