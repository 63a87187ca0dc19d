"""Gate 2 for tests: an SMTP sink on loopback that keeps every octet and answers as it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

HANG_UP = b""  # in place of a reply: close the connection
EXTENSIONS = (
    b"PIPELINING",
    b"SIZE 104857600",
    b"8BITMIME",
    b"DSN",
    b"SMTPUTF8",
    b"XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
)
_DEFAULTS = {
    b"BANNER": b"220 sink.test ESMTP\r\n",
    b"XFORWARD": b"250 2.0.0 Ok\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b".": b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


@dataclass
class Received:
    """What came over one connection."""

    commands: list[bytes] = field(default_factory=list)  # lines without CRLF, content left out
    messages: list[bytes] = field(default_factory=list)  # between 354 and the final dot, as it came
    partial: bytes = b""  # content without a final dot
    transport: asyncio.Transport | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def verbs(self) -> list[bytes]:
        """Give the first word of each command."""
        return [line.split(b" ")[0].split(b":")[0].upper() for line in self.commands]


type Answer = bytes | Callable[[Received, bytes], Awaitable[bytes]]


class Sink:
    """Use as `async with Sink() as sink`; `sink.replies[b"RCPT"] = ...` changes what it answers."""

    def __init__(self, extensions: tuple[bytes, ...] = EXTENSIONS) -> None:
        self.extensions = extensions
        self.replies: dict[bytes, Answer] = dict(_DEFAULTS)
        self.connections: list[Received] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Sink":
        await self.start(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int) -> None:
        """Listen, on a free port when *port* is 0."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hold(self, verb: bytes) -> tuple[asyncio.Event, asyncio.Event]:
        """Answer *verb* only when told; give an event that says it was asked, and the one to set."""
        answer, asked, go_on = _DEFAULTS[verb], asyncio.Event(), asyncio.Event()

        async def wait(*_: object) -> bytes:
            asked.set()
            await go_on.wait()
            return answer

        self.replies[verb] = wait
        return asked, go_on

    async def left(self) -> None:
        """Wait until every connection that was opened has ended, for 10 s at most."""
        async with asyncio.timeout(10):
            for received in self.connections:
                await received.ended.wait()

    @property
    def messages(self) -> list[bytes]:
        """All complete messages, over all connections."""
        return [message for received in self.connections for message in received.messages]

    @property
    def commands(self) -> list[bytes]:
        """All commands, over all connections."""
        return [line for received in self.connections for line in received.commands]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        received = Received(transport=writer.transport)
        self.connections.append(received)
        try:
            await self._dialogue(received, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            received.ended.set()
            writer.transport.abort()

    async def _dialogue(self, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say(b"BANNER", b"", received, writer):
            return
        while True:
            line = (await reader.readuntil(b"\r\n"))[:-2]
            received.commands.append(line)
            verb = received.verbs()[-1]
            if not await self._say(verb, line, received, writer) or verb == b"QUIT":
                return
            if verb == b"DATA" and self._last.startswith(b"354"):
                await self._content(received, reader)
                if not await self._say(b".", b"", received, writer):
                    return

    async def _say(self, verb: bytes, line: bytes, received: Received, writer: asyncio.StreamWriter) -> bool:
        answer: Answer = self.replies.get(verb, b"500 5.5.2 What?\r\n")
        if verb == b"EHLO" and b"EHLO" not in self.replies:
            words = [b"sink.test", *self.extensions]
            answer = b"".join(b"250-%s\r\n" % word for word in words[:-1]) + b"250 %s\r\n" % words[-1]
        self._last = answer if isinstance(answer, bytes) else await answer(received, line)
        if self._last == HANG_UP:
            return False
        writer.write(self._last)
        await writer.drain()
        return True

    async def _content(self, received: Received, reader: asyncio.StreamReader) -> None:
        """Read up to the final dot as a strict server does; nothing may follow it before our reply."""
        content = bytearray(b"\r\n")
        while (end := content.find(b"\r\n.\r\n", max(0, len(content) - 70_000))) < 0:
            data = await reader.read(65_536)
            if not data:
                received.partial = bytes(content[2:])
                raise asyncio.IncompleteReadError(b"", None)
            content += data
        assert end + 5 == len(content), "octets behind the final dot"
        received.messages.append(bytes(content[2 : end + 2]))
