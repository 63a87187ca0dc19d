"""
The child that looks into archives: `python -m gateway.check.unpack LIMIT=NUMBER ...`, the archive on fd 0.

Unpacking is where hostile octets meet large parsers in C, so it happens in a process that may be killed, may write
nothing, open nothing more and use little: see _confine().  Nothing is written anywhere, data is read and dropped; the
worker decides what the events on stdout mean.  It imports as little as it can: to start is most of its work.

Limits: depth, entries, ratio, unpacked (octets), memory (octets), cpu (seconds).
Events: one a line, fields between tabs, in Python's unicode_escape: name PATH NAME · kind PATH KIND · encrypted PATH ·
link PATH TARGET · bomb WHY · unreadable WHY · at the end done ENTRIES OCTETS.  Paths of archives in archives are
joined by " > ".  A missing "done" says that it did not get to the end.
"""

import ctypes
import mmap
import os
import resource
import sys

from gateway.check import magic
from gateway.check.libarchive import FORMATS, STREAMED_ZIP, UNNAMED, Archive, ArchiveError

MAX_PATH = 1_000  # characters of a name that are told, from its end
MAX_INNER = 64 * 2**20  # octets of an archive within an archive
RATIO_FROM = 10 * 2**20  # octets unpacked, below which no ratio makes a bomb
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


class Bomb(Exception):  # noqa: N818 - names what it is
    """A limit is passed."""


def tell(*event: str) -> None:
    """Write an event."""
    sys.stdout.buffer.write(b"\t".join(field.encode("unicode_escape") for field in event) + b"\n")


class Reader:
    """Look into an archive and those within, and count."""

    def __init__(self, limits: dict[str, int], octets: int) -> None:
        self._limits = limits
        self._most = min(limits["unpacked"], max(limits["ratio"] * octets, RATIO_FROM))
        self.entries = 0
        self.unpacked = 0
        self._told: set[int] = set()  # hashes of the names that were

    def read(self, address: int, octets: int, path: str, depth: int, *, raw: bool = False) -> None:
        """Look into the archive at an address."""
        before = self.entries
        archive = Archive(() if raw else FORMATS)
        try:
            archive.open(address, octets)
            while archive.next():
                self._entry(archive, path, depth)
        except ArchiveError as error:
            if archive.encrypted:
                tell("encrypted", path)
            elif error.no_memory:
                raise MemoryError from None
            else:
                tell("unreadable", f"{path}: {error}" if path else str(error))
        finally:
            archive.close()
        if self.entries == before and not raw and archive_is_filtered(address, octets):
            self.read(address, octets, path, depth, raw=True)  # what begins with zeros passes for an empty tar
        if depth and ctypes.string_at(address, min(octets, 4)) == b"PK\3\4":
            self._stream(address, octets, path)

    def _stream(self, address: int, octets: int, path: str) -> None:
        """Tell the names that programs see in a zip which do not go by its directory; of the outermost zipdir does."""
        archive = Archive(STREAMED_ZIP)
        try:
            archive.open(address, octets)
            for _ in range(self._limits["entries"]):
                if not archive.next() or archive.raw:
                    break
                own = archive.name[-MAX_PATH:]
                self._tell_name(f"{path} > {own}", own)
        except ArchiveError:
            pass  # what is wrong with it has been told
        finally:
            archive.close()

    def _entry(self, archive: Archive, path: str, depth: int) -> None:
        self.entries += 1
        if self.entries > self._limits["entries"]:
            raise Bomb(f"more than {self._limits['entries']} entries")
        if archive.raw and not archive.filters:
            tell("unreadable", f"{path}: not an archive" if path else "not an archive")
            return
        own = archive.name[-MAX_PATH:]
        name = f"{path} > {own}" if path else own
        if not archive.raw or own != UNNAMED:  # gzip may have kept a name
            self._tell_name(name, own)
        if archive.target:
            tell("link", name, archive.target[:MAX_PATH])
        size = archive.size
        self._count(size or 0)
        if archive.entry_encrypted:
            tell("encrypted", name)
        elif archive.regular:
            self._data(archive, name, depth, counted=size is not None)

    def _tell_name(self, name: str, own: str) -> None:
        if hash(name) not in self._told:
            self._told.add(hash(name))
            tell("name", name, own)

    def _count(self, octets: int) -> None:
        self.unpacked += octets
        if self.unpacked > self._most:
            raise Bomb(f"more than {self._most} octets come out")

    def _data(self, archive: Archive, name: str, depth: int, *, counted: bool) -> None:
        """Look at the first octets of an entry, at all of an archive, and count what nobody declared."""
        data = bytearray()
        kind = ""
        seen = 0
        for place, address, octets in archive.blocks():
            if not counted:
                self._count(max(place + octets - seen, 0))
                seen = max(seen, place + octets)
            if octets and (len(data) < magic.HEAD or kind in magic.ARCHIVE):
                data += ctypes.string_at(address, octets)
                kind = magic.of(bytes(data[: magic.HEAD]))
            elif counted:
                break  # the rest is passed over; how much it is has been judged
            if len(data) > MAX_INNER:
                raise Bomb(f"{name}: an archive within of more than {MAX_INNER} octets")
        if kind in magic.ARCHIVE:
            self._inner(data, name, depth + 1)
        elif kind:
            tell("kind", name, kind)

    def _inner(self, data: bytearray, name: str, depth: int) -> None:
        if depth > self._limits["depth"]:
            raise Bomb(f"archives within archives, more than {self._limits['depth']}")
        octets = (ctypes.c_char * len(data)).from_buffer(data)
        self.read(ctypes.addressof(octets), len(data), name, depth)


def archive_is_filtered(address: int, octets: int) -> bool:
    """Tell whether what is there is one compressed stream."""
    return magic.of(ctypes.string_at(address, min(octets, magic.HEAD))) in magic.STREAM


def _confine(limits: dict[str, int]) -> None:
    """Give up what is not needed, before the first octet is read."""
    "".encode("unicode_escape")  # loads the codec, while files can be opened
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    for what, limit in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, limits["cpu"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def main(arguments: list[str]) -> None:
    """Read fd 0."""
    limits = {name: int(number) for name, _, number in (argument.partition("=") for argument in arguments)}
    octets = os.fstat(0).st_size
    archive = mmap.mmap(0, octets, mmap.MAP_PRIVATE)  # writable, for ctypes wants that; the file stays as it is
    _confine(limits)
    reader = Reader(limits, octets)
    try:
        reader.read(ctypes.addressof(ctypes.c_char.from_buffer(archive)), octets, "", 0)
    except Bomb as bomb:
        tell("bomb", str(bomb))
    except MemoryError:
        tell("bomb", f"more memory than {limits['memory']} octets")
    tell("done", str(reader.entries), str(reader.unpacked))
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
