"""Lines into a pipe."""

import logging
import os
import subprocess
import sys

import pytest

from gateway.trace import pipe
from gateway.trace.logs import HumanFormatter
from gateway.trace.pipe import MAX_LINE, PipeHandler, open_pipe

SAY = """
import logging
from gateway.trace import logs
from gateway.trace.pipe import open_log
logs.set_up("human", "info", open_log())
print(type(logging.getLogger().handlers[0]).__name__, open_log() is open_log(), flush=True)
logging.getLogger("x").info("said")
"""


@pytest.fixture
def ends():
    """Give the reading end of a pipe, and a handler on its writing end."""
    reading, writing = os.pipe()
    handler = PipeHandler(open_pipe(f"/proc/self/fd/{writing}"))
    os.close(writing)
    handler.setFormatter(HumanFormatter())
    yield reading, handler
    os.close(handler._pipe)
    os.close(reading)


def record(message="said"):
    """Make a record as the logger would."""
    return logging.LogRecord("gateway.x", logging.INFO, "", 1, message, (), None)


def fill(descriptor):
    """Leave no room in a pipe."""
    with pytest.raises(BlockingIOError):
        while True:
            os.write(descriptor, b"." * MAX_LINE)


def test_emit_is_one_line(ends):
    """Whole, with its end."""
    reading, handler = ends
    handler.emit(record())
    assert os.read(reading, 1000).endswith(b"Z INFO said\n")


def test_emit_full_pipe_waits_once_then_counts(ends, monkeypatch):
    """A reader that sleeps holds up nobody, and what it missed is told when it is back."""
    reading, handler = ends
    waits = []
    monkeypatch.setattr(handler, "_has_room", lambda patience_s: waits.append(patience_s))
    fill(handler._pipe)
    for _ in range(3):
        handler.emit(record())
    assert waits == [pipe.PATIENCE_S]
    os.set_blocking(reading, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.read(reading, 65_536)
    handler.emit(record("back"))
    first, second = os.read(reading, 1000).splitlines()
    assert first.endswith(b"WARNING 3 lines of the log lost")
    assert second.endswith(b"INFO back")


def test_emit_late_reader_loses_nothing(ends, monkeypatch):
    """It has its time to make room."""
    reading, handler = ends
    fill(handler._pipe)
    has_room = handler._has_room

    def read_late(patience_s):
        assert not has_room(0)
        os.read(reading, 2 * MAX_LINE)
        return has_room(patience_s)

    monkeypatch.setattr(handler, "_has_room", read_late)
    handler.emit(record("late"))
    handler.emit(record("next"))
    rest = b""
    while b"next" not in rest:
        rest = os.read(reading, 2 * pipe.CAPACITY)
    assert rest.splitlines()[-2].endswith(b"INFO late")


def test_emit_nobody_reads_raises_nothing():
    """A log that is gone never stops mail."""
    reading, writing = os.pipe()
    handler = PipeHandler(open_pipe(f"/proc/self/fd/{writing}"))
    os.close(writing)
    os.close(reading)
    handler.emit(record())
    handler.emit(record())
    assert handler._lost == 2
    os.close(handler._pipe)


def test_open_log_own_pipe_is_written_past_stdout():
    """Where our parent is not PID 1."""
    done = subprocess.run([sys.executable, "-c", SAY], stdout=subprocess.PIPE, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "PipeHandler True"
    assert second.endswith(" INFO said")


def test_open_log_no_pipe_is_stdout(tmp_path):
    """A file, say."""
    with (tmp_path / "log").open("w+") as file:
        subprocess.run([sys.executable, "-c", SAY], stdout=file, check=True)
        file.seek(0)
        first, second = file.read().splitlines()
    assert first == "StreamHandler True"
    assert second.endswith(" INFO said")
