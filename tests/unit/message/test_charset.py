"""Charsets of strangers."""

import codecs
import encodings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import charset
from gateway.message.charset import codec, decode, readings


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("UTF-8", "utf_8"),
        ("utf8", "utf_8"),
        ("ISO-8859-15", "iso8859_15"),
        ("windows-1252", "cp1252"),
        ("GB2312", "gb18030"),
        ("ks_c_5601-1987", "euc_kr"),
        ("windows-874", "cp874"),
        (" us-ascii ", "ascii"),
        ("punycode", None),
        ("idna", None),
        ("unicode_escape", None),
        ("zlib", None),
        ("no\0such", None),
        ("", None),
    ],
)
def test_codec_name_is_looked_up_in_our_own_table(name, known):
    """What mail programs write, and what must not be taken from Python."""
    assert codec(name) == known


def test_codec_every_known_name_is_a_codec_of_text():
    """The table names nothing that Python does not have."""
    for known in set(charset._KNOWN.values()):
        assert codecs.lookup(known)._is_text_encoding


def test_decode_unknown_names_leave_nothing_behind():
    """Python would remember each of them for ever."""
    before = len(encodings._cache)
    for number in range(100):
        assert decode(b"a", f"x-unheard-of-{number}") == "a"
    assert len(encodings._cache) == before


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"\xe4", "iso-8859-1", "ä"),
        ("ä".encode(), "", "ä"),
        (b"\xe4", "", "ä"),
        (b"\xe4", "utf-8", "ä"),
        (b"\x80", "iso-8859-1", "€"),
        (b"+AOQ-", "utf-7", "ä"),
        (b"a-b", "punycode", "a-b"),
        (b"", "utf-16", ""),
    ],
)
def test_decode_gives_readable_text(octets, charset, text):
    """By the charset, else UTF-8, else Latin-1."""
    assert decode(octets, charset) == text


def test_readings_charsets_that_do_not_keep_to_ascii_have_two():
    """All that there are but ISO-2022-JP, which every program knows."""
    printable = bytes(range(32, 127))
    unlike = {name for name in charset._KNOWN.values() if printable.decode(name, "replace") != printable.decode()}
    unlike |= {name for name in charset._KNOWN.values() if name.startswith("iso2022")} - {"iso2022_jp"}
    assert unlike == charset._UNLIKE_ASCII
    for name in unlike:
        assert printable.decode() in readings(printable, name)


@pytest.mark.parametrize("errors", ["strict", "replace"])
def test_readings_are_one_where_both_are_the_same(errors):
    """Nearly always."""
    assert readings(b"a", "utf-8", errors) == ["a"]
    assert readings(b"a", "utf-7", errors) == ["a"]
    assert readings(b"a\0", "utf-16le", errors) == ["a", "a\0"]
    assert readings(b"\xe4", "nonesuch", errors) == ["\u00e4"]


@given(st.binary(max_size=200), st.text(max_size=50) | st.sampled_from(["utf-7", "iso-2022-jp", "utf-16", "hz"]))
def test_decode_anything_gives_text(octets, charset):
    """Never fails."""
    assert isinstance(decode(octets, charset), str)
