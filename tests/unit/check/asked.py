"""Messages for checks that ask others, and peers on loopback to be asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.mail import MailObject

CONTENT = b"From: anna@example.test\r\nSubject: hello\r\n\r\nLine one.\r\n.Line two.\r\n"
ATTRIBUTES = {"NAME": b"mail.client.example", "ADDR": b"192.0.2.7", "HELO": b"helo.client.example", "IDENT": b"4bXyZ"}

type Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def message(content=CONTENT, sender=b"anna@example.test", recipients=(b"bob@example.test",), **attributes: bytes):
    """Return a message as checks see it."""
    envelope = Envelope(ReversePath(sender), [Recipient(path) for path in recipients])
    return MailObject(envelope, Client(ATTRIBUTES | attributes), content)


@contextlib.asynccontextmanager
async def peer(answer: Answer) -> AsyncIterator[str]:
    """Serve connections on loopback; give host:port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()


async def closed_port() -> str:
    """Return a host:port where nobody listens."""
    async with peer(lambda reader, writer: asyncio.sleep(0)) as address:
        return address
