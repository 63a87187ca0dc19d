"""
Connection: one connection to gate 2, with its greeting, its replies and its timers.

asyncio streams would do but for two things: a reply that comes unasked has to be seen at once, in a pooled
connection too, and the transport's limits have to be ours.

Log levels: DEBUG the dialogue, `>` what we sent, `<` what gate 2 said.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import cast

from gateway.forward.dialogue import MalformedReply, ReplyReader, command
from gateway.message.deadline import Deadline
from gateway.message.reply import Reply

log = logging.getLogger(__name__)

WRITE_HIGH_WATER = 131_072  # octets not yet taken by gate 2's end, from which on write() waits


class ConnectionFailed(Exception):  # noqa: N818 - it is the connection that failed
    """The connection is of no further use: closed, silent for too long, or out of step."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for gate 2."""

    connect_s: float  # TCP, banner and EHLO, each
    reply_s: float  # a reply, or room to write
    commit_s: float  # the reply after the dot


class Connection(asyncio.Protocol):
    """A connection on which one transaction runs after the other."""

    def __init__(self) -> None:
        self.hop = ("", 0)  # host and port it was opened to
        self.extensions: frozenset[bytes] = frozenset()  # upper-case EHLO keywords
        self.xforward: frozenset[bytes] = frozenset()  # upper-case XFORWARD attributes gate 2 takes
        self.told_client = False  # XFORWARD was sent on this connection
        self.transactions = 0  # committed on this connection
        self.timed = False  # the pool has set a timer for the end of its life
        self.opened_at = 0.0  # loop time
        self.failure = ""  # why it is of no further use; empty while it can be used
        self.closed_by_peer = False  # gate 2 closed, or said 421
        self._replies = ReplyReader()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None  # for a reply
        self._room: asyncio.Future[None] | None = None  # set while the transport asked us to wait
        self._deadline = Deadline(self._expire)
        self._late = ""  # what to say when it comes

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport and set its limit."""
        self._transport = cast(asyncio.Transport, transport)
        self.opened_at = asyncio.get_running_loop().time()
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        """Add to the replies and wake who waits."""
        self._replies.feed(data)
        self._wake()

    def eof_received(self) -> None:
        """Note that gate 2 has closed its side; the transport then closes ours."""
        self.closed_by_peer = self.closed_by_peer or not self.failure
        self.failure = self.failure or "gate 2 closed the connection"
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone."""
        self.closed_by_peer = self.closed_by_peer or not self.failure
        self.failure = self.failure or (f"connection lost: {exc}" if exc else "gate 2 closed the connection")
        self._deadline.close()
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Make write() wait."""
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let write() go on."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _expire(self) -> None:
        self.fail(self._late)
        self._wake()
        self.resume_writing()

    # -- our side

    @property
    def out_of_step(self) -> bool:
        """True when gate 2 has said something that nobody asked for."""
        return self._replies.pending

    @property
    def usable(self) -> bool:
        """True while nothing speaks against another transaction."""
        return not self.failure and not self.out_of_step

    def send(self, octets: bytes) -> None:
        """
        Send octets without waiting for room.

        Raises:
            ConnectionFailed: the connection is closed.
        """
        if self._transport is None or self._transport.is_closing():
            self.closed_by_peer = self.closed_by_peer or not self.failure
            raise self.fail("connection lost")
        if self.failure:
            raise ConnectionFailed(self.failure)
        self._transport.write(octets)

    async def write(self, octets: bytes, timeout_s: float) -> None:
        """
        Send octets, and wait while gate 2's end takes none.

        Raises:
            ConnectionFailed: the connection is closed, or gate 2 took nothing for *timeout_s* seconds.
        """
        self.send(octets)
        if self._room is not None:
            self._late = f"gate 2 took nothing for {timeout_s:g} s"
            self._deadline.start(timeout_s)
            try:
                await self._room
            finally:
                self._deadline.stop()
            if self.failure:
                raise ConnectionFailed(self.failure)

    async def reply(self, timeout_s: float) -> Reply:
        """
        Give the next reply.

        Raises:
            ConnectionFailed: the connection closed, the reply is malformed, or none came in *timeout_s* seconds.
        """
        reply = self.at_hand()
        if reply is None:
            self._late = f"no reply from gate 2 for {timeout_s:g} s"
            self._deadline.start(timeout_s)
            try:
                while (reply := self.at_hand()) is None:
                    if self.failure:
                        raise ConnectionFailed(self.failure)
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
            finally:
                self._deadline.stop()
                self._waiter = None
        return reply

    def at_hand(self) -> Reply | None:
        """
        Give the next reply if it has come already; of several that come together only the first is waited for.

        Raises:
            ConnectionFailed: the reply is malformed.
        """
        try:
            reply = self._replies.next()
        except MalformedReply as bad:
            raise self.fail(str(bad)) from None
        if reply is not None and log.isEnabledFor(logging.DEBUG):  # the text is put together for this alone
            log.debug("post < %s", reply.text)
        return reply

    def fail(self, why: str) -> ConnectionFailed:
        """Close at once, leaving no final dot, and give the exception to raise."""
        self.failure = self.failure or why
        if self._transport is not None:
            self._transport.abort()
        return ConnectionFailed(self.failure)

    def closing(self, reply: Reply) -> ConnectionFailed:
        """Close because gate 2 said 421, and give the exception to raise."""
        self.closed_by_peer = True
        return self.fail(f"gate 2 is closing: {reply.text!r}")

    def close(self) -> None:
        """Close with QUIT, outside of content only; its reply is not waited for."""
        if not self.failure and self._transport is not None and not self._transport.is_closing():
            self._transport.write(command(b"QUIT"))
            self._transport.close()
        self.failure = self.failure or "closed by us"


async def connect(host: str, port: int, helo_name: str, timeouts: Timeouts) -> Connection:
    """
    Open a connection to gate 2 and say EHLO.

    Raises:
        ConnectionFailed: host not found, refused, no 220, or no 250 to EHLO, in the time there is.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeouts.connect_s):
            _, connection = await loop.create_connection(Connection, host, port)
    except TimeoutError:
        raise ConnectionFailed(f"no connection in {timeouts.connect_s:g} s") from None
    except OSError as error:
        raise ConnectionFailed(f"cannot connect: {error}") from error
    connection.hop = (host, port)
    try:
        await _greet(connection, helo_name, timeouts.connect_s)
    except BaseException:
        connection.fail("greeting failed")
        raise
    return connection


async def _greet(connection: Connection, helo_name: str, timeout_s: float) -> None:
    banner = await connection.reply(timeout_s)
    if banner.code != 220:
        raise connection.fail(f"greeted by {banner.text!r}")
    connection.send(command(b"EHLO", helo_name.encode("ascii")))
    answer = await connection.reply(timeout_s)
    if answer.code != 250:
        raise connection.fail(f"EHLO answered by {answer.text!r}")
    words = [line.upper().split() for line in answer.lines[1:] if line.strip()]
    connection.extensions = frozenset(line[0] for line in words)
    connection.xforward = frozenset(attribute for line in words if line[0] == b"XFORWARD" for attribute in line[1:])
