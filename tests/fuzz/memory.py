"""
The filter in memory: a session with gate 1 on one side and a gate 2 on the other, without sockets, threads or waits.

Both sides are octets that the fuzzer chose.  Everything happens in turns of one event loop, so a run is the same each
time, and there are thousands in a second.
"""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

from gateway.accept.incoming import Incoming
from gateway.accept.session import Limits, Session
from gateway.check.registry import make
from gateway.forward.connection import Connection, Timeouts
from gateway.judge import Means
from gateway.message.mail import MailObject
from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Outcome, Verdict
from gateway.quarantine.store import Quarantine
from gateway.transaction import carry

LIMITS = Limits(max_message_octets=20_000, max_recipients=3, command_timeout_s=60, data_timeout_s=60)
REJECT = Judgement(Outcome(Action.REJECT))
POLICIES = {"default": Policy("default"), "strict": Policy("strict", ("gtube",), REJECT)}
CHECKS = {"gtube": make("gtube", {"timeout_s": 60})}
TURNS = 40  # of the loop after each slice; a transaction with all its replies needs fewer
EXTENSIONS = frozenset({b"PIPELINING", b"SIZE", b"8BITMIME", b"DSN", b"SMTPUTF8", b"XFORWARD"})
XFORWARD = frozenset({b"NAME", b"ADDR", b"PORT", b"PROTO", b"HELO", b"IDENT", b"SOURCE"})

HONEST = {b"MAIL": b"250 ok", b"RCPT": b"250 ok", b"DATA": b"354 go", b".": b"250 queued", b"XFORWARD": b"250 ok"}


class FakeTransport(asyncio.Transport):
    """Keeps what is written; tells its protocol of the end in the next turn, as real ones do."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("192.0.2.1", 25)})
        self.written = b""
        self._protocol = protocol
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep octets; uvloop raises when the transport is closed, so this does."""
        if self._closing:
            raise RuntimeError("write to a closed transport")
        self.written += data

    def close(self) -> None:
        """Close."""
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        """Tell."""
        return self._closing

    def pause_reading(self) -> None:
        """Do nothing: a slice is fed whole."""

    resume_reading = pause_reading

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: there is no buffer."""

    def get_write_buffer_size(self) -> int:
        """Tell."""
        return 0


class Gate2(FakeTransport):
    """A strict server that keeps what it took, and answers as it should or as *replies* say."""

    def __init__(self, connection: Connection, replies: list[bytes]) -> None:
        super().__init__(connection)
        self.commands: list[bytes] = []
        self.messages: list[bytes] = []
        self._connection = connection
        self._replies = replies  # used up one by one, in place of honest ones; an empty one is honest
        self._content = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Read commands and content, and answer in the next turn."""
        super().write(data)
        while self._take():
            pass

    def _take(self) -> bool:
        end = b"\r\n.\r\n" if self._content else b"\r\n"
        # A dot on the first line ends an empty message.
        buffer = b"\r\n" + self.written if self._content else self.written
        taken, found, rest = buffer.partition(end)
        if not found:
            return False
        self.written = rest
        if self._content:
            self._content = False
            self.messages.append(taken[2:] + b"\r\n" if len(taken) > 2 else b"")
            self._answer(b".")
        else:
            self.commands.append(taken)
            self._answer(re.split(rb"[ :]", taken)[0])
        return True

    def _answer(self, verb: bytes) -> None:
        reply = self._replies.pop(0) if self._replies else b""
        reply = reply or HONEST.get(verb, b"221 bye") + b"\r\n"
        self._content = verb == b"DATA" and reply.startswith(b"354")
        loop = asyncio.get_running_loop()
        loop.call_soon(self._connection.data_received, reply)
        if not reply.endswith(b"\r\n"):  # the rest will not come
            loop.call_soon(self._connection.eof_received)
            loop.call_soon(self.close)


class FakePool:
    """Gives a fresh connection to a gate 2 in memory each time."""

    timeouts = Timeouts(0.02, 0.02, 0.02)  # a gate 2 in memory that has not answered by then never will

    def __init__(self, replies: list[bytes]) -> None:
        self.gates: list[Gate2] = []
        self._replies = replies

    def reuse(self) -> None:
        """Give none."""

    async def fresh(self) -> Connection:
        """Give a connection that has been greeted."""
        connection = Connection()
        connection.extensions, connection.xforward = EXTENSIONS, XFORWARD
        self.gates.append(Gate2(connection, self._replies))
        connection.connection_made(self.gates[-1])
        return connection

    def keep(self, connection: Connection) -> None:
        """Keep none."""
        connection.close()


class Shelf(Quarantine):
    """Holds nothing, and says that it did."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"), 0)

    async def hold(self, mail: MailObject, verdict: Verdict) -> str:
        """Give an id."""
        del mail, verdict
        return "held"


class Bugs(logging.Handler):
    """Collects what the filter itself calls a bug."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.found.append(record)


async def talk(slices: list[bytes], replies: list[bytes]) -> tuple[bytes, list[Gate2]]:
    """
    Hold one session.

    Args:
        slices: What gate 1 sends, as it arrives; then it closes.
        replies: What gate 2 says, in its turn.

    Returns:
        All octets gate 1 got, and each connection to gate 2.

    Raises:
        AssertionError: the session did not end, left something behind, or logged a bug.
    """
    bugs, log = Bugs(), logging.getLogger("gateway")
    level = log.level
    pool = FakePool(replies)
    ended = asyncio.Event()

    means = Means(pool, 60, POLICIES, CHECKS, quarantine=Shelf())  # type: ignore[arg-type]  # all it needs of a pool

    async def transact(incoming: Incoming) -> None:
        await carry(incoming, means)

    session = Session(LIMITS, asyncio.Semaphore(1), transact, xforward_allowed=True, on_end=lambda _: ended.set())
    transport = FakeTransport(session)
    log.addHandler(bugs)
    log.setLevel(logging.ERROR)
    try:
        session.connection_made(transport)
        for data in [*slices, None]:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if transport.is_closing():
                break
            if data is None:
                session.eof_received()
            else:
                session.data_received(data)
        async with asyncio.timeout(5):
            await ended.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        assert all(gate.is_closing() for gate in pool.gates), "a connection to gate 2 is left open"
        assert len(asyncio.all_tasks()) == 1, "a task is left"
        assert not bugs.found, logging.Formatter().format(bugs.found[0])
    finally:
        log.removeHandler(bugs)
        log.setLevel(level)
    return transport.written, pool.gates
