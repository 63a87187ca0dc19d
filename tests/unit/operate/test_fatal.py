"""gateway/operate/fatal.py: the listener that ends the container."""

import io
import signal
import subprocess

import pytest

from gateway.operate.fatal import end_at_fatal


@pytest.fixture
def supervisord():
    """Give a process in supervisord's place."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_fatal_worker_ends_supervisord(supervisord):
    """By SIGTERM, so that the others drain; the log names the worker."""
    log = io.StringIO()
    end_at_fatal("PROCESS_STATE_FATAL", {"processname": "filter-00"}, log, supervisord.pid)
    assert supervisord.wait(20) == -signal.SIGTERM
    assert log.getvalue() == "filter-00 cannot be started: ending the container\n"


def test_other_events_end_nothing(supervisord):
    """Even if supervisord sent some."""
    log = io.StringIO()
    end_at_fatal("TICK_5", {"when": "1"}, log, supervisord.pid)
    assert supervisord.poll() is None
    assert log.getvalue() == ""
