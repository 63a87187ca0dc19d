"""The filter between a client and a sink, within the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from gateway.accept.gate import Gate
from gateway.accept.incoming import Incoming
from gateway.accept.session import Limits, Session
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.message.policy import Policy
from gateway.transaction import carry

POLICIES = {"default": Policy("default"), "strict": Policy("strict", ("gtube",))}
LIMITS = Limits(max_message_octets=10_000_000, max_recipients=1000, command_timeout_s=20, data_timeout_s=20)
TIMEOUTS = Timeouts(connect_s=5, reply_s=20, commit_s=20)


class Client:
    """Gate 1 for tests: sends octets, reads whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, octets: bytes) -> None:
        """Send octets as they are, or drop them when the connection is closed."""
        if not self.writer.transport.is_closing():
            self.writer.write(octets)

    async def reply(self) -> bytes:
        """Give the next reply, all its lines; empty at the end of the connection."""
        lines = b""
        while True:
            async with asyncio.timeout(10):
                line = await self.reader.readline()
            lines += line
            if line[3:4] != b"-":
                return lines

    async def ask(self, line: bytes) -> bytes:
        """Send one command and give its reply."""
        self.send(line + b"\r\n")
        return await self.reply()

    async def replies(self, count: int) -> list[bytes]:
        """Give the first lines of the next *count* replies, without line ends."""
        return [(await self.reply()).rstrip(b"\r\n") for _ in range(count)]

    async def greet(self, name: bytes = b"mx.test") -> None:
        """Read the banner and say EHLO."""
        assert await self.reply() == b"220 localhost ESMTP\r\n"
        assert (await self.ask(b"EHLO " + name)).startswith(b"250-localhost\r\n")

    async def deliver(self, content: bytes, reverse_path: bytes = b"a@x.test", *recipients: bytes) -> bytes:
        """Carry a message, given as it goes over the wire with its final dot; give the reply to the dot."""
        paths = recipients or (b"b@y.test",)
        lines = [b"MAIL FROM:<" + reverse_path + b">", *(b"RCPT TO:<" + path + b">" for path in paths), b"DATA"]
        self.send(b"\r\n".join(lines) + b"\r\n")
        answers = await self.replies(len(lines))
        assert answers[-1].startswith(b"354"), answers
        self.send(content)
        return await self.reply()

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()


class Hop:
    """A running filter."""

    def __init__(self, port: int, gate: Gate, pool: Pool) -> None:
        self.port, self.gate, self.pool = port, gate, pool
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        """Open a connection without reading the banner."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self._clients.append(client)
        return client

    async def session(self, name: bytes = b"mx.test") -> Client:
        """Open a connection and greet."""
        client = await self.connect()
        await client.greet(name)
        return client

    async def end(self) -> None:
        """Close everything."""
        for client in self._clients:
            await client.close()
        await self.gate.drain(0.5)
        self.pool.close()


@asynccontextmanager
async def hop(
    *ports: int,
    policies: Mapping[str, Policy] = POLICIES,
    limits: Limits = LIMITS,
    timeouts: Timeouts = TIMEOUTS,
    limit_s: float = 20,
    max_transactions: int = 5,
    xforward_allowed: bool = True,
    shared: socket.socket | None = None,
    peers: frozenset[str] = frozenset(),
) -> AsyncIterator[Hop]:
    """Run the filter in front of sinks on *ports*, on a socket of its own or on one shared with others."""
    listener = shared.dup() if shared else socket.create_server(("127.0.0.1", 0))
    pool = Pool([("127.0.0.1", port) for port in ports], "filter.test", timeouts)
    slots = asyncio.Semaphore(max_transactions)

    async def transact(incoming: Incoming) -> None:
        await carry(incoming, pool, policies, limit_s)

    def open_session(_: str, on_end: Callable[[Session], None]) -> Session:
        return Session(limits, slots, transact, xforward_allowed=xforward_allowed, on_end=on_end)

    gate = Gate(listener, max_transactions, open_session, peers=peers)
    gate.start()
    running = Hop(listener.getsockname()[1], gate, pool)
    try:
        yield running
    finally:
        await running.end()
        listener.close()


def splits(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut *data* in slices of the given sizes, used in turn."""
    slices, start, turn = [], 0, 0
    while start < len(data):
        slices.append(data[start : start + sizes[turn % len(sizes)]])
        start += sizes[turn % len(sizes)]
        turn += 1
    return slices
