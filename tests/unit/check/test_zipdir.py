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
    assert (directory.oddities, directory.unlisted) == ([], [])


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


def changed(data, place, form, *values):
    """Give a zip with some numbers behind its last end record's signature changed."""
    octets = bytearray(data)
    struct.pack_into(form, octets, octets.rindex(b"PK\5\6") + place, *values)
    return bytes(octets)


ONE = zipped(("evil.exe", b"hello"))
END = ONE.rindex(b"PK\5\6")
START = ONE.index(b"PK\1\2")
MOVED = bytearray(changed(TWO, 16, "<L", TWO.index(b"PK\1\2") + len(ONE)))
for _name in ("a.txt", "dir/ä.exe"):
    _place = MOVED.rindex(_name.encode()) - 4
    struct.pack_into("<L", MOVED, _place, struct.unpack_from("<L", MOVED, _place)[0] + len(ONE))
BEFORE = "something stands before the archive"
HIDDEN = {
    "another archive in front": (ONE + TWO, 2, [BEFORE]),
    "another archive in front, places right": (ONE + MOVED, 2, [BEFORE]),
    "an empty end record behind": (ONE + zipped(), 0, [BEFORE]),
    "an archive between": (ONE[:START] + ONE, 1, [BEFORE]),
    "no directory": (
        ONE[:START] + b"PK\1\3" + ONE[START + 4 :],
        0,
        [
            BEFORE,
            "something stands between its entries",
            "0 entries, and its end says 1",
        ],
    ),
    "no size of the directory": (
        changed(ONE, 12, "<L", 0),
        0,
        [BEFORE, "0 entries, and its end says 1"],
    ),
    "a comment too short": (
        changed(TWO, 20, "<H", 0) + ONE[:START],
        2,
        ["something stands behind the archive"],
    ),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_read_directory_what_other_programs_read_is_told(how):
    """With the names they see."""
    data, entries, oddities = HIDDEN[how]
    directory = read_directory(data, 10)
    assert (len(directory.entries), directory.oddities, directory.unlisted) == (entries, oddities, ["evil.exe"])


def test_read_directory_counts_are_compared():
    """One more than there are."""
    assert read_directory(changed(TWO, 10, "<H", 3), 10).oddities == ["2 entries, and its end says 3"]


def signed_package(inside=b"x" * 100):
    """Give an Android package with the block of its signature before the directory."""
    size = struct.pack("<Q", len(inside) + 24)
    block = size + inside + size + b"APK Sig Block 42"
    return changed(ONE[:START] + block + ONE[START:], 16, "<L", START + len(block))


def streamed():
    """Give a zip whose sizes stand behind each entry, as whoever writes to a pipe makes it."""
    made = io.BytesIO()
    made.seekable = lambda: False
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", b"x" * 100)
        archive.writestr("b.txt", b"x" * 100)
    return made.getvalue()


ORDINARY = {
    "descriptors": streamed(),
    "signed": signed_package(),
    "signature of the directory": changed(ONE[:END] + b"PK\5\5" + bytes(50) + ONE[END:], 12, "<L", END - START + 54),
    "zeros behind": TWO + bytes(1_000),
    "zeros between": changed(ONE[:START] + bytes(1_000) + ONE[START:], 16, "<L", START + 1_000),
    "mark of a spanned archive": b"PK00" + TWO,
    "a line end behind": TWO + b"\r\n",
}


@pytest.mark.parametrize("how", ORDINARY)
def test_read_directory_what_programs_leave_is_nothing(how):
    """Octets of other formats that hide no entry."""
    directory = read_directory(ORDINARY[how], 10)
    assert (directory.oddities, directory.unlisted) == ([], [])


def test_read_directory_archive_in_the_block_of_a_signature_is_told():
    """Nobody checks what is in it."""
    assert read_directory(signed_package(ONE), 10).unlisted == ["evil.exe"]
    assert read_directory(signed_package(b"Rar!\x1a\x07" + bytes(50)), 10).oddities


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
