"""Transfer encodings undone, as leniently as mail programs do it."""

import base64
import binascii
import mmap
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import decoding
from gateway.message.decoding import decoded, head, slices, texts, uudecoded
from gateway.message.mime import read_mime


def part_of(body, encoding, kind="text/plain"):
    """Give the content and the part of a message of one part."""
    content = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body
    return content, read_mime(content).parts[0]


def whole(body, encoding, max_octets=1 << 20):
    """Give what such a part holds."""
    return decoded(*part_of(body, encoding), max_octets)


@pytest.mark.parametrize(
    ("body", "octets"),
    [
        (b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"aGVsbG8\r\n", b"hello"),
        (b"a!G-V_s b*G8=\r\n", b"hello"),
        (b"aGVs=\r\nbG8=\r\n", b"hello"),
        (b"aA==aGk=\r\n", b"hhi"),
        (b"=====aGk=", b"hi"),
        (b"aGkA", b"hi\0"),
        (b"a", b""),
        (b"aGVsb", b"hel"),
        (b"", b""),
    ],
)
def test_decoded_base64_is_read_on_whatever_stands_between(body, octets):
    """Octets that are none, padding in the middle, padding that is missing."""
    assert whole(body, "base64") == octets


@pytest.mark.parametrize(
    ("body", "octets"),
    [
        (b"a=3Db\r\n", b"a=b\r\n"),
        (b"exe=\r\ncutable", b"executable"),
        (b"exe= \t\r\ncutable", b"executable"),
        (b"a=zzb=", b"a=zzb"),
        (b"a=e4", b"a\xe4"),
        (b"", b""),
    ],
)
def test_decoded_quoted_printable_is_read_as_programs_do(body, octets):
    """Soft line breaks with blanks behind them, and escapes that are none."""
    assert whole(body, "quoted-printable") == octets


@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "binary", "nonsense"])
def test_decoded_identity_is_as_it_stands(encoding):
    """Also where the encoding is unknown."""
    assert whole(b"a=3D\r\n", encoding) == b"a=3D\r\n"


@pytest.mark.parametrize("encoding", ["x-uuencode", "uuencode", "x-uue"])
def test_decoded_uuencode_is_what_stands_behind_begin(encoding):
    """Up to the line `end`."""
    body = b"text\r\nbegin 644 a.exe\r\n" + binascii.b2a_uu(b"hello").rstrip() + b"\r\n`\r\nend\r\nmore\r\n"
    assert whole(body, encoding) == b"hello"


def test_uudecoded_lines_may_be_of_any_length():
    """Blanks cut off at the end, and more than the line says."""
    lines = b'#86)C\r\n"86\r\n#86)Cxyz\r\n\r\n?~~~\r\n'
    assert b"".join(uudecoded(lines, 0, len(lines))).startswith(b"abca")


@given(
    st.binary(max_size=2_000), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "7bit"]), st.integers(1, 90)
)
def test_slices_any_size_give_what_one_gives(octets, encoding, size):
    """A slice may end anywhere: within a line, a group, an escape."""
    encoded = {
        "base64": base64.encodebytes(octets).replace(b"\n", b"\r\n"),
        "quoted-printable": quopri.encodestring(octets, quotetabs=True).replace(b"\n", b"\r\n"),
        "x-uuencode": b"begin 644 a\r\n"
        + b"".join(binascii.b2a_uu(octets[at : at + 45]).replace(b"\n", b"\r\n") for at in range(0, len(octets), 45))
        + b"end\r\n",
        "7bit": octets,
    }[encoding]
    content, part = part_of(encoded, encoding)
    whole = b"".join(slices(content, part))
    assert b"".join(slices(content, part, size if encoding != "x-uuencode" else max(size, 64))) == whole
    if encoding in ("base64", "x-uuencode", "7bit"):
        assert whole == octets


@given(st.binary(max_size=500), st.sampled_from(["base64", "quoted-printable", "x-uuencode", ""]), st.integers(0, 600))
def test_decoded_anything_gives_at_most_what_was_asked_for(body, encoding, limit):
    """Whatever the octets are, and the same octets from a file."""
    content, part = part_of(body, encoding)
    found = decoded(content, part, limit)
    assert len(found) <= limit
    mapped = mmap.mmap(-1, len(content))
    mapped.write(content)
    assert decoded(mapped, part, limit) == found


def test_decoded_holds_no_more_than_a_slice(monkeypatch):
    """A message of a hundred megabytes is decoded in slices of the same small size."""
    sizes = []
    monkeypatch.setattr(decoding.binascii, "a2b_qp", lambda octets: sizes.append(len(octets)) or octets)
    content, part = part_of(b"=20" * 1_000_000, "quoted-printable")
    assert sum(map(len, slices(content, part))) == 3_000_000
    assert max(sizes) <= decoding.SLICE + 3


def test_head_stops_when_it_has_enough():
    """What comes later is not decoded."""
    pieces = iter([b"ab", b"cd", b"ef"])
    assert head(pieces, 3) == b"abc"
    assert list(pieces) == [b"ef"]


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"\xe4", "text/plain; charset=iso-8859-1", "ä"),
        (b"\xe4", "text/plain; charset=us-ascii", "ä"),
        (b"\xe4\xff", "text/plain; charset=koi8-r", "ДЪ"),
        ("ä".encode(), "text/plain", "ä"),
        ("ä".encode("utf-16"), "text/plain; charset=utf-16", "ä"),
        (b"a\xff", "text/plain; charset=big5", "a\N{REPLACEMENT CHARACTER}"),
        (b"abcd\xff", "text/plain; charset=utf-16le", "\u6261\u6463\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_texts_are_read_by_the_charset(body, kind, expected):
    """What does not fit is replaced or read as Latin-1, so that the rest can be searched."""
    assert texts(body, part_of(body, "8bit", kind)[1])[0] == expected


def test_texts_are_two_where_the_charset_does_not_keep_to_ascii():
    """For a program that does not know it shows ASCII."""
    assert texts(b"viagra\xff", part_of(b"", "8bit", "text/plain; charset=cp037")[1])[1:] == ["viagra\xff"]
    assert texts(b"viagra\xff", part_of(b"", "8bit", "text/plain; charset=cp1252")[1])[1:] == []
