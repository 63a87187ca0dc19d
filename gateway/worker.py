"""
The filter's process: a listening socket on fd 0, one settings file, signals.

    python -m gateway.worker FILTER.TOML            run
    python -m gateway.worker --check FILTER.TOML    judge the settings, and that is all

The supervisor starts several of them on one socket ([fcgi-program]).  SIGTERM and SIGINT drain and exit 0.  SIGHUP
reads the settings again; when they are good it drains and starts itself anew with fd 0 kept, so that what connects
meanwhile waits in the listen backlog, which no worker owns, and is not refused; when they are bad it runs on.

Exit codes: 0 drained, 3 bad settings or no listening socket.

Log levels: INFO start, drain and end; ERROR settings refused at SIGHUP.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import uvloop

from gateway.accept.gate import Gate
from gateway.accept.incoming import Incoming
from gateway.accept.session import Limits, Session
from gateway.check.registry import CHECKS
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.message.policy import Policy
from gateway.trace import logs
from gateway.transaction import carry

log = logging.getLogger(__name__)

BAD_SETTINGS = 3  # exit code, as for the one file
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class SettingsError(Exception):
    """The settings file cannot be used; one line for each mistake."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What filter.toml holds; all keys are needed, and no others are known."""

    next_hops: tuple[tuple[str, int], ...]  # host and port of gate 2, one or more, used in turn
    helo_name: str  # our EHLO to gate 2
    max_transactions: int  # this worker's share
    max_message_octets: int  # above gate 1's own limit
    max_recipients: int  # in one transaction
    command_timeout_s: float  # for each command of gate 1
    data_timeout_s: float  # for each progress of gate 1's content
    connect_timeout_s: float  # TCP, banner and EHLO of gate 2, each
    reply_timeout_s: float  # each reply of gate 2 but the one after the dot
    commit_timeout_s: float  # the reply after the dot
    drain_timeout_s: float  # until what is under way at a stop is cut off
    log_format: str  # human or json
    log_level: str  # debug, info, warning or error
    xforward_peers: frozenset[str]  # addresses that may connect, and use XFORWARD
    policies: dict[str, Policy]  # by name; "default" is one of them


def load(path: Path) -> WorkerSettings:
    """
    Read and check the settings file.

    Raises:
        SettingsError: with a line `FILE: key: what is wrong; what is expected` for each mistake.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    known = [field.name for field in fields(WorkerSettings)]
    mistakes = [f"{path}: {key}: unknown key" for key in table if key not in known]
    values: dict[str, object] = {}
    for key in known:
        if key not in table:
            mistakes.append(f"{path}: {key}: missing")
            continue
        try:
            values[key] = _READERS[key](table[key])
        except ValueError as error:
            mistakes.append(f"{path}: {key}: {table[key]!r}; expected {error}")
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return WorkerSettings(**values)  # type: ignore[arg-type]  # each was read by the reader of its own type


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a whole number above 0")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 86_400:
        raise ValueError("seconds, above 0 and below a day")
    return float(value)


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(" or ".join(words))
        return value

    return read


def _strings(value: object, what: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(what)
    return value


def _next_hops(value: object) -> tuple[tuple[str, int], ...]:
    what = 'a list of one or more "host:port"'
    hops = []
    for item in _strings(value, what):
        host, _, port = item.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError(what)
        hops.append((host.removeprefix("[").removesuffix("]"), int(port)))
    if not hops:
        raise ValueError(what)
    return tuple(hops)


def _helo_name(value: object) -> str:
    if not isinstance(value, str) or not value or not all("!" <= character <= "~" for character in value):
        raise ValueError("a host name")
    return value


def _policies(value: object) -> dict[str, Policy]:
    if not isinstance(value, dict) or "default" not in value:
        raise ValueError("tables, with one named default")
    policies = {}
    for name, table in value.items():
        if not isinstance(table, dict) or set(table) != {"checks"}:
            raise ValueError(f"the one key checks in policy {name}")
        checks = _strings(table["checks"], f"a list of names in checks of policy {name}")
        for check in checks:
            if check not in CHECKS:
                raise ValueError(f"one of {', '.join(CHECKS)} in checks of policy {name}")
        policies[name] = Policy(name, tuple(checks))
    return policies


_READERS: dict[str, Callable[[object], object]] = {
    "next_hops": _next_hops,
    "helo_name": _helo_name,
    "max_transactions": _whole,
    "max_message_octets": _whole,
    "max_recipients": _whole,
    "command_timeout_s": _seconds,
    "data_timeout_s": _seconds,
    "connect_timeout_s": _seconds,
    "reply_timeout_s": _seconds,
    "commit_timeout_s": _seconds,
    "drain_timeout_s": _seconds,
    "log_format": _one_of("human", "json"),
    "log_level": _one_of("debug", "info", "warning", "error"),
    "xforward_peers": lambda value: frozenset(_strings(value, "a list of addresses")),
    "policies": _policies,
}


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
        self._settings = settings
        self._path = path
        self._restart = False  # the stop that is asked for is a reload
        self._asked_to_stop = asyncio.Event()
        self._slots = asyncio.Semaphore(settings.max_transactions)
        self._limits = Limits(
            settings.max_message_octets, settings.max_recipients, settings.command_timeout_s, settings.data_timeout_s
        )
        timeouts = Timeouts(settings.connect_timeout_s, settings.reply_timeout_s, settings.commit_timeout_s)
        self._pool = Pool(settings.next_hops, settings.helo_name, timeouts)
        self._gate = Gate(listener, settings.max_transactions, self._open_session, peers=settings.xforward_peers)

    async def run(self) -> bool:
        """
        Work until a signal ends it, then drain.

        Returns:
            True when the process is to start itself anew.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)  # see main()
        self._gate.start()
        log.info("worker started", extra={"fields": {"pid": os.getpid(), "share": self._settings.max_transactions}})
        await self._asked_to_stop.wait()
        log.info("worker drains", extra={"fields": {"pid": os.getpid(), "restart": self._restart}})
        drained = await self._gate.drain(self._settings.drain_timeout_s)
        self._pool.close()
        log.info("worker ends", extra={"fields": {"pid": os.getpid(), "drained": drained}})
        return self._restart

    def _open_session(self, peer: str, on_end: Callable[[Session], None]) -> Session:
        allowed = peer in self._settings.xforward_peers
        return Session(self._limits, self._slots, self._transact, xforward_allowed=allowed, on_end=on_end)

    async def _transact(self, incoming: Incoming) -> None:
        await carry(incoming, self._pool, self._settings.policies)

    def _stop(self) -> None:
        self._restart = False
        self._asked_to_stop.set()

    def _reload(self) -> None:
        if self._asked_to_stop.is_set():
            return
        try:
            load(self._path)
        except SettingsError as error:
            log.error("settings refused, the old ones stay: %s", error)
            return
        self._restart = True
        self._asked_to_stop.set()


async def _run(settings: WorkerSettings, path: Path, listener: socket.socket) -> bool:
    return await Worker(settings, path, listener).run()


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker; see the top of this file for arguments and exit codes."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    only_check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + only_check:
        sys.stderr.write("usage: python -m gateway.worker [--check] FILTER.TOML\n")
        return BAD_SETTINGS
    path = Path(arguments[-1])
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
    logs.set_up(settings.log_format, settings.log_level)
    if uvloop.run(_run(settings, path, listener)):
        sys.stdout.flush()
        # A signal that comes before the new program listens for it waits, instead of ending it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - ourselves, as we were started
    return 0


if __name__ == "__main__":
    sys.exit(main())
