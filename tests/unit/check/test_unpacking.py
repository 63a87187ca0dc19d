"""The worker's side of unpacking."""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

import pytest

from gateway.check import unpacking
from gateway.check.base import CheckFailed
from gateway.check.unpacking import unpack

from .mails import tarred

LIMITS = {"depth": 3, "entries": 100, "ratio": 100, "unpacked": 1 << 20}


@pytest.fixture
def archive():
    """Give the descriptor of an archive."""
    with tempfile.TemporaryFile() as file:
        file.write(tarred(("a.exe", b"x")))
        file.flush()
        yield file.fileno()


async def collect(archive, seconds=30.0):
    """Give all events."""
    deadline = asyncio.get_running_loop().time() + seconds
    async with contextlib.aclosing(unpack(archive, LIMITS, deadline)) as events:
        return [event async for event in events]


def stand_in(tmp_path, monkeypatch, code):
    """Put another program in the child's place."""
    package = tmp_path / "gateway" / "check"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "unpack.py").write_text(code)
    monkeypatch.setattr(unpacking, "_HERE", tmp_path)


def alive(pid):
    """Tell whether a process is there, and no zombie."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the second when it goes while its line is read
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


async def gone(pid):
    """Wait until a process has ended; at most ten seconds, then it never does."""
    for _ in range(1_000):
        if not alive(pid):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{pid} lives")


async def test_unpack_gives_the_events(archive):
    """To the last."""
    assert await collect(archive) == [["name", "a.exe", "a.exe"], ["done", "1", "1"]]


async def test_unpack_too_long_is_a_bomb_and_killed_with_its_group(archive, tmp_path, monkeypatch):
    """The child's own child as well."""
    code = "import os, time\npid = os.fork()\nif pid: print('name', pid, sep='\\t', flush=True)\ntime.sleep(1000)\n"
    stand_in(tmp_path, monkeypatch, code)
    (name, pid), last = await collect(archive, 2.0)
    assert name == "name"
    assert last == ["bomb", "looking into it took too long"]
    await gone(pid)


async def test_unpack_child_that_ends_early_is_a_bomb(archive, tmp_path, monkeypatch):
    """A crash of the library says nothing good of the archive."""
    stand_in(tmp_path, monkeypatch, "import os\nprint('name', 'a', sep='\\t', flush=True)\nos.kill(os.getpid(), 11)\n")
    assert await collect(archive) == [["name", "a"], ["bomb", "looking into it ended with its process"]]


async def test_unpack_endless_event_is_a_bomb(archive, tmp_path, monkeypatch):
    """No line is kept beyond a limit."""
    stand_in(tmp_path, monkeypatch, "print('a' * 10_000_000)\n")
    assert await collect(archive) == [["bomb", "an event too long"]]


async def test_unpack_cancelled_kills_the_child(archive, tmp_path, monkeypatch):
    """As when the check's time is over."""
    stand_in(
        tmp_path, monkeypatch, "import os, time\nprint('name', os.getpid(), sep='\\t', flush=True)\ntime.sleep(1000)\n"
    )
    started = asyncio.get_running_loop().create_future()

    async def look():
        async with contextlib.aclosing(unpack(archive, LIMITS, asyncio.get_running_loop().time() + 60)) as events:
            async for event in events:
                started.set_result(event[1])

    task = asyncio.create_task(look())
    pid = await started
    assert alive(pid)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pid)


async def test_unpack_has_no_environment(archive, tmp_path, monkeypatch):
    """Nothing of the worker's."""
    monkeypatch.setenv("SECRET", "x")
    stand_in(
        tmp_path,
        monkeypatch,
        "import os\nprint('done', len(os.environ.get('SECRET', '')), os.getsid(0) == os.getpid(), sep='\\t')\n",
    )
    assert await collect(archive) == [["done", "0", "True"]]


async def test_unpack_without_a_process_is_a_failure(archive, monkeypatch):
    """Of ours, not of the message."""
    monkeypatch.setattr(sys, "executable", "/nonesuch")
    with pytest.raises(CheckFailed, match="no process to unpack in"):
        await collect(archive)
