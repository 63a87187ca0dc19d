"""Kinds of files by their first octets."""

import bz2
import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.check import magic

from .mails import old, tarred, zipped
from .test_libarchive import written

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
    "lzma": lzma.compress(b"a", lzma.FORMAT_ALONE),
    "lz": b"LZIP\x01\x0c",
    "cpio": written("cpio_newc", ("a", b"b")),
    "ar": written("ar_bsd", ("a", b"b")),
    "xar": written("xar", ("a", b"b")),
    "rpm": b"\xed\xab\xee\xdb\x03\0",
    "arj": b"\x60\xea\x28\0\x22\x0b\x01",
    "ace": b"\x31\x31\x31\0\0\0\x90**ACE**",
    "alz": b"ALZ\x01\x0a\0",
    "egg": b"EGGA\0\x01",
    "zoo": b"ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd",
    "sit": b"StuffIt (c)1997-",
    "hqx": b"(This file must be converted with BinHex 4.0)\r\n",
    "wim": b"MSWIM\0\0\0",
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


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (old(tarred(("a", b"b"), mode="w")), "tar"),
        (old(tarred(("a", b"b"), mode="w")).replace(b"a", b"b", 1), ""),
        (bytes(512), ""),
        (b"0" * 512, ""),
        (written("cpio", ("a", b"b")), "cpio"),
        (written("cpio_bin", ("a", b"b")), "cpio"),
        (b"070707 is a number\r\n" * 10, ""),
        (b"070701" + b"x" * 110, ""),
        (b"\xc7\x71" + b"\xe0" * 100, ""),
        (b"]\0\0", ""),
        (b"!<arch> is a word\r\n", ""),
        (b"\x60\xea\xe0\xe0\xe0\xe0", ""),
    ],
    ids=range(12),
)
def test_of_archives_without_a_signature_of_their_own(octets, kind):
    """By what must be there beside it."""
    assert magic.of(octets[: magic.HEAD]) == kind


def test_sealed_archives_are_none_that_are_looked_into():
    """Each by its octets or by its name."""
    assert not magic.SEALED & magic.ARCHIVE
    assert set(KINDS) >= magic.SEALED


@given(st.binary(max_size=600))
def test_of_anything_is_a_known_word(head):
    """Never fails."""
    assert isinstance(magic.of(head), str)


def test_of_java_class_is_no_program_for_macs():
    """They begin alike; what follows is a version there, a small count here."""
    assert magic.of(b"\xca\xfe\xba\xbe\0\0\0\x34") == ""
    assert magic.of(b"\xca\xfe\xba\xbe\0\0\0") == "", "cut off before the number"


@pytest.mark.parametrize("descriptor", [b"CD001", b"BEA01"])
def test_iso_is_told_by_its_volume_descriptor(descriptor):
    """Behind 32 KiB of anything."""
    assert magic.iso(b"\0" * 32_769 + descriptor)
    assert not magic.iso(b"\0" * 32_768 + descriptor)
