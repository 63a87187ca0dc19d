"""
A directory as a tar archive on a stream, while others go on writing to it.

The archive is plain pax, readable by any tar, with numbers for owners and no compression: what stores backups
compresses and finds what it has already, and can do so only with the octets as they are.  Memory grows with the number
of files (some 300 octets each), not with their size.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import tarfile
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from gateway.backup.kinds import Kind, Parts

PASSES = 10  # over the tree, at most
LOCK_TIMEOUT_S = 60  # while somebody commits to a database


@dataclass
class Count:
    """How much was done by now."""

    files: int = 0
    octets: int = 0


type Report = Callable[[Count], None]


class Damaged(ValueError):  # noqa: N818 - says what happened
    """A file became shorter while it was read, or an archive is none."""


def pack(root: Path, kind: Kind, out: IO[bytes], report: Report) -> Count:
    """
    Write what a directory holds as an archive.

    What was there when it began is in, even if it is renamed meanwhile; of what comes or goes later, some is.

    Args:
        root: An existing directory.
        kind: What of it is taken.
        out: Gets the archive; need not be seekable.
        report: Called after each file.

    Raises:
        OSError: something cannot be read or written.
        Damaged: a file became shorter while it was read, or is no database where it should be one.
    """
    began = time.time()
    done = Count()
    known: set[Hashable] = set()
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for _ in range(PASSES):
            late = 0  # found by this pass, though it is older than the first
            for parts, status in walk(root, kind):
                key = kind.key(parts)
                if key not in known:
                    known.add(key)
                    with (
                        _at_rest(root.joinpath(*parts))
                        if kind.locked and stat.S_ISREG(status.st_mode)
                        else nullcontext()
                    ):
                        _add(archive, root, parts, status, done)
                    report(done)
                    late += status.st_mtime < began and not stat.S_ISDIR(status.st_mode)
            if not late:
                break
    return done


@contextmanager
def _at_rest(path: Path) -> Iterator[None]:
    """
    Keep a database of SQLite from being changed: who commits waits.

    Holds for a rollback journal, which directory.engine sees to.  Source: sqlite.org/lockingv3.html.
    """
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(path))}?mode=ro", timeout=LOCK_TIMEOUT_S, isolation_level=None, uri=True)
        ) as held:
            held.execute("BEGIN")
            held.execute("SELECT count(*) FROM sqlite_schema")  # takes the lock
            yield
    except sqlite3.Error as error:
        raise Damaged(f"{path}: {error}") from None


def walk(root: Path, kind: Kind) -> Iterator[tuple[Parts, os.stat_result]]:
    """Give the root, then what is wanted below it, each directory before what is in it; what vanishes is left out."""
    waiting: list[Parts] = [()]
    while waiting:
        parts = waiting.pop()
        try:
            status = root.joinpath(*parts).lstat()
        except FileNotFoundError:
            continue
        if parts and not kind.wants(parts, status):
            continue
        yield parts, status
        if stat.S_ISDIR(status.st_mode):
            waiting += [(*parts, name) for name in _names(root.joinpath(*parts))]


def _names(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory), reverse=True)  # noqa: PTH208 - names are all it takes
    except FileNotFoundError:
        return []


def _add(archive: tarfile.TarFile, root: Path, parts: Parts, status: os.stat_result, done: Count) -> None:
    """Add one entry; sockets, pipes and devices are no data, and a file that is gone by now is left out."""
    path = root.joinpath(*parts)
    try:
        if stat.S_ISDIR(status.st_mode):
            archive.addfile(_entry(parts, status, tarfile.DIRTYPE))
        elif stat.S_ISLNK(status.st_mode):
            entry = _entry(parts, status, tarfile.SYMTYPE)
            entry.linkname = str(path.readlink())
            archive.addfile(entry)
        elif stat.S_ISREG(status.st_mode):
            _add_file(archive, path, parts, done)
    except FileNotFoundError:
        return


def _add_file(archive: tarfile.TarFile, path: Path, parts: Parts, done: Count) -> None:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:  # noqa: PTH123 - pathlib has no O_NOFOLLOW
        entry = _entry(parts, os.fstat(file.fileno()), tarfile.REGTYPE)
        try:
            archive.addfile(entry, file)
        except OSError as error:
            if file.tell() < entry.size and error.errno is None:
                raise Damaged(f"{path} became shorter while it was read: copy it again") from None
            raise
    done.files += 1
    done.octets += entry.size


def _entry(parts: Parts, status: os.stat_result, type_: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("/".join(parts) or ".")
    entry.type = type_
    entry.mode = stat.S_IMODE(status.st_mode)
    entry.uid, entry.gid = status.st_uid, status.st_gid
    entry.mtime = int(status.st_mtime)  # whole seconds, else each entry is longer by 1 KiB
    entry.size = status.st_size if type_ == tarfile.REGTYPE else 0
    return entry
