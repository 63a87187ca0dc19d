"""The index says what the files say, whatever became of it."""

import dataclasses
import sqlite3

import pytest

from gateway.quarantine.index import NAME, Index
from gateway.quarantine.record import BadRecord, Record

from .messages import VERDICT, mail


def record(number):
    """Give a record of 100 octets."""
    return dataclasses.replace(Record.of(f"{number:016x}", number, mail(), VERDICT), octets=100)


@pytest.fixture
def index(tmp_path):
    """Give an empty index."""
    return Index(tmp_path)


def test_index_knows_what_was_added(index):
    """In the order of time, with the sum of octets."""
    for number in (2, 1, 3):
        index.add(record(number))
    index.remove(record(3).id)
    assert index.records() == [record(1), record(2)]
    assert index.octets() == 200


def test_refresh_adds_and_drops(index):
    """What is not there any more goes, what is not known is read, what cannot be read is left out."""
    index.add(record(1))
    index.add(record(2))

    def read(id_):
        if id_ == record(4).id:
            raise BadRecord("damaged")
        return record(int(id_, 16))

    index.refresh([record(2).id, record(3).id, record(4).id], read)
    assert index.records() == [record(2), record(3)]


def test_damaged_index_is_made_anew(index, tmp_path):
    """Garbage in its file costs a list, not a message."""
    (tmp_path / NAME).write_bytes(b"no database" * 500)
    assert index.records() == []
    index.add(record(1))
    assert index.records() == [record(1)]


def test_locked_index_does_not_stop_anybody(index, tmp_path, monkeypatch):
    """Another process keeps it: nothing is known, nothing raised."""
    monkeypatch.setattr("gateway.quarantine.index.BUSY_S", 0.05)
    index.add(record(1))
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    index.add(record(2))
    assert index.records() == []
    other.close()
    assert index.records() == [record(1)]


def test_index_of_no_directory_is_empty(tmp_path):
    """The disk is not there."""
    assert Index(tmp_path / "gone").octets() == 0
