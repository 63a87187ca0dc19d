"""Files that stand in a text."""

import base64
import binascii

import pytest

from gateway.check.intext import MAX_FILES, MAX_TEXT, files_in
from gateway.message.mime import read_mime

from .mails import one_part

HELLO = binascii.b2a_uu(b"hello").replace(b"\n", b"\r\n")
UUENCODED = b"begin 644 a b.exe\r\n" + HELLO + b"`\r\nend\r\n"
YENC = b"=ybegin line=128 size=5 name=a b.exe\r\n" + bytes(o + 42 for o in b"hello") + b"\r\n=yend size=5\r\n"
ENCODINGS = {
    "7bit": lambda text: text,
    "base64": lambda text: base64.encodebytes(text).replace(b"\n", b"\r\n"),
    "quoted-printable": lambda text: binascii.b2a_qp(text, istext=True),
}


def found(text, encoding="7bit"):
    """Give names and octets of what is found, and what was missed."""
    content = one_part(ENCODINGS[encoding](text), encoding=encoding)
    missed = []
    files = list(files_in(content, read_mime(content).parts[0], missed.append))
    assert all(b"".join(file.slices()).startswith(first) for file, first in files)
    return [(file.name, first) for file, first in files], missed


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("written", [UUENCODED, YENC], ids=["uuencode", "yEnc"])
def test_files_in_text_are_given_with_their_octets(written, encoding):
    """At the beginning, and behind lines; however the text is encoded."""
    both = [("a b.exe", b"hello"), ("a b.exe", b"hello")]
    assert found(written + b"text\r\nbegin it\r\n" + written, encoding) == (both, [])


def test_files_in_text_with_bare_line_ends():
    """As base64 may hold."""
    assert found(UUENCODED.replace(b"\r\n", b"\n"), "base64") == ([("a b.exe", b"hello")], [])


@pytest.mark.parametrize(
    "text", [b"", b"begin", b"to begin 644 a\r\n", b"begin 644\r\n", b"=ybegin line=1\r\n", b"begin again\r\n" * 500]
)
def test_files_in_ordinary_text_are_none(text):
    """A word is no file, however often it comes."""
    assert found(text) == ([], [])


def test_files_in_more_than_are_given_are_told():
    """The hundred and first."""
    assert found(UUENCODED * MAX_FILES)[1] == []
    files, missed = found(UUENCODED * (MAX_FILES + 1))
    assert (len(files), missed) == (MAX_FILES, ["more than 100 files in one text"])


@pytest.mark.parametrize("room", [-10, 0, 300_000])
def test_files_behind_what_is_decoded_are_told(room):
    """And not that there is more text, for a table may be large."""
    line = b"x" * 62 + b"\r\n"
    text = (line * 30_000)[: MAX_TEXT + room - 2] + b"\r\n"
    assert found(text + UUENCODED, "base64") == ([], ["a file behind 1048576 octets of text"])
    assert found(text + line * 5_000, "base64") == ([], [])
    assert found(text + UUENCODED) == ([("a b.exe", b"hello")], [])
    assert found(UUENCODED + text * 2, "base64") == ([("a b.exe", b"hello")], [])
