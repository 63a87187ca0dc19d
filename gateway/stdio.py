"""
One session on stdin and stdout, as spawn(8) starts it: the filter of a stock Postfix, after its FILTER_README.

    gateway filter --stdio [--settings FILTER.TOML] [--log FILE]

It is the session of the workers, with a slot, a pool and a life of its own; how many there are at once is Postfix's
to say (maxproc).  Who may connect is for Postfix to say too, and whoever does may use XFORWARD.

spawn(8) makes the connection stdin, stdout and stderr alike.  So the log goes to syslog or to a file, the three
descriptors are turned away before anything can be printed into the dialogue, and bad settings are a 421.  Where
stdin and stdout are pipes or a terminal, two threads carry octets between them and a socket: to try it by hand.

SIGTERM ends it after the transaction under way.  Exit codes: 0 the session ended, 3 bad settings.

Log levels: ERROR bad settings; all else as for a worker.
"""

import asyncio
import contextlib
import logging
import logging.handlers
import os
import signal
import socket
import stat
import sys
import threading
from pathlib import Path

import uvloop

from gateway.message.policy import Policy
from gateway.message.reply import own_fault
from gateway.trace import logs
from gateway.worker import BAD_SETTINGS, Yard
from gateway.worker_settings import SettingsError, WorkerSettings, load

log = logging.getLogger(__name__)

SYSLOG = Path("/dev/log")
_REFUSED = own_fault(421, "4.3.0", "settings refused")

# Without a settings file: FILTER_README's re-injection, no checks, and sizes left to Postfix.
STOCK = WorkerSettings(
    next_hops=(("127.0.0.1", 10026),),
    helo_name="localhost",
    max_transactions=1,
    max_message_octets=2**31,
    max_recipients=1000,
    command_timeout_s=300,
    data_timeout_s=180,
    connect_timeout_s=10,
    reply_timeout_s=30,
    commit_timeout_s=300,
    transaction_timeout_s=540,  # gate 1 waits 600 (smtp_data_done_timeout)
    drain_timeout_s=50,
    log_format="human",
    log_level="info",
    xforward_peers=frozenset(),
    inside=(),
    doors={},
    quarantine="",
    quarantine_max_octets=1,
    quarantine_retention_s=1,
    checks={},
    policies={"default": Policy("default")},
)


def serve(settings_file: Path | None, log_file: Path | None) -> int:
    """
    Hold one session on the process's stdin and stdout.

    Args:
        settings_file: As rendered for the workers; None for STOCK.
        log_file: Where to append the log; None for syslog, or stderr when that is not the connection.

    Returns:
        The exit code.
    """
    on_socket = _is_connection()
    _log_to(log_file, STOCK, on_socket=on_socket)
    try:
        settings = load(settings_file) if settings_file else STOCK
    except SettingsError as error:
        log.error("settings refused: %s", error)
        if on_socket:
            os.write(1, _REFUSED.wire())
        return BAD_SETTINGS
    _log_to(log_file, settings, on_socket=on_socket)
    if on_socket:
        connection, output = socket.socket(fileno=os.dup(0)), None
        _turn_away(0, 1, 2)
    else:
        connection, output = _bridge(os.dup(0), os.dup(1))
        _turn_away(0, 1)
    connection.setblocking(False)
    uvloop.run(_hold(settings, connection))
    if output is not None:
        output.join()
    return 0


async def _hold(settings: WorkerSettings, connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    yard = Yard(settings)
    session = yard.open_session(lambda _: ended.set(), from_gate_1=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, session.drain)
    await loop.connect_accepted_socket(lambda: session, connection)
    await ended.wait()
    yard.close()
    await session.disconnected.wait()


def _is_connection() -> bool:
    """Tell whether stdin and stdout are one socket; a program may use a socket for either."""
    return stat.S_ISSOCK(os.fstat(0).st_mode) and os.path.sameopenfile(0, 1)


def _turn_away(*descriptors: int) -> None:
    """Point descriptors to where nothing comes from and nothing arrives."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _bridge(source: int, target: int) -> tuple[socket.socket, threading.Thread]:
    """Give a connection whose other end is fed from *source* and read to *target*, by the thread that is returned."""
    ours, theirs = socket.socketpair()

    def feed() -> None:
        with contextlib.suppress(OSError):
            while data := os.read(source, 65_536):
                theirs.sendall(data)
            theirs.shutdown(socket.SHUT_WR)

    def drain() -> None:
        with contextlib.suppress(OSError), os.fdopen(target, "wb", buffering=0) as output, theirs:
            while data := theirs.recv(65_536):
                output.write(data)

    threading.Thread(target=feed, daemon=True).start()
    reading = threading.Thread(target=drain)
    reading.start()
    return ours, reading


def _file(path: Path) -> logging.Handler:
    """Open a log; the session goes on without one that cannot be, for mail is worth more than lines."""
    try:
        return logging.FileHandler(path)
    except OSError:
        return logging.NullHandler()


def _log_to(log_file: Path | None, settings: WorkerSettings, *, on_socket: bool) -> None:
    handler: logging.Handler
    if log_file is not None:
        handler = _file(log_file)
    elif not on_socket:
        handler = logging.StreamHandler(sys.stderr)
    elif SYSLOG.is_socket():
        handler = logging.handlers.SysLogHandler(str(SYSLOG), logging.handlers.SysLogHandler.LOG_MAIL)
        handler.ident = f"gateway-filter[{os.getpid()}]: "
    else:
        handler = logging.NullHandler()
    logs.set_up(settings.log_format, settings.log_level, handler)
