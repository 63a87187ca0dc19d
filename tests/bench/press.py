"""
Press the filter: as many sessions as it has slots, each with one transaction after the other, as gate 1 would.

    python3 - SERVER SESSIONS OCTETS MESSAGES POLICY        in gate 1's network namespace

Each session first sends one message beside these, so that all connections are there; then the clock runs.  Says when
it began and when the last answer came, seconds since the epoch.  Exit code 1: one was not answered 250.  Only the
standard library.
"""

import asyncio
import sys
import time
from collections.abc import Iterator

LINE = b"x" * 78 + b"\r\n"
ENVELOPE = b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<someone@bench.test>\r\nDATA\r\n"


class Session:
    """A connection to the filter."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def reply(self, *codes: bytes) -> None:
        """Read replies; each must have its code."""
        for code in codes:
            while (line := await self._reader.readline())[3:4] == b"-":
                pass
            if not line.startswith(code):
                raise ConnectionError(f"expected {code!r}: {line!r}")

    async def greet(self, policy: str) -> None:
        """Name the policy, as gate 1 does."""
        await self.reply(b"220")
        self._writer.write(f"EHLO {policy}.policy.invalid\r\n".encode())
        await self.reply(b"250")

    async def send(self, content: bytes) -> None:
        """Send a message: the envelope in one group, then the content with its dot."""
        self._writer.write(ENVELOPE)
        await self.reply(b"250", b"250", b"354")
        self._writer.write(content + b".\r\n")
        await self.reply(b"250")


async def press(session: Session, content: bytes, ready: asyncio.Barrier, messages: Iterator[int]) -> None:
    """Warm up, wait for the others, then send until none is left."""
    await session.send(content)
    await ready.wait()
    for _ in messages:
        await session.send(content)


async def main(server: str, sessions: int, octets: int, messages: int, policy: str) -> None:
    """Send them all."""
    host, _, port = server.rpartition(":")
    header = b"From: sender@client.test\r\nTo: someone@bench.test\r\nSubject: pressed\r\n\r\n"
    content = header + LINE * ((octets - len(header)) // len(LINE))
    opened = [Session(*await asyncio.open_connection(host, int(port))) for _ in range(sessions)]
    for session in opened:
        await session.greet(policy)
    ready, left = asyncio.Barrier(sessions + 1), iter(range(messages))
    async with asyncio.TaskGroup() as group:
        for session in opened:
            group.create_task(press(session, content, ready, left))
        await ready.wait()
        begin = time.time()
    print(begin, time.time())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]))
