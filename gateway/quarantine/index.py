"""
The index of the quarantine: a SQLite file beside the messages, so that a list of thousands is quick.

It may be deleted at any time: what it lacks is read from the messages' own files, and what it has too much is dropped
whenever somebody asks for the list.  So it is never synced to disk, and an error of it never stops a message.

Log levels: WARNING the index failed and was made anew.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.quarantine.record import BadRecord, Record

log = logging.getLogger(__name__)

NAME = "index.sqlite"
BUSY_S = 5.0  # wait for another process that writes
_TABLE = "CREATE TABLE IF NOT EXISTS held (id TEXT PRIMARY KEY, octets INTEGER NOT NULL, record TEXT NOT NULL)"
_SUM = "SELECT coalesce(sum(octets), 0) FROM held"
_ALL = "SELECT record FROM held ORDER BY id"


class Index:
    """Which messages there are."""

    def __init__(self, root: Path) -> None:
        self._path = root / NAME

    def add(self, record: Record) -> None:
        """Note a message."""
        self._within(lambda base: _insert(base, record), None)

    def remove(self, id_: str) -> None:
        """Forget a message."""
        self._within(lambda base: base.execute("DELETE FROM held WHERE id = ?", (id_,)), None)

    def octets(self) -> int:
        """Give the octets of all contents together; 0 where the index fails."""
        return self._within(lambda base: int(base.execute(_SUM).fetchone()[0]), 0)

    def records(self) -> list[Record]:
        """Give all messages, the oldest first; none where the index fails."""
        return self._within(lambda base: [Record.from_json(row[0]) for row in base.execute(_ALL)], [])

    def refresh(self, ids: Iterable[str], read: Callable[[str], Record]) -> None:
        """
        Bring it in line with the files.

        Args:
            ids: Of the messages there are.
            read: Gives the record of one, or raises BadRecord or LookupError.
        """
        there = set(ids)
        self._within(lambda base: _refresh(base, there, read), None)

    def _within[Result](self, work: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
        """Do *work* in one transaction; a damaged index is deleted, for the next refresh() to fill anew."""
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_S)) as base, base:
                base.execute("PRAGMA synchronous = OFF")
                base.execute(_TABLE)
                return work(base)
        except sqlite3.OperationalError as error:  # locked for too long, or the disk is full
            log.warning("quarantine: index: %s", error)
        except (sqlite3.DatabaseError, BadRecord) as error:
            log.warning("quarantine: index is made anew: %s", error)
            self._path.unlink(missing_ok=True)
        return otherwise


def _refresh(base: sqlite3.Connection, there: set[str], read: Callable[[str], Record]) -> None:
    known = {row[0] for row in base.execute("SELECT id FROM held")}
    base.executemany("DELETE FROM held WHERE id = ?", [(id_,) for id_ in known - there])
    for id_ in there - known:
        try:
            _insert(base, read(id_))
        except (BadRecord, LookupError) as error:
            log.warning("quarantine: %s: %s", id_, error)


def _insert(base: sqlite3.Connection, record: Record) -> None:
    base.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", (record.id, record.octets, record.to_json()))
