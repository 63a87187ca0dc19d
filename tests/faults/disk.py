"""
A disk that returns EIO to a gate: a library in front of its libc (eio.c), put in and taken out while it runs.

A device that fails on demand needs a kernel module that engines on other machines may lack.  What Postfix sees is the
same: fsync() or write() on a queue file returns EIO, from one moment to another.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults import processes
from tests.faults.stage import Stage
from tests.stack.client import ROOT, run, wait_for

LIBRARY, PRELOAD = "usr/local/lib/eio.so", "etc/ld.so.preload"


def build() -> bytes:
    """Compile the library, in a container."""
    here = ROOT / "tests/faults"
    with tempfile.TemporaryDirectory() as directory:
        run("docker", "build", "-q", "-f", f"{here}/eio.Dockerfile", "--output", directory, str(here))
        return (Path(directory) / "eio.so").read_bytes()


@contextlib.contextmanager
def failing_on_demand(stage: Stage, gate: str) -> Iterator[None]:
    """Put the library under each of a gate's daemons; afterwards none has it."""
    init, library = stage.init(gate), build()
    root = Path(f"/proc/{init}/root")
    with _writable(init):
        (root / LIBRARY).write_bytes(library)
        (root / PRELOAD).write_text(f"/{LIBRARY}\n")
    _renew(stage, gate, loaded=True)
    try:
        yield
    finally:
        with _writable(init):
            (root / PRELOAD).unlink()
            (root / LIBRARY).unlink()
        _renew(stage, gate, loaded=False)


@contextlib.contextmanager
def failing(stage: Stage, gate: str, call: str) -> Iterator[None]:
    """Let a call fail: "fsync" or "write"."""
    asked = Path(f"/proc/{stage.init(gate)}/root/run/eio-{call}")
    asked.touch()
    try:
        yield
    finally:
        asked.unlink()


@contextlib.contextmanager
def _writable(init: int) -> Iterator[None]:
    """Make a container's read-only root writable for a moment."""
    processes.mounting(init, "mount", "-o", "remount,bind,rw", "/")
    try:
        yield
    finally:
        processes.mounting(init, "mount", "-o", "remount,bind,ro", "/")


def _renew(stage: Stage, gate: str, *, loaded: bool) -> None:
    """Replace the daemons, which master starts anew, until all have the library or none has."""
    stage.reload(gate)
    init = stage.init(gate)

    def renewed() -> bool:
        maps = [_maps(pid) for pid in processes.children(init)]
        return bool(maps) and all((LIBRARY in text) == loaded for text in maps if text)

    wait_for(renewed, f"daemons of {gate} {'with' if loaded else 'without'} the library", 60)


def _maps(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""
