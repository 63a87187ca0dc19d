"""Kinds of files by their first octets."""

import bz2
import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.check import magic

from .mails import tarred, zipped

KINDS = {
    "pe": b"MZ\x90\0\x03\0\0\0",
    "elf": b"\x7fELF\x02\x01",
    "macho": b"\xca\xfe\xba\xbe\0\0\0\x02",
    "lnk": b"L\0\0\0\x01\x14\x02\0\0\0\0\0",
    "script": b"#! /bin/sh\n",
    "zip": zipped(("a", b"b")),
    "gz": gzip.compress(b"a"),
    "bz2": bz2.compress(b"a"),
    "xz": lzma.compress(b"a"),
    "tar": tarred(("a", b"b"), mode="w"),
    "7z": b"7z\xbc\xaf\x27\x1c\0\x04",
    "rar": b"Rar!\x1a\x07\x01\0",
    "cab": b"MSCF\0\0\0\0",
    "pdf": b"%PDF-1.7\n",
    "ole2": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "rtf": b"{\\rtf1",
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "lha": b"\x1d\x00-lh5-",
    "tnef": b"\x78\x9f\x3e\x22",
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_names_a_kind_by_its_signature(kind):
    """And by nothing less: the octets but their last are not enough, or of the same kind."""
    assert magic.of(KINDS[kind][: magic.HEAD]) == kind
    assert magic.of(KINDS[kind][:1]) == ""


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"M",
        b"MZ is short for Mark Zbikowski",
        b"BZhang",
        b"BM is a firm",
        b"#!",
        b"#! no path",
        b"PK and I",
        b"%PDF",
    ],
)
def test_of_text_is_of_no_kind(text):
    """Two letters are no signature."""
    assert magic.of(text) == ""


@given(st.binary(max_size=600))
def test_of_anything_is_a_known_word(head):
    """Never fails."""
    assert isinstance(magic.of(head), str)


def test_of_java_class_is_no_program_for_macs():
    """They begin alike; what follows is a version there, a small count here."""
    assert magic.of(b"\xca\xfe\xba\xbe\0\0\0\x34") == ""


@pytest.mark.parametrize("descriptor", [b"CD001", b"BEA01"])
def test_iso_is_told_by_its_volume_descriptor(descriptor):
    """Behind 32 KiB of anything."""
    assert magic.iso(b"\0" * 32_769 + descriptor)
    assert not magic.iso(b"\0" * 32_768 + descriptor)
