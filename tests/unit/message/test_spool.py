"""Content is kept in memory or in a file, and whatever goes wrong is a deferral."""

import mmap
import os
import resource
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import spool as module
from gateway.message.failure import Deferral
from gateway.message.spool import FULL, IN_MEMORY, Spool

from .. import descriptors


@pytest.fixture(autouse=True, scope="module")
def directory(tmp_path_factory):
    """Give the temporary directory, of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("spool")
        patch.setattr(tempfile, "tempdir", str(path))
        yield path


def files():
    """Give the open descriptors that are files of the temporary directory."""
    return descriptors.below(tempfile.gettempdir())


@given(st.lists(st.binary(max_size=9), max_size=8), st.integers(0, 30))
def test_buffer_is_what_was_written(slices, in_memory):
    """Wherever it moves to the file, and with empty slices."""
    with Spool(in_memory) as spool:
        for octets in slices:
            spool.write(octets)
        assert spool.octets == len(b"".join(slices))
        assert bytes(spool.buffer()) == b"".join(slices)
        assert spool.buffer() is spool.buffer()
        assert isinstance(spool.buffer(), mmap.mmap) is (spool.octets > in_memory)


@pytest.mark.parametrize(("octets", "in_file"), [(IN_MEMORY - 1, False), (IN_MEMORY, False), (IN_MEMORY + 1, True)])
def test_buffer_of_one_mib_is_the_last_in_memory(octets, in_file):
    """One octet more, and all of it is in the file."""
    with Spool() as spool:
        spool.write(b"x" * (octets - 1))
        spool.write(b"y")
        assert bool(files()) is in_file
        assert bytes(spool.buffer()) == b"x" * (octets - 1) + b"y"


def test_close_leaves_nothing_behind(directory):
    """No descriptor, and never a name in the directory."""
    with Spool(10) as spool:
        spool.write(b"x" * 100)
        buffer = spool.buffer()
        assert len(files()) == 2  # the file and its map
        assert list(directory.iterdir()) == []
    assert files() == []
    with pytest.raises(ValueError, match="closed"):
        buffer.find(b"x")


def test_close_while_a_thread_looks_leaves_it_its_buffer():
    """A check that ran out of time may still be at it; the last one out frees it."""
    with Spool(10) as spool:
        spool.write(b"x" * 100)
        view = memoryview(spool.buffer())
    assert bytes(view) == b"x" * 100
    view.release()


def test_spool_of_single_octets_is_not_heavier():
    """However gate 1 cuts it."""
    with Spool() as spool:
        for _ in range(1000):
            spool.write(b"x")
        assert spool.buffer() == b"x" * 1000


def test_write_beyond_what_there_is_room_for_is_a_deferral():
    """452, and the descriptor is gone; the limit of the process stands for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(Deferral) as deferred, Spool(10) as spool:
            spool.write(b"x" * 4096)
            spool.write(b"x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert deferred.value.reply == FULL
    assert deferred.value.cause == "temporary directory: File too large"
    assert FULL.wire() == b"452 4.3.1 yard: insufficient storage\r\n"
    assert files() == []


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="no /dev/full")
def test_write_to_a_full_disk_is_a_deferral(monkeypatch):
    """ENOSPC from the system itself."""
    full = Path("/dev/full")
    monkeypatch.setattr(module.tempfile, "TemporaryFile", lambda buffering: full.open("r+b", buffering=buffering))
    with pytest.raises(Deferral) as deferred, Spool(10) as spool:
        spool.write(b"x" * 11)
    assert deferred.value.cause == "temporary directory: No space left on device"


def test_write_without_a_directory_is_a_deferral(tmp_path, monkeypatch):
    """Nor is a fault of the machine the message's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nonesuch"))
    with pytest.raises(Deferral) as deferred, Spool(10) as spool:
        spool.write(b"x" * 11)
    assert deferred.value.cause == "temporary directory: No such file or directory"
