"""
Kill a filter worker that hangs, so that supervisor starts another in its place.

    python -m gateway.operate.watchdog DIRECTORY [PATIENCE_S]      an event listener of supervisor, for TICK_5

A worker that is stopped, or never returns to its event loop, keeps its connections: what it carries waits until gate 1
gives up, 19 minutes after a dot, and supervisor calls it running all the while.  The container's healthcheck does not
find it, for the other workers answer.  Killed, it costs a transaction past its dot one copy more (RFC 1047), and no
message ever: gate 1 has them all.

A worker's event loop touches DIRECTORY/group:name (gateway/heartbeat.py).  No two clocks are compared here: a sign is
that the file's time is another than at the last look, whichever it is, and silence is measured by our own monotonic
clock.  Of what passed between two looks one period counts and no more, so that a machine that slept, a container that
was paused, or ticks that come in a bunch do not make workers silent that could not speak.

Who lives is what supervisord says at this moment, and supervisord itself sends the signal, so it never meets a process
that only took over a pid.  A worker is judged once the file holds its own pid: not while it starts, however slow the
machine, and not by the sign of a predecessor.  One that hangs before that holds no connection.

PATIENCE_S is the longest that a worker may be away from its loop.  A minute is far more than a check takes, or the
kernel on a machine that swaps, and whoever comes back by himself costs no copy.  It is less than gate 1 waits for any
answer within a transaction: 120 s for that to DATA, longer for the others.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Protocol, TextIO

from supervisor.childutils import getRPCInterface

from gateway.operate.events import listen

PATIENCE_S = 60.0
PERIOD_S = 5.0  # of TICK_5


class Supervisor(Protocol):
    """What we use of supervisor's XML-RPC interface."""

    def getAllProcessInfo(self) -> list[dict[str, str | int]]:  # noqa: N802 - supervisor's name
        """List its processes."""

    def signalProcess(self, name: str, signal: str) -> bool:  # noqa: N802
        """Send a signal to "group:name"."""


@dataclass
class Silence:
    """What is known of a worker that gave no sign since the last look."""

    pid: int
    sign: int  # the file's time, of no meaning but to differ
    lasted_s: float


class Watchdog:
    """Look at all workers, again and again."""

    def __init__(self, directory: Path, patience_s: float, log: TextIO, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._patience_s = patience_s
        self._log = log
        self._clock = clock  # seconds, monotonic
        self._looked_at = clock()
        self._silent: dict[str, Silence] = {}  # "group:name" -> since its last sign

    def look(self, supervisor: Supervisor) -> None:
        """Have those killed that were silent for too long."""
        now = self._clock()
        passed_s, self._looked_at = min(now - self._looked_at, PERIOD_S), now
        before, self._silent = self._silent, {}
        for process in supervisor.getAllProcessInfo():
            # One that is stopping is supervisor's: it kills it after stopwaitsecs.
            if process["statename"] in ("STARTING", "RUNNING"):
                name, pid = f"{process['group']}:{process['name']}", int(process["pid"])
                silence = self._silence(name, pid, before.get(name), passed_s)
                if silence is not None and silence.lasted_s >= self._patience_s:
                    self._kill(supervisor, name, silence)
                elif silence is not None:
                    self._silent[name] = silence

    def _silence(self, name: str, pid: int, before: Silence | None, passed_s: float) -> Silence | None:
        """Return how long a worker is silent; None while it cannot be judged."""
        path = self._directory / name
        try:
            if path.read_text().strip() != str(pid):
                return None
            sign = path.stat().st_mtime_ns
        except OSError:
            return None
        if before is None or (before.pid, before.sign) != (pid, sign):
            return Silence(pid, sign, 0)
        return Silence(pid, sign, before.lasted_s + passed_s)

    def _kill(self, supervisor: Supervisor, name: str, silence: Silence) -> None:
        try:
            supervisor.signalProcess(name, "KILL")
        except xmlrpc.client.Fault:
            return  # it ended in this moment
        self._log.write(
            f"ERROR worker {name} gave no sign of life for {silence.lasted_s:.0f} s: killed pid={silence.pid}\n"
        )
        self._log.flush()


def main(directory: str, patience_s: str = str(PATIENCE_S)) -> None:
    """Listen to supervisord, and look at each event."""
    watchdog = Watchdog(Path(directory), float(patience_s), sys.stderr, time.monotonic)

    def look(_name: str, _payload: dict[str, str]) -> None:
        # supervisord answers no questions any more while it stops.
        with contextlib.suppress(xmlrpc.client.Error, HTTPException, OSError), getRPCInterface(os.environ) as rpc:
            watchdog.look(rpc.supervisor)

    listen(sys.stdin, sys.stdout, look)


if __name__ == "__main__":
    main(*sys.argv[1:])
