"""
An archive of pack.py back into a directory: owners, modes and times as they were.

The archive has been compared with its checksum before, but not with good sense: names that lead out of the directory
are refused, and links are made last, so that nothing is ever written through one.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gateway.backup.kinds import Kind, Parts
from gateway.backup.pack import Count, Damaged, Report, walk

SLICE = 1_048_576  # octets of one read
END = 2 * tarfile.BLOCKSIZE  # zeros at the end of an archive


class _Watched:
    """A stream that remembers how it ended: tarfile takes one that was cut between two entries for whole."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.last = b""  # END octets, as soon as there were as many

    def read(self, octets: int) -> bytes:
        """Read on."""
        read = self._source.read(octets)
        self.last = (self.last + read)[-END:]
        return read


def in_the_way(root: Path, kind: Kind, source: IO[bytes]) -> Iterator[Parts]:
    """
    Give the files that restoring would overwrite or mix with.

    That is any at all, for a volume is ours alone; of a shared directory, those of the archive that have other content.

    Raises:
        Damaged: the archive is none.
    """
    if not kind.shared:
        yield from (parts for parts, status in walk(root, kind) if not stat.S_ISDIR(status.st_mode))
        return
    for archive, entry, parts in _entries(source):
        path = root.joinpath(*kind.place(parts))
        if entry.isreg() and (path.is_symlink() or path.exists()) and not _same(archive, entry, path):
            yield kind.place(parts)


def unpack(source: IO[bytes], root: Path, kind: Kind, report: Report, *, replace: bool = False) -> Count:
    """
    Write what an archive holds into a directory, on disk when this returns.

    Args:
        source: The archive; need not be seekable.
        root: An existing directory; gets the owner and the mode of the one that was packed, unless it is shared.
        kind: Where in it the files go.
        report: Called after each file.
        replace: Remove all that is in it first, unless it is shared.

    Raises:
        OSError: something cannot be written.
        Damaged: the archive is none, or leads out of the directory.
    """
    if replace and not kind.shared:
        _empty(root)
    done = Count()
    directories: list[tuple[tarfile.TarInfo, Path]] = []
    links: list[tuple[tarfile.TarInfo, Path]] = []
    for archive, entry, parts in _entries(source):
        path = root.joinpath(*kind.place(parts))
        if entry.isdir():
            path.mkdir(mode=0o700, exist_ok=True)
            if parts or not kind.shared:
                directories.append((entry, path))
        elif entry.issym():
            links.append((entry, path))
        else:
            _write(archive, entry, path)
            done.files += 1
            done.octets += entry.size
            report(done)
    for entry, path in links:
        path.unlink(missing_ok=True)
        path.symlink_to(entry.linkname)
        os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    for entry, path in reversed(directories):  # the innermost first: each write below changes the time of the outer
        _dress(path, entry)
    os.sync()
    return done


def _entries(source: IO[bytes]) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo, Parts]]:
    """Give the entries of an archive, each with where it is below the root."""
    watched = _Watched(source)
    try:
        with tarfile.open(fileobj=watched, mode="r|") as archive:  # type: ignore[call-overload]  # read() is all it needs
            for entry in archive:
                if not (entry.isreg() or entry.isdir() or entry.issym()):
                    raise Damaged(f"{entry.name}: neither file, directory nor link")
                yield archive, entry, _parts(entry.name)
        while watched.read(SLICE):
            pass
    except (tarfile.TarError, EOFError) as error:
        raise Damaged(f"not an archive, or one that was cut: {error}") from None
    if watched.last != bytes(END):
        raise Damaged("the archive was cut")


def _parts(name: str) -> Parts:
    if name == ".":
        return ()
    parts = tuple(name.split("/"))
    if any(part in ("", ".", "..") for part in parts):
        raise Damaged(f"{name!r} leads out of the directory")
    return parts


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
    """Write beside the place and rename: what was there stays whole until then, and no link is followed."""
    content = archive.extractfile(entry)
    if content is None:
        raise Damaged(f"{entry.name}: has no content")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_name(f".{path.name[:200]}.restored")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - with this mode
        shutil.copyfileobj(content, file, SLICE)
        if file.tell() != entry.size:
            raise Damaged(f"{entry.name}: the archive was cut")
    _dress(new, entry)
    new.rename(path)


def _dress(path: Path, entry: tarfile.TarInfo) -> None:
    os.chown(path, entry.uid, entry.gid)
    path.chmod(entry.mode)
    os.utime(path, (entry.mtime, entry.mtime))


def _same(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> bool:
    content = archive.extractfile(entry)
    if content is None or path.is_symlink() or not path.is_file() or path.stat().st_size != entry.size:
        return False
    with path.open("rb") as there:
        while octets := content.read(SLICE):
            if there.read(len(octets)) != octets:
                return False
    return True


def _empty(root: Path) -> None:
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
