"""
The directory of a zip file, read without unpacking anything.

Office documents are zip files, so this has to be quick, and runs in the worker; all it does is arithmetic on places,
each of which is checked.  What programs read in different ways (another name in the local header, octets that no entry
accounts for) is told, for that is how a scanner gets to see other names than the recipient: some programs go by the
directory, some by its place and some by its size, some read on from the first octet.

Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from gateway.message.header import Buffer

_END = struct.Struct("<4s4H2LH")  # end of central directory
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_EXTRA = struct.Struct("<2H")
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF
MAX_NAME = 4_000  # octets of a name, from its end
MAX_GAP = 24  # octets that may follow an entry: a data descriptor of zip64
_NOT_ZERO = re.compile(rb"[^\0]")  # zeros align entries
_OTHER_ARCHIVE = re.compile(rb"PK\x03\x04|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c")
_SIGNING_BLOCK = b"APK Sig Block 42"  # Android's, before the directory
ENCRYPTED = 0x2041  # bits of the flags: encrypted, strongly, and names masked
UTF_8 = 0x800


class Unreadable(ValueError):  # noqa: N818 - names what the file is
    """No zip file, or a broken one."""


class TooMany(ValueError):  # noqa: N818 - names what there are
    """More entries than allowed."""


@dataclass(slots=True)
class Entry:
    """One file in it."""

    name: str
    flags: int
    method: int  # 0 is stored
    packed: int  # octets
    unpacked: int  # octets, as it says
    offset: int  # place of its local header
    other_names: list[str] = field(default_factory=list)  # in its local header, or for other programs
    data: int = 0  # place of its octets

    @property
    def encrypted(self) -> bool:
        """True when a password is needed."""
        return bool(self.flags & ENCRYPTED)


@dataclass(frozen=True, slots=True)
class Directory:
    """What the archive holds."""

    entries: list[Entry]
    oddities: list[str]  # what makes other programs see other entries
    unlisted: list[str]  # names of entries that only those programs see

    @property
    def unpacked(self) -> int:
        """Octets that it says would come out."""
        return sum(entry.unpacked for entry in self.entries)

    @property
    def overlapping(self) -> bool:
        """True when two entries share octets: the way to a bomb of one layer (Fifield 2019)."""
        spans = sorted((entry.offset, entry.data + entry.packed) for entry in self.entries)
        return any(before[1] > after[0] for before, after in pairwise(spans))


class _End(NamedTuple):
    """What the end record says, and where it is; places in the file."""

    start: int  # of the directory
    stop: int  # of it: where the end records begin
    after: int  # behind the end records and the comment
    in_front: int  # octets before those that the archive counts
    number: int  # of entries, modulo 65,536


def read_directory(data: Buffer, max_entries: int) -> Directory:
    """
    Read the central directory, and the local header of each entry.

    Raises:
        Unreadable: it makes no sense.
        TooMany: more than *max_entries*.
    """
    try:
        end = _find(data)
        entries, read = _central(data, end, max_entries)
        for entry in entries:
            entry.offset += end.in_front
            _local(data, entry)
    except struct.error:
        raise Unreadable("ends too early") from None
    gaps = list(_gaps(data, entries, [(end.start, read), (end.stop, end.after)]))
    oddities = [_what_stands(place, stop, len(data)) for place, stop in gaps]
    if len(entries) & _MAX_16 != end.number:
        oddities.append(f"{len(entries)} entries, and its end says {end.number}")
    return Directory(entries, oddities, _unlisted(data, gaps, max_entries - len(entries)))


def _find(data: Buffer) -> _End:
    end = len(data)
    while True:
        end = data.rfind(b"PK\x05\x06", max(len(data) - 65_557, 0), end)
        if end < 0:
            raise Unreadable("no end of central directory")
        _, _, _, _, count, size, offset, comment = _END.unpack_from(data, end)
        if end + _END.size + comment <= len(data):
            break
    stop = end
    if (count == _MAX_16 or _MAX_32 in (size, offset)) and data[max(end - 20, 0) : end][:4] == b"PK\x06\x07":
        place = _LOCATOR_64.unpack_from(data, end - 20)[2]
        if data[place : place + 4] != b"PK\x06\x06":
            raise Unreadable("no end of central directory of zip64")
        *_, count, size, offset = _END_64.unpack_from(data, place)
        stop = place
    start = stop - size
    if start < 0 or offset > start:
        raise Unreadable("directory outside the file")
    return _End(start, stop, end + _END.size + comment, start - offset, count & _MAX_16)


def _central(data: Buffer, end: _End, max_entries: int) -> tuple[list[Entry], int]:
    """Give the entries, and the place up to which the directory has some."""
    entries: list[Entry] = []
    place = end.start
    while place + _CENTRAL.size <= end.stop:
        (signature, _, _, flags, method, _, _, _, packed, unpacked, name_size, extra_size, comment_size, _, _, _,
         offset) = _CENTRAL.unpack_from(data, place)  # fmt: skip
        if signature == b"PK\x05\x05":  # a signature of the directory, which nobody checks
            return entries, end.stop
        if signature != b"PK\x01\x02":
            break
        if len(entries) >= max_entries:
            raise TooMany(f"more than {max_entries} entries")
        place += _CENTRAL.size
        entry = Entry(_name(data[place : place + name_size], flags), flags, method, packed, unpacked, offset)
        if extra_size:
            _extra(data[place + name_size : place + name_size + extra_size], entry)
        place += name_size + extra_size + comment_size
        entries.append(entry)
    if place > end.stop:
        raise Unreadable("directory ends too early")
    return entries, place


def _gaps(data: Buffer, entries: Sequence[Entry], others: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Give the places that neither an entry nor one of the others accounts for, but for what programs leave there."""
    spans = sorted([*((entry.offset, entry.data + entry.packed) for entry in entries), *others])
    place = 0
    for start, stop in [*spans, (len(data), len(data))]:
        if start - place > MAX_GAP and not _is_filling(data, place, start):
            yield place, start
        place = max(place, stop)


def _is_filling(data: Buffer, start: int, stop: int) -> bool:
    """Tell whether octets hide nothing: zeros, or the block of an Android package that is signed."""
    if _NOT_ZERO.search(data, start, stop) is None:
        return True
    if data[stop - 16 : stop] != _SIGNING_BLOCK or _OTHER_ARCHIVE.search(data, start, stop):
        return False
    block = stop - 8 - int.from_bytes(data[stop - 24 : stop - 16], "little")
    return start <= block and (block - start <= MAX_GAP or _NOT_ZERO.search(data, start, block) is None)


def _what_stands(start: int, stop: int, octets: int) -> str:
    where = "before the archive" if start == 0 else "behind the archive" if stop == octets else "between its entries"
    return f"something stands {where}"


def _unlisted(data: Buffer, gaps: Sequence[tuple[int, int]], most: int) -> list[str]:
    """Give the names in local headers within gaps."""
    names: list[str] = []
    for start, stop in gaps:
        place = data.find(b"PK\x03\x04", start, stop)
        while 0 <= place <= stop - _LOCAL.size and len(names) < most:
            _, _, flags, *_, name_size, _ = _LOCAL.unpack_from(data, place)
            names.append(_name(data[place + _LOCAL.size : place + _LOCAL.size + name_size], flags))
            place = data.find(b"PK\x03\x04", place + 4, stop)
    return names


def _name(octets: bytes, flags: int) -> str:
    return octets[-MAX_NAME:].decode("utf-8" if flags & UTF_8 else "cp437", "replace")


def _extra(extra: bytes, entry: Entry) -> None:
    """Read sizes of zip64, and the name that Info-ZIP's Unicode field has."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = _EXTRA.unpack_from(extra, place)
        value = extra[place + 4 : place + 4 + size]
        place += 4 + size
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{len(value) // 8}Q", value))
            entry.unpacked = next(numbers, 0) if entry.unpacked == _MAX_32 else entry.unpacked
            entry.packed = next(numbers, 0) if entry.packed == _MAX_32 else entry.packed
            entry.offset = next(numbers, 0) if entry.offset == _MAX_32 else entry.offset
        elif kind == 0x7075 and len(value) > 5:
            entry.other_names.append(_name(value[5:], UTF_8))


def _local(data: Buffer, entry: Entry) -> None:
    signature, _, flags, _, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(data, entry.offset)
    if signature != b"PK\x03\x04":
        raise Unreadable("no local header where the directory says")
    place = entry.offset + _LOCAL.size
    name = _name(data[place : place + name_size], flags)
    if name != entry.name and not flags & 0x2000:  # bit 13: masked
        entry.other_names.append(name)
    entry.data = place + name_size + extra_size
    if entry.data + entry.packed > len(data):
        raise Unreadable("an entry goes beyond the end")
