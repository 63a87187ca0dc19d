"""The filter between a client and a sink, within the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.accept.gate import Gate
from gateway.accept.incoming import Incoming
from gateway.accept.session import Limits, Session
from gateway.check.registry import Configured, make
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.judge import Means
from gateway.message.edit import Splice
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.verdict import Report, Verdict
from gateway.quarantine.store import Quarantine
from gateway.transaction import carry

CHECKS = {"gtube": make("gtube", {"timeout_s": 20})}
POLICIES = {"default": Policy("default"), "strict": Policy("strict", ("gtube",))}
LIMITS = Limits(max_message_octets=10_000_000, max_recipients=1000, command_timeout_s=20, data_timeout_s=20)
NO_DOORS: Mapping[str, int] = {}
TIMEOUTS = Timeouts(connect_s=5, reply_s=20, commit_s=20)


def check(name: str, examine: Callable[[MailObject], Awaitable[Report]], **more: Any) -> Configured:
    """Make a configured check of a coroutine function."""
    return Configured(name, SimpleNamespace(examine=examine), **{"timeout_s": 20.0} | more)


class Shelf(Quarantine):
    """A quarantine in a directory: message N is the file N, on disk before its number is given."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, max_octets=2**30)
        self.held: list[Verdict] = []
        self.edits: list[Splice] = []  # of the last one
        self._directory = root

    async def hold(self, mail: MailObject, verdict: Verdict, edits: Sequence[Splice] = ()) -> str:
        """Keep a message."""
        self.held.append(verdict)
        self.edits = list(edits)
        await asyncio.to_thread((self._directory / str(len(self.held))).write_bytes, bytes(mail.content))
        return str(len(self.held))

    def content(self, number: int) -> bytes:
        """Give what is kept."""
        return (self._directory / str(number)).read_bytes()


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

    async def deliver_and_leave(self, content: bytes, moment: asyncio.Event) -> None:
        """Carry a message as deliver() does, and be gone at a moment, whatever is left to hear."""
        delivering = asyncio.ensure_future(self.deliver(content))
        await moment.wait()
        self.writer.transport.abort()
        delivering.cancel()
        await asyncio.wait([delivering])

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()


class Hop:
    """A running filter."""

    def __init__(self, port: int, gate: Gate, means: Means) -> None:
        self.port, self.gate, self.means = port, gate, means
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
        for pool in (self.means.pool, *self.means.doors.values()):
            pool.close()


@asynccontextmanager
async def hop(
    *ports: int,
    policies: Mapping[str, Policy] = POLICIES,
    checks: Mapping[str, Configured] = CHECKS,
    doors: Mapping[str, int] = NO_DOORS,
    inside: Sequence[str] = (),
    quarantine: Quarantine | None = None,
    limits: Limits = LIMITS,
    timeouts: Timeouts = TIMEOUTS,
    limit_s: float = 20,
    max_transactions: int = 5,
    xforward_allowed: bool = True,
    shared: socket.socket | None = None,
    peers: frozenset[str] = frozenset(),
) -> AsyncIterator[Hop]:
    """
    Run the filter in front of sinks on *ports*, on a socket of its own or on one shared with others.

    *doors* are next hops of redirects, each with the port of its sink; *inside* are networks.
    """
    listener = shared.dup() if shared else socket.create_server(("127.0.0.1", 0))

    def pool(*ports: int) -> Pool:
        return Pool([("127.0.0.1", port) for port in ports], "filter.test", timeouts)

    networks = tuple(ip_network(network) for network in inside)
    behind = {name: pool(port) for name, port in doors.items()}
    means = Means(pool(*ports), limit_s, policies, checks, behind, networks, quarantine)
    slots = asyncio.Semaphore(max_transactions)

    async def transact(incoming: Incoming) -> None:
        await carry(incoming, means)

    def open_session(_: str, on_end: Callable[[Session], None]) -> Session:
        return Session(limits, slots, transact, xforward_allowed=xforward_allowed, on_end=on_end)

    gate = Gate(listener, max_transactions, open_session, policies=len(policies), peers=peers)
    gate.start()
    running = Hop(listener.getsockname()[1], gate, means)
    try:
        yield running
    finally:
        await running.end()
        listener.close()


async def until(condition: Callable[[], object], timeout_s: float = 10) -> None:
    """Let the loop go on until something is so, for so long at most."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is a state of others, which set no event
            await asyncio.sleep(0.001)


def splits(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut *data* in slices of the given sizes, used in turn."""
    slices, start, turn = [], 0, 0
    while start < len(data):
        slices.append(data[start : start + sizes[turn % len(sizes)]])
        start += sizes[turn % len(sizes)]
        turn += 1
    return slices
