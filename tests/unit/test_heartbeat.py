"""gateway/heartbeat.py: the worker's sign of life."""

import asyncio
import os
import time

import pytest

from gateway import heartbeat


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Give signs a hundred times a second."""
    monkeypatch.setattr(heartbeat, "PERIOD_S", 0.01)


async def touched(path):
    """Wait until a file is touched, while the loop turns."""
    os.utime(path, ns=(0, 0))

    def wait():
        deadline = time.monotonic() + 20
        while path.stat().st_mtime_ns == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    await asyncio.to_thread(wait)


async def test_start_writes_the_pid_and_touches_again_and_again(tmp_path):
    """As long as the loop turns."""
    path = tmp_path / "alive"
    path.write_text("a predecessor's, which is longer\n")
    heartbeat.start(path)
    assert path.read_text() == f"{os.getpid()}\n"
    for _ in range(3):
        await touched(path)
    assert path.read_text() == f"{os.getpid()}\n"


async def test_start_that_cannot_write_says_so_and_stops_nothing(tmp_path, caplog):
    """A full disk is no reason to leave mail alone."""
    heartbeat.start(tmp_path / "missing" / "alive")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert caplog.messages[0].startswith("no sign of life, the watchdog will not look after this worker: ")


async def test_file_that_goes_away_stops_nothing(tmp_path):
    """The next signs are left out, without a word for each, until it is there again."""
    path = tmp_path / "alive"
    path.write_text("")
    heartbeat._beat(path)
    path.unlink()
    heartbeat._beat(path)
    path.write_text("")
    await touched(path)
