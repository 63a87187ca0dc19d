"""
Generations of the rendered tree on the `rendered` volume.

    /rendered/generations/000007/<service>/<file>
    /rendered/current -> generations/000007

A generation is written beside the others, synced, and renamed into place whole; `current` is a symbolic link that
is replaced by rename(2).  So whoever reads sees one generation or the other, never a mixture, and a crash leaves
nothing half done but a hidden directory, which the next write removes.  Writers wait for each other.
Daemons pin the generation they started with (images/*/start), so flipping `current` disturbs nothing that runs.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.render.tree import Tree

KEPT = 20  # generations, the newest; a few kilobytes each

_ID = re.compile(r"\d{6}")
_HIDDEN = ".new"  # a generation being written
_DROPPED = ".old"  # a generation being removed


class Generations:
    """The generations below one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._directory = root / "generations"

    def current(self) -> str | None:
        """Return the id of the generation that starting daemons take; None before the first, or if it is gone."""
        link = self._root / "current"
        return link.readlink().name if link.is_symlink() and link.is_dir() else None

    def read(self, generation: str) -> Tree:
        """
        Return a generation's tree.

        Raises:
            LookupError: There is no such generation.
        """
        directory = self._directory / generation
        if not _ID.fullmatch(generation) or not directory.is_dir():
            raise LookupError(f"no generation {generation}; there are {', '.join(self._ids()) or 'none'}")
        files = (path for path in sorted(directory.rglob("*")) if path.is_file())
        return {str(path.relative_to(directory)): path.read_text(encoding="utf-8") for path in files}

    def read_current(self) -> Tree:
        """Return the current tree; empty before the first generation."""
        current = self.current()
        return self.read(current) if current else {}

    def write(self, tree: Tree) -> str:
        """
        Write a tree as a new generation, unless the current one is the same.

        Returns:
            The id of the generation that holds the tree.

        Raises:
            OSError: It could not be written whole; nothing is left of it then.
        """
        with self._alone():
            current = self.current()
            if current and self.read(current) == tree:
                return current
            generation = f"{max(map(int, self._ids()), default=0) + 1:06d}"
            hidden = self._directory / _HIDDEN
            shutil.rmtree(hidden, ignore_errors=True)
            try:
                self._write_files(hidden, tree)
                hidden.rename(self._directory / generation)
            except OSError:
                shutil.rmtree(hidden, ignore_errors=True)
                raise
            _sync(self._directory)
            return generation

    def flip(self, generation: str) -> None:
        """
        Make a generation the current one, atomically.

        Raises:
            LookupError: There is no such generation.
        """
        self.read(generation)
        with self._alone():
            link = self._root / ".current"
            link.unlink(missing_ok=True)
            link.symlink_to(Path("generations") / generation)
            link.replace(self._root / "current")
            _sync(self._root)

    def prune(self, keep: set[str]) -> None:
        """
        Drop old generations, but for the newest KEPT, the current one and those in *keep*.

        Only who knows what the services run may call this: a service whose generation is gone loses its files.
        """
        with self._alone():
            hidden = self._directory / _DROPPED
            shutil.rmtree(hidden, ignore_errors=True)
            for old in self._ids()[:-KEPT]:
                if old not in keep and old != self.current():
                    (self._directory / old).rename(hidden)
                    shutil.rmtree(hidden)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of the writers: two at once would write into one hidden directory."""
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _ids(self) -> list[str]:
        if not self._directory.is_dir():
            return []
        return sorted(path.name for path in self._directory.iterdir() if _ID.fullmatch(path.name))

    def _write_files(self, directory: Path, tree: Tree) -> None:
        for name, text in tree.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        for path in [directory, *directory.iterdir()]:
            _sync(path)


def _sync(directory: Path) -> None:
    """Make a directory's entries durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
