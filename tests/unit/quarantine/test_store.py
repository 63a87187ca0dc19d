"""What is held is on disk, whole, before anybody hears of it, and stays until it is deleted."""

import asyncio
import errno
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from gateway.message.failure import Deferral
from gateway.quarantine import store
from gateway.quarantine.store import NotHeld, Quarantine

from .messages import CONTENT, VERDICT, mail


@pytest.fixture
def quarantine(tmp_path):
    """Give a quarantine of 10 kB."""
    return Quarantine(tmp_path, 10_000)


def names(tmp_path):
    """Give what lies in the directory, the index left out."""
    return sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("index"))


async def test_message_is_held_as_it_came(quarantine, tmp_path):
    """Content, envelope, findings; nothing else is in the directory."""
    before = time.time()
    id_ = await quarantine.hold(mail(), VERDICT)
    assert names(tmp_path) == [id_]
    assert sorted(path.name for path in (tmp_path / id_).iterdir()) == ["content", "held.json"]
    assert quarantine.content(id_) == CONTENT
    record = quarantine.record(id_)
    assert before <= record.held_at <= time.time()
    assert (record.policy, record.findings, record.octets) == ("strict", VERDICT.findings, len(CONTENT))
    assert record.envelope == mail().envelope
    assert quarantine.records() == [record]


async def test_everything_is_synced_before_the_id_is_given(quarantine, tmp_path, monkeypatch):
    """Both files, the directory, and, after the rename, the one above."""
    synced = []
    real = os.fsync

    def fsync(descriptor):
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(store.os, "fsync", fsync)
    id_ = await quarantine.hold(mail(), VERDICT)
    begun = tmp_path / f".{id_}"
    assert synced == [str(begun / "content"), str(begun / "held.json"), str(begun), str(tmp_path)]


@pytest.mark.parametrize("at", range(4))
async def test_failed_sync_defers_and_leaves_nothing(quarantine, tmp_path, monkeypatch, at):
    """A disk that fails: 451, and nobody finds half a message."""
    calls = []

    def fsync(_):
        calls.append(1)
        if len(calls) == at + 1:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(store.os, "fsync", fsync)
    with pytest.raises(Deferral) as caught:
        await quarantine.hold(mail(), VERDICT)
    assert caught.value.reply.text == b"451 4.3.0 yard: quarantine write error"
    assert len(calls) == at + 1
    assert names(tmp_path) == []
    assert quarantine.records() == []


async def test_full_quarantine_defers(quarantine, tmp_path):
    """What would go beyond max_octets is gate 1's to keep."""
    await quarantine.hold(mail(b"x" * 9_000), VERDICT)
    with pytest.raises(Deferral) as caught:
        await quarantine.hold(mail(b"x" * 1_001), VERDICT)
    assert caught.value.reply.text == b"452 4.3.1 yard: quarantine is full"
    await quarantine.hold(mail(b"x" * 1_000), VERDICT)
    assert len(names(tmp_path)) == 2


def test_full_disk_defers_and_leaves_nothing(tmp_path):
    """A real write that stops half-way: no file may grow beyond 64 kB in this process."""
    script = textwrap.dedent("""
        import asyncio, pathlib, resource, signal, sys
        from gateway.message.failure import Deferral
        from gateway.quarantine.store import Quarantine
        from tests.unit.quarantine.messages import VERDICT, mail
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
        try:
            asyncio.run(Quarantine(pathlib.Path(sys.argv[1]), 10**9).hold(mail(b"x" * 3_000_000), VERDICT))
        except Deferral as deferral:
            print(deferral.reply.code)
    """)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "451\n"
    assert names(tmp_path) == []


async def test_many_are_held_at_once(quarantine, tmp_path):
    """By two users of one directory, side by side."""
    other = Quarantine(tmp_path, 10_000)
    ids = await asyncio.gather(*(held.hold(mail(b"x"), VERDICT) for held in (quarantine, other) for _ in range(20)))
    assert sorted(record.id for record in quarantine.records()) == sorted(ids)


async def test_index_comes_back_from_the_files(quarantine, tmp_path):
    """Lost or damaged, it is read anew."""
    id_ = await quarantine.hold(mail(), VERDICT)
    (tmp_path / "index.sqlite").unlink()
    assert [record.id for record in quarantine.records()] == [id_]
    (tmp_path / "index.sqlite").write_bytes(b"\0" * 5_000)
    assert [record.id for record in quarantine.records()] == [id_]


async def test_deleted_message_is_gone(quarantine, tmp_path):
    """From the disk and from the list."""
    id_ = await quarantine.hold(mail(), VERDICT)
    quarantine.delete(id_)
    assert names(tmp_path) == []
    assert quarantine.records() == []
    with pytest.raises(NotHeld):
        quarantine.delete(id_)


@pytest.mark.parametrize("id_", ["", "..", "../x", "0" * 16, "/etc/passwd", ".0123456789abcdef", "0" * 15 + "\n"])
def test_only_ids_are_looked_up(quarantine, id_):
    """No name leads out of the directory."""
    with pytest.raises(NotHeld):
        quarantine.content(id_)


async def test_release_is_noted_for_each_recipient(quarantine):
    """And added to what was noted before."""
    id_ = await quarantine.hold(mail(), VERDICT)
    assert quarantine.released(id_) == {}
    quarantine.note_released(id_, {"b@y.test": "250 one"})
    quarantine.note_released(id_, {"c@y.test": "250 two"})
    assert quarantine.released(id_) == {"b@y.test": "250 one", "c@y.test": "250 two"}


async def test_expire_deletes_what_is_too_old(quarantine, tmp_path):
    """And what was begun an hour ago and never finished, but not what is being written now."""
    old, young = [await quarantine.hold(mail(), VERDICT) for _ in range(2)]
    begun, given_up = tmp_path / ".00000000aaaaaaaa", tmp_path / ".00000000bbbbbbbb"
    begun.mkdir()
    given_up.mkdir()
    os.utime(given_up, (0, 0))
    record = (tmp_path / old / "held.json").read_text()
    (tmp_path / old / "held.json").write_text(record.replace('"held_at": ', '"held_at": -'))
    (tmp_path / "index.sqlite").unlink()
    assert quarantine.expire(3600, time.time()) == [old]
    assert names(tmp_path) == [begun.name, young]


async def test_deletion_waits_for_who_has_the_lock(quarantine):
    """And whoever waits for a message that is deleted is told so."""
    id_ = await quarantine.hold(mail(), VERDICT)
    with quarantine.locked(id_):
        tasks = [asyncio.create_task(asyncio.to_thread(quarantine.delete, id_)) for _ in range(2)]
        assert not (await asyncio.wait(tasks, timeout=0.2))[0]
        assert quarantine.content(id_) == CONTENT
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(type(outcome) for outcome in outcomes if outcome) == [NotHeld]
    with pytest.raises(NotHeld), quarantine.locked(id_):
        pass
