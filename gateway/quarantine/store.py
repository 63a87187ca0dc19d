"""
The quarantine: one directory for each message that is held.

    <root>/<id>/content         octets as searched, CRLF line ends, no dot-stuffing
    <root>/<id>/held.json       envelope, client, findings, policy, when, and edits to make on release (record.py)
    <root>/<id>/released.json   recipients it was sent on to, and gate 2's replies; missing before the first

The files are the truth; the index beside them only makes lists quick.  A message is written to a directory whose name
begins with a dot, fsynced, and renamed: it is there whole or not at all, and the 250 to gate 1 comes after the fsync of
the root.  After a failed fsync nothing is tried again (the kernel may have dropped the pages): the message is deferred.
"""

import asyncio
import contextlib
import errno
import fcntl
import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.message.edit import Splice
from gateway.message.failure import Deferral
from gateway.message.header import Buffer
from gateway.message.mail import MailObject
from gateway.message.reply import own_fault
from gateway.message.verdict import Verdict
from gateway.quarantine.index import Index
from gateway.quarantine.record import Record

log = logging.getLogger(__name__)

FULL = own_fault(452, "4.3.1", "quarantine is full")
FAILED = own_fault(451, "4.3.0", "quarantine write error")
SLICE = 1_048_576  # octets of one write
UNFINISHED_S = 3600.0  # age of a directory that was begun and never renamed, from which on it is removed
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class NotHeld(LookupError):  # noqa: N818 - names what is asked for
    """There is no such message."""


class Quarantine:
    """Messages below a directory; any number of processes may use it at once."""

    def __init__(self, root: Path, max_octets: int) -> None:
        """
        Prepare, without touching the disk.

        Args:
            root: An existing directory, on a disk that outlives the container.
            max_octets: Of all contents together; what would go beyond is deferred.
        """
        self._root = root
        self._max_octets = max_octets
        self._index = Index(root)

    async def hold(self, mail: MailObject, verdict: Verdict, edits: Sequence[Splice] = ()) -> str:
        """
        Keep a message, on disk when this returns.

        Args:
            mail: As it was searched; so it is kept.
            verdict: Why it is held.
            edits: Splices of its content, to be made when it is released.

        Returns:
            Its id, 16 hexadecimal digits that sort by time.

        Raises:
            Deferral: the quarantine or its disk is full, or the disk fails.
        """
        return await asyncio.to_thread(self._hold, mail, verdict, edits)

    def _hold(self, mail: MailObject, verdict: Verdict, edits: Sequence[Splice]) -> str:
        now = time.time()
        id_ = f"{int(now):08x}{secrets.token_hex(4)}"
        record = Record.of(id_, now, mail, verdict, edits)
        begun = self._root / f".{id_}"
        try:
            if self._index.octets() + record.octets > self._max_octets:
                raise Deferral(FULL, cause="quarantine: [quarantine] max_size is reached")
            begun.mkdir(mode=0o700)
            _write(begun / "content", mail.content)
            _write(begun / "held.json", record.to_json().encode("ascii"))
            _sync(begun)
            begun.rename(self._root / id_)
            _sync(self._root)
        except OSError as error:
            shutil.rmtree(begun, ignore_errors=True)
            shutil.rmtree(self._root / id_, ignore_errors=True)
            raise Deferral(FULL if error.errno in _FULL else FAILED, cause=f"quarantine: {error.strerror}") from None
        self._index.add(record)
        return id_

    # -- what the operator asks

    def records(self) -> list[Record]:
        """Give all messages whose record can be read, the oldest first."""
        for _ in range(2):  # a damaged index is deleted, and filled by the second try
            self._index.refresh(self._ids(), self.record)
            found = self._index.records()
            if found:
                break
        return found

    def record(self, id_: str) -> Record:
        """
        Give what is known of a message.

        Raises:
            NotHeld: there is none of that id.
            BadRecord: its file is damaged.
        """
        return Record.from_json(self._read(id_, "held.json").decode("utf-8"))

    def content(self, id_: str) -> bytes:
        """Give a message's content, or raise NotHeld."""
        return self._read(id_, "content")

    def released(self, id_: str) -> dict[str, str]:
        """Give the recipients a message was sent on to, and gate 2's last word for each."""
        try:
            told: dict[str, str] = json.loads(self._read(id_, "released.json"))
        except NotHeld:
            return {}
        return told

    def note_released(self, id_: str, recipients: dict[str, str]) -> None:
        """Add to the recipients a message was sent on to; on disk when this returns."""
        told = self.released(id_) | recipients
        new = self._root / id_ / ".released.json"
        new.unlink(missing_ok=True)
        _write(new, json.dumps(told, indent=1).encode("ascii"))
        new.rename(self._root / id_ / "released.json")
        _sync(self._root / id_)

    @contextlib.contextmanager
    def locked(self, id_: str) -> Iterator[None]:
        """
        Keep everybody else from releasing or deleting a message; wait for who is at it.

        The lock is the kernel's, on the message's directory: it goes with the process that has it.

        Raises:
            NotHeld: there is none of that id, or none any more.
        """
        place = self._place(id_)
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            raise NotHeld(f"{id_}: no such message is held") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._place(id_)  # who was at it may have deleted it
            yield
        finally:
            os.close(descriptor)

    def delete(self, id_: str) -> None:
        """
        Remove a message for good.

        Raises:
            NotHeld: there is none of that id.
        """
        gone = self._root / f".{id_}"
        with self.locked(id_):
            (self._root / id_).rename(gone)  # from here on nobody sees half of it
        shutil.rmtree(gone)
        self._index.remove(id_)

    def expire(self, older_than_s: float, now: float) -> list[str]:
        """
        Delete what was held longer ago than *older_than_s* seconds, and what was begun and never finished.

        Returns:
            The ids of the messages deleted.
        """
        expired = []
        for record in self.records():
            if now - record.held_at > older_than_s:
                with contextlib.suppress(NotHeld):  # somebody else has deleted it meanwhile
                    self.delete(record.id)
                    expired.append(record.id)
        for path in self._root.glob(".*"):
            if path.is_dir() and now - path.stat().st_mtime > UNFINISHED_S:
                shutil.rmtree(path, ignore_errors=True)
        return expired

    def _ids(self) -> Iterator[str]:
        with os.scandir(self._root) as entries:
            yield from (entry.name for entry in entries if _ID.fullmatch(entry.name))

    def _place(self, id_: str) -> Path:
        place = self._root / id_
        if not _ID.fullmatch(id_) or not place.is_dir():
            raise NotHeld(f"{id_}: no such message is held")
        return place

    def _read(self, id_: str, name: str) -> bytes:
        try:
            return (self._place(id_) / name).read_bytes()
        except FileNotFoundError:
            raise NotHeld(f"{id_}: has no {name}") from None


def _write(path: Path, octets: Buffer) -> None:
    """Write a new file and bring it to the disk."""
    with path.open("xb", buffering=0) as file:
        for place in range(0, len(octets), SLICE):
            view = memoryview(octets[place : place + SLICE])
            while view:
                view = view[file.write(view) :]
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Bring the names in a directory to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
