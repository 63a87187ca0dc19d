"""
Gate: the accept loop on the listening socket that all workers share.

A worker accepts one connection at a time, and only while it has room for a session, so that a burst spreads over
the workers instead of being hoarded by the first that wakes up.  There is room for all that gate 1 may open, which is
as many as there are transactions for each of its policies, and once more for those it keeps idle: a session that waits
for a slot must not be in the way of the healthcheck.  With as many sessions at work as it may carry
transactions it still accepts, for Postfix keeps idle connections and the healthcheck wants its answer, but only what
is still there after a short pause, which leaves the connection to a worker with nothing to do.  The listen backlog
belongs to the supervisor and is left alone: what waits in it is not refused.

Only gate 1 may connect, and the healthcheck, which comes from our own address: the engine lets anybody on its host
into the container networks, and who speaks to us directly would have passed no gate.

The socket is watched with add_reader and accepted from synchronously.  `loop.sock_accept` would lose a connection
that arrives in the very turn of the loop in which the wait is cancelled.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from gateway.accept.session import Session

log = logging.getLogger(__name__)

RELUCTANCE_S = 0.02  # pause of a worker whose sessions at work use up its share
EXHAUSTED_S = 1.0  # pause when the system has no descriptor or memory for a connection
DENIED = b"554 5.7.1 Access denied\r\n"  # in place of the banner
SPARE_SESSIONS = 4  # beyond those of gate 1: healthchecks and strays


class Gate:
    """Accept sessions while there is room, and end them in an orderly way."""

    def __init__(
        self,
        listener: socket.socket,
        max_transactions: int,
        open_session: Callable[[str, Callable[[Session], None]], Session],
        *,
        policies: int = 1,
        peers: frozenset[str] = frozenset(),
    ) -> None:
        """
        Prepare, without accepting yet.

        Args:
            listener: Listening TCP socket, set non-blocking here for all who share it.
            max_transactions: This worker's share.
            open_session: Makes the session for a peer address; the session calls its second argument at its end.
            policies: For how many of them gate 1 opens sessions.
            peers: Addresses that may connect, beside our own.
        """
        listener.setblocking(False)
        self._listener = listener
        self._open_session = open_session
        self._set_measures(max_transactions, policies, peers)
        self._loop = asyncio.get_running_loop()
        self._sessions: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # connections being opened, held against the collector
        self._stopped = True
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    def _set_measures(self, max_transactions: int, policies: int, peers: frozenset[str]) -> None:
        self._share = max_transactions
        self._max_sessions = (policies + 1) * max_transactions + SPARE_SESSIONS
        self._peers = peers

    def start(self) -> None:
        """Begin to accept."""
        self._stopped = False
        self._watch()

    def renew(self, max_transactions: int, policies: int, peers: frozenset[str]) -> None:
        """
        Go on under other settings: the sessions there are end after their transaction, new ones are opened as well.

        Args:
            max_transactions: This worker's share from now on; transactions that ran before come on top of it.
            policies: For how many of them gate 1 opens sessions from now on.
            peers: Addresses that may connect from now on.
        """
        self._unwatch()
        self._set_measures(max_transactions, policies, peers)
        for session in list(self._sessions):
            session.drain()
        self._watch()

    async def drain(self, timeout_s: float) -> bool:
        """
        Stop accepting, close idle sessions, and wait for the others to finish.

        Returns:
            True when all have ended; False when *timeout_s* went by and the rest were cut off.
        """
        self._stopped = True
        self._unwatch()
        for session in list(self._sessions):
            session.drain()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            await self._cut_off()
            return False
        return True

    async def _cut_off(self) -> None:
        log.warning("%d sessions cut off at the end of the drain", len(self._sessions))
        await asyncio.gather(*(session.cut_off() for session in list(self._sessions)), return_exceptions=True)

    def _watch(self) -> None:
        self._timer = None
        if not self._stopped and len(self._sessions) < self._max_sessions:
            self._loop.add_reader(self._listener, self._on_readable)

    def _unwatch(self) -> None:
        self._loop.remove_reader(self._listener)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_readable(self) -> None:
        if sum(session.at_work for session in self._sessions) < self._share:
            self._accept()
        else:
            self._unwatch()
            self._timer = self._loop.call_later(RELUCTANCE_S, self._accept_what_is_left)

    def _accept_what_is_left(self) -> None:
        self._watch()
        self._accept()

    def _accept(self) -> None:
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was faster, or the client gave up
        except OSError as error:  # out of descriptors or memory
            log.error("accept failed: %s", error)
            self._unwatch()
            self._timer = self._loop.call_later(EXHAUSTED_S, self._watch)
            return
        peer = address[0].removeprefix("::ffff:")
        if peer not in self._peers and peer != connection.getsockname()[0].removeprefix("::ffff:"):
            self._deny(peer, connection)
            return
        session = self._open_session(peer, self._ended)
        self._sessions.add(session)
        self._empty.clear()
        task = self._loop.create_task(self._connect(session, connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if len(self._sessions) >= self._max_sessions:
            self._unwatch()

    def _deny(self, peer: str, connection: socket.socket) -> None:
        log.warning("connection from %s denied", peer)
        connection.setblocking(False)
        with connection, contextlib.suppress(OSError):  # it may be gone already
            connection.send(DENIED)

    async def _connect(self, session: Session, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(lambda: session, connection)
        except OSError as error:
            log.warning("connection from gate 1 lost while it opened: %s", error)
            connection.close()
            self._ended(session)

    def _ended(self, session: Session) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._empty.set()
        if self._timer is None and not self._stopped:
            self._watch()
