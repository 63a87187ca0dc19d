"""Directories of zip files."""

import io
import mmap
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.check import zipdir
from gateway.check.zipdir import TooMany, Unreadable, read_directory

from .mails import zipped

TWO = zipped(("a.txt", b"x" * 100), ("dir/ä.exe", b"y"))


def zip64():
    """Give a zip with its extensions for large files, though it is small."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive, archive.open("a.exe", "w", force_zip64=True) as entry:
        entry.write(b"x")
    data = bytearray(made.getvalue())
    end = data.rfind(b"PK\5\6")
    count, size, offset = struct.unpack_from("<HLL", data, end + 10)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(data[:end]) + record + locator + tail


def test_read_directory_gives_names_sizes_and_places():
    """Of a file that Python made."""
    entries = read_directory(TWO, 10).entries
    assert [(entry.name, entry.unpacked, entry.method) for entry in entries] == [("a.txt", 100, 8), ("dir/ä.exe", 1, 8)]
    assert not any(entry.encrypted or entry.other_names for entry in entries)
    stored = zipped(("a", b"hello"), method=zipfile.ZIP_STORED)
    entry = read_directory(stored, 10).entries[0]
    assert stored[entry.data : entry.data + entry.packed] == b"hello"


def test_read_directory_of_a_mapped_file_is_the_same():
    """Large ones are in a file."""
    mapped = mmap.mmap(-1, len(TWO))
    mapped.write(TWO)
    assert read_directory(mapped, 10) == read_directory(TWO, 10)


def test_read_directory_zip64_is_read():
    """With its own end record and sizes."""
    directory = read_directory(zip64(), 10)
    assert [(entry.name, entry.unpacked) for entry in directory.entries] == [("a.exe", 1)]
    assert directory.in_front == 0


def test_read_directory_empty_has_no_entries():
    """Twenty-two octets."""
    assert read_directory(zipped(), 10).entries == []


def test_read_directory_comment_may_look_like_an_end():
    """The last one whose comment fits."""
    data = bytearray(TWO)
    data[-2:] = struct.pack("<H", 22)
    comment = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 9, 9, 9)
    assert len(read_directory(bytes(data) + comment, 10).entries) == 2


def test_read_directory_encrypted_is_told():
    """By bit 0 of the flags."""
    data = bytearray(zipped(("a", b"b")))
    data[data.index(b"PK\1\2") + 8] |= 1
    assert read_directory(bytes(data), 10).entries[0].encrypted


def test_read_directory_another_archive_in_front_is_told():
    """Some programs read the first, some the last."""
    first = zipped(("innocent.txt", b"x"))
    directory = read_directory(first + TWO, 10)
    assert directory.in_front == len(first)
    assert [entry.name for entry in directory.entries] == ["a.txt", "dir/ä.exe"]


def test_read_directory_another_name_in_the_local_header_is_told():
    """Programs that stream see that one."""
    data = zipped(("a.txt", b"b")).replace(b"a.txt", b"a.exe", 1)
    assert read_directory(data, 10).entries[0].other_names == ["a.exe"]


def test_read_directory_unicode_name_is_told():
    """Info-ZIP's field overrides the name for some."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        entry = zipfile.ZipInfo("a.txt")
        entry.extra = struct.pack("<HHBL", 0x7075, 10, 1, 0) + b"b.exe"
        archive.writestr(entry, b"x")
    assert read_directory(made.getvalue(), 10).entries[0].other_names == ["b.exe"]


def test_read_directory_overlapping_entries_are_told():
    """Two names for the same octets."""
    data = bytearray(zipped(("a", b"x" * 50), ("b", b"y" * 50)))
    assert not read_directory(bytes(data), 10).overlapping
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    data[second + 42 : second + 46] = bytes(4)
    assert read_directory(bytes(data), 10).overlapping


def test_read_directory_limit_is_the_last_number_that_passes():
    """Two entries."""
    assert len(read_directory(TWO, 2).entries) == 2
    with pytest.raises(TooMany, match="more than 1 entries"):
        read_directory(TWO, 1)


BROKEN = {
    "nothing": b"",
    "a header": b"PK\3\4",
    "no end": TWO[:-30],
    "no beginning": TWO[40:],
    "an end": b"PK\5\6" + b"\xff" * 18,
    "no local headers": TWO.replace(b"PK\3\4", b"PK\0\0"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_read_directory_broken_is_told(how):
    """Cut off, no end, places outside."""
    with pytest.raises(Unreadable):
        read_directory(BROKEN[how], 10)


@given(st.data())
def test_read_directory_anything_raises_what_it_says(data):
    """A good file with some octets changed."""
    octets = bytearray(data.draw(st.sampled_from([TWO, zip64()])))
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        directory = read_directory(bytes(octets), 10)
    except (Unreadable, TooMany):
        return
    assert isinstance(directory.overlapping, bool)


def test_read_directory_long_names_are_cut_at_their_beginning():
    """What counts is the end."""
    entry = read_directory(zipped(("x" * 60_000 + ".exe", b"")), 10).entries[0]
    assert len(entry.name) == zipdir.MAX_NAME
    assert entry.name.endswith(".exe")
