"""A directory as an archive, while others write to it."""

import io
import os
import sqlite3
import tarfile
import threading
from contextlib import closing

import pytest

from gateway.backup import pack as pack_
from gateway.backup.kinds import KINDS
from gateway.backup.pack import Count, Damaged, pack
from tests.unit.backup.trees import packed, plant


def names(archive):
    """Give the names in an archive, in its order."""
    with tarfile.open(fileobj=archive) as tar:
        return tar.getnames()


def test_archive_has_each_file_once_after_its_directory(tmp_path):
    """Any tar can read it."""
    plant(tmp_path, {"b/two": b"2", "a/one": b"1", "three": b"3"})
    assert names(packed(tmp_path, "volume")) == [".", "a", "a/one", "b", "b/two", "three"]


def test_owner_mode_and_time_are_in_the_archive(tmp_path):
    """As numbers, without the names of users of this host."""
    plant(tmp_path, {"file": b"content"})
    (tmp_path / "file").chmod(0o640)
    os.utime(tmp_path / "file", (1_000_000_000, 1_000_000_000.75))
    with tarfile.open(fileobj=packed(tmp_path, "volume")) as tar:
        entry = tar.getmember("file")
    assert (entry.mode, entry.mtime, entry.size) == (0o640, 1_000_000_000, 7)
    assert (entry.uid, entry.gid, entry.uname, entry.gname) == (os.getuid(), os.getgid(), "", "")


def test_names_of_any_octets_are_kept(tmp_path):
    """A name need not be text."""
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    with open(path, "wb") as file:  # noqa: PTH123 - pathlib takes no octets
        file.write(b"x")
    assert [os.fsencode(name) for name in names(packed(tmp_path, "volume"))] == [b".", b"caf\xe9"]


def test_what_is_no_data_is_left_out(tmp_path):
    """Pipes hold nothing, and reading one would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    assert names(packed(tmp_path, "volume")) == [".", "link"]


def test_count_is_told_after_each_file(tmp_path):
    """For the line of progress."""
    plant(tmp_path, {"a": b"12", "b": b"345"})
    told = []
    done = pack(tmp_path, KINDS["volume"], io.BytesIO(), lambda count: told.append((count.files, count.octets)))
    assert done == Count(2, 5)
    assert [entry for entry in told if entry[0]] == [(1, 2), (2, 5)]


def test_message_that_moves_to_where_was_read_already_is_found(tmp_path, monkeypatch):
    """From new/ to cur/, as a client's first look does: cur/ was read before new/."""
    box = tmp_path / "small.test/carl"
    plant(tmp_path, {"small.test/carl/cur/1:2,S": b"old", "small.test/carl/new/2": b"news"})
    listed = pack_._names

    def list_and_look(directory):
        names = listed(directory)
        if directory == box / "cur" and (box / "new/2").exists():
            (box / "new/2").rename(box / "cur/2:2,")
        return names

    monkeypatch.setattr(pack_, "_names", list_and_look)
    messages = [name for name in names(packed(tmp_path, "mail")) if ":" in name or name.endswith("/2")]
    assert messages == ["small.test/carl/cur/1:2,S", "small.test/carl/cur/2:2,"]


def test_message_that_moves_after_it_was_read_is_in_once(tmp_path):
    """The next pass knows it again."""
    plant(tmp_path, {"x.test/y/cur/1": b"", "x.test/y/cur/2": b"", "x.test/y/new/3": b"", "x.test/y/new/4": b""})
    out = io.BytesIO()

    def look(count):
        if count.files == 3:
            (tmp_path / "x.test/y/new/3").rename(tmp_path / "x.test/y/cur/3:2,S")

    assert pack(tmp_path, KINDS["mail"], out, look).files == 4
    assert sum("/3" in name for name in names(io.BytesIO(out.getvalue()))) == 1


def test_file_that_goes_while_it_is_read_is_left_out(tmp_path):
    """Somebody deleted a message: that is no error."""
    plant(tmp_path, {"a": b"1", "b": b"2"})
    out = io.BytesIO()

    def report(count):
        (tmp_path / "b").unlink(missing_ok=True)

    pack(tmp_path, KINDS["volume"], out, report)
    assert "b" not in names(io.BytesIO(out.getvalue()))


def test_mail_that_keeps_coming_does_not_keep_it_from_ending(tmp_path):
    """What is younger than the backup need not be in."""
    plant(tmp_path, {"x/y/new/0": b""})
    number = 0

    def deliver(count):
        nonlocal number
        number += 1
        plant(tmp_path, {f"x/y/new/{number}": b"new"})

    assert pack(tmp_path, KINDS["mail"], io.BytesIO(), deliver).files < 20


def test_file_that_shrinks_is_an_error(tmp_path, monkeypatch):
    """The archive promises more octets than there are: it cannot be mended, only made again."""
    plant(tmp_path, {"file": b"x" * 300_000})
    told = os.fstat

    def tell_and_cut(descriptor):
        status = told(descriptor)
        os.truncate(tmp_path / "file", 100_000)
        return status

    monkeypatch.setattr(os, "fstat", tell_and_cut)
    with pytest.raises(Damaged, match=r"file became shorter while it was read: copy it again$"):
        packed(tmp_path, "volume")


def test_file_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    """A backup without it would look whole."""
    plant(tmp_path, {"file": b"x"})

    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        packed(tmp_path, "volume")


def test_database_is_copied_between_two_changes(tmp_path):
    """Somebody changes it all the time; each copy is whole."""
    path = tmp_path / "people.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA cache_size = 10")
        database.execute("CREATE TABLE numbers (number INTEGER, filler TEXT)")
        database.executemany("INSERT INTO numbers VALUES (0, ?)", [("x" * 1000,)] * 500)
        database.commit()
    stop = threading.Event()

    def change():
        with closing(sqlite3.connect(path, timeout=60)) as writer:
            while not stop.is_set():
                writer.execute("UPDATE numbers SET number = number + 1")
                writer.commit()

    writing = threading.Thread(target=change)
    writing.start()
    try:
        copies = [packed(tmp_path, "directory") for _ in range(20)]
    finally:
        stop.set()
        writing.join()
    for number, copy in enumerate(copies):
        with tarfile.open(fileobj=copy) as tar:
            assert set(tar.getnames()) == {".", "people.sqlite"}
            tar.extract("people.sqlite", tmp_path / str(number), filter="data")
        with closing(sqlite3.connect(tmp_path / str(number) / "people.sqlite")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("SELECT count(DISTINCT number), count(*) FROM numbers").fetchone() == (1, 500)


def test_what_is_no_database_is_an_error_where_one_is_expected(tmp_path):
    """Nobody would know whether it was whole."""
    plant(tmp_path, {"people.sqlite": b"x" * 5000})
    with pytest.raises(Damaged, match=r"people\.sqlite: file is not a database$"):
        packed(tmp_path, "directory")
