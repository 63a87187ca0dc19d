"""The binding of libarchive."""

import ctypes
import gzip
import io
import tarfile

import libarchive
import pytest

from gateway.check.libarchive import FORMATS, STREAMED_ZIP, UNNAMED, Archive, ArchiveError

from .mails import tarred, zipped


def entries(octets, formats=FORMATS):
    """Give name, size and octets of each entry."""
    kept = ctypes.create_string_buffer(octets, len(octets))
    archive = Archive(formats)
    try:
        archive.open(ctypes.addressof(kept), len(octets))
        found = []
        while archive.next():
            data = b"".join(ctypes.string_at(address, length) for _, address, length in archive.blocks() if length)
            found.append((archive.name, archive.size, data))
        return found
    finally:
        archive.close()


def written(format_name, *files):
    """Give an archive that libarchive itself has written."""
    made = io.BytesIO()
    with libarchive.custom_writer(made.write, format_name) as archive:
        for name, octets in files:
            archive.add_file_from_memory(name, len(octets), octets)
    return made.getvalue()


@pytest.mark.parametrize(
    "octets",
    [
        zipped(("ä.exe", b"hello")),
        tarred(("ä.exe", b"hello")),
        tarred(("ä.exe", b"hello"), mode="w:xz"),
        tarred(("ä.exe", b"hello"), mode="w"),
        written("7zip", ("ä.exe", b"hello")),
        written("cpio_newc", ("ä.exe", b"hello")),
        written("xar", ("ä.exe", b"hello")),
        written("ar_bsd", ("ä.exe", b"hello")),
    ],
    ids=["zip", "tgz", "txz", "tar", "7z", "cpio", "xar", "ar"],
)
def test_archive_gives_names_sizes_and_octets(octets):
    """Of each format."""
    assert entries(octets) == [("ä.exe", 5, b"hello")]


def test_archive_iso_is_read():
    """Images are archives too."""
    assert [entry[2] for entry in entries(written("iso9660", ("A.EXE", b"hello")))][-1] == b"hello"


def test_archive_raw_undoes_filters_only():
    """A tar stays one file."""
    inner = tarred(("a", b"b"), mode="w")
    assert [data for _, _, data in entries(gzip.compress(inner), ())] == [inner]


def test_archive_gzip_gives_the_name_it_kept():
    """Gunzip -N and 7-Zip save it under that."""
    made = io.BytesIO()
    with gzip.GzipFile("dir/a.exe", "wb", fileobj=made) as archive:
        archive.write(b"hello")
    assert entries(made.getvalue()) == [("a.exe", None, b"hello")]
    assert entries(gzip.compress(b"hello")) == [(UNNAMED, None, b"hello")]


def test_archive_zip_may_be_read_without_its_directory():
    """As programs do that take it from a pipe."""
    octets = zipped(("a.exe", b"hello"))
    assert entries(octets + zipped(), STREAMED_ZIP)[0] == ("a.exe", 5, b"hello")
    assert entries(octets + zipped()) == []


def test_archive_links_are_told():
    """Hard or symbolic."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "soft"), (tarfile.LNKTYPE, "hard")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "../out"
            archive.addfile(entry)
    kept = ctypes.create_string_buffer(made.getvalue(), len(made.getvalue()))
    archive = Archive()
    archive.open(ctypes.addressof(kept), len(kept))
    targets = []
    while archive.next():
        targets.append((archive.name, archive.target, archive.regular))
    archive.close()
    assert targets == [("soft", "../out", False), ("hard", "../out", False)]


@pytest.mark.parametrize("octets", [zipped(("a", b"x" * 100))[:20], gzip.compress(b"x" * 100)[:15]], ids=["zip", "gz"])
def test_archive_broken_raises_with_what_libarchive_says(octets):
    """Cut off."""
    with pytest.raises(ArchiveError) as raised:
        entries(octets)
    assert str(raised.value)
    assert not raised.value.no_memory
