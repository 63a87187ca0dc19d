"""
The filter's process: a listening socket on fd 0, one settings file, signals.

    python -m gateway.worker FILTER.TOML [ALIVE]    run; ALIVE is the file that gateway/heartbeat.py touches
    python -m gateway.worker --check FILTER.TOML    judge the settings, and that is all

The supervisor starts several of them on one socket.  SIGTERM and SIGINT drain and exit 0.  SIGHUP
reads the settings again; when they are good, new sessions get them, and each session there is ends after the
transaction it is in, on the settings it began with.  The worker accepts all the while, so nothing waits and nothing
is cut off, however long a transaction takes.  When they are bad it runs on as it is.

Exit codes: 0 drained, 3 bad settings or no listening socket.

Log levels: INFO start, reload, drain and end; ERROR settings refused at SIGHUP.
"""

import asyncio
import functools
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from gateway import heartbeat
from gateway.accept.gate import Gate
from gateway.accept.session import Limits, Session
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.judge import Means
from gateway.quarantine.store import Quarantine
from gateway.trace import logs
from gateway.trace.pipe import open_log
from gateway.transaction import carry
from gateway.worker_settings import SettingsError, WorkerSettings, load

log = logging.getLogger(__name__)

BAD_SETTINGS = 3  # exit code, as for the one file
GC_THRESHOLD = 20_000  # objects made and not freed, from which on the collector looks for cycles; Python's is 2,000
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Yard:
    """What sessions opened under the same settings share; make it within a running loop."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        timeouts = Timeouts(settings.connect_timeout_s, settings.reply_timeout_s, settings.commit_timeout_s)
        self._pool = Pool(settings.next_hops, settings.helo_name, timeouts)
        self._doors = {name: Pool(hops, settings.helo_name, timeouts) for name, hops in settings.doors.items()}
        self._slots = asyncio.Semaphore(settings.max_transactions)
        # One more for the healthcheck, which is to find a worker that is stuck, not one that is busy.
        self._spare_slot = asyncio.Semaphore(1)
        self._limits = Limits(
            settings.max_message_octets, settings.max_recipients, settings.command_timeout_s, settings.data_timeout_s
        )
        means = Means(
            self._pool,
            settings.search_timeout_s,
            settings.policies,
            settings.checks,
            self._doors,
            settings.inside,
            Quarantine(Path(settings.quarantine), settings.quarantine_max_octets) if settings.quarantine else None,
            settings.standing,
        )
        self._transact = functools.partial(carry, means=means)

    def open_session(self, on_end: Callable[[Session], None], *, from_gate_1: bool) -> Session:
        """Make a session; it calls *on_end* with itself at its end."""
        slots = self._slots if from_gate_1 else self._spare_slot
        return Session(self._limits, slots, self._transact, xforward_allowed=from_gate_1, on_end=on_end)

    def close(self) -> None:
        """Keep no connection to gate 2 any longer than a transaction under way needs it."""
        for pool in (self._pool, *self._doors.values()):
            pool.close()


class Worker:
    """One process of the filter, from start to drain."""

    def __init__(self, settings: WorkerSettings, path: Path, listener: socket.socket) -> None:
        """
        Prepare within a running loop.

        Args:
            settings: What *path* held when it was read.
            path: Read again at SIGHUP.
            listener: Listening socket, shared with other workers.
        """
        self._path = path
        self._asked_to_stop = asyncio.Event()
        self._yard = Yard(settings)
        self._gate = Gate(
            listener,
            settings.max_transactions,
            self._open_session,
            policies=len(settings.policies),
            peers=settings.xforward_peers,
        )

    async def run(self) -> None:
        """Work until a signal ends it, then drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)  # see main()
        self._gate.start()
        self._tell("worker started", share=self._yard.settings.max_transactions)
        await self._asked_to_stop.wait()
        self._tell("worker drains")
        drained = await self._gate.drain(self._yard.settings.drain_timeout_s)
        self._yard.close()
        self._tell("worker ends", drained=drained)

    def _tell(self, what: str, **fields: object) -> None:
        log.info(what, extra={"fields": {"pid": os.getpid(), **fields}})

    def _open_session(self, peer: str, on_end: Callable[[Session], None]) -> Session:
        return self._yard.open_session(on_end, from_gate_1=peer in self._yard.settings.xforward_peers)

    def _reload(self) -> None:
        if self._asked_to_stop.is_set():
            return
        try:
            settings = load(self._path)
        except SettingsError as error:
            log.error("settings refused, the old ones stay: %s", error)
            return
        before, self._yard = self._yard, Yard(settings)
        before.close()
        logs.set_up(settings.log_format, settings.log_level, open_log())
        self._gate.renew(settings.max_transactions, len(settings.policies), settings.xforward_peers)
        self._tell("worker reloaded", share=settings.max_transactions)


async def _run(settings: WorkerSettings, path: Path, listener: socket.socket, alive: Path | None) -> None:
    if alive is not None:
        heartbeat.start(alive)
    await Worker(settings, path, listener).run()


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker; see the top of this file for arguments and exit codes."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    only_check = arguments[:1] == ["--check"]
    alive = Path(arguments.pop()) if len(arguments) == 2 and not only_check else None
    if len(arguments) != 1 + only_check:
        sys.stderr.write("usage: python -m gateway.worker [--check] FILTER.TOML [ALIVE]\n")
        return BAD_SETTINGS
    path = Path(arguments[-1])
    if not only_check:
        # From before the settings are read until run() listens for it a signal waits, instead of ending the worker.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        settings = load(path)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_SETTINGS
    if only_check:
        return 0
    try:
        listener = socket.socket(fileno=os.dup(0))
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError("not listening")
    except OSError as error:
        sys.stderr.write(f"fd 0 is not a listening socket: {error}\n")
        return BAD_SETTINGS
    logs.set_up(settings.log_format, settings.log_level, open_log())
    # What is here now stays: the collector need not go through it, nor look as often as a growing program wants.
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    uvloop.run(_run(settings, path, listener, alive))
    return 0


if __name__ == "__main__":
    sys.exit(main())
