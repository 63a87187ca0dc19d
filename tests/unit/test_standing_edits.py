"""Lists and keys under a policy without checks, over real sockets: what they concern is edited, the rest streams."""

import asyncio
import base64
import dataclasses
import socket
from contextlib import asynccontextmanager
from ipaddress import ip_network

import dkim
import nacl.signing
import pytest

from gateway.accept.gate import Gate
from gateway.edit.archive import MailingList
from gateway.edit.dkim import Key, Signer
from gateway.stdio import STOCK
from gateway.worker import Yard

from .hop import Client
from .sink import Sink

TALK = MailingList("talk@lists.example.test", "talk.lists.example.test", "https://x.test/{message_id_hash}", "footer")
KEY = nacl.signing.SigningKey.generate()
SIGNER = Signer({"example.test": Key(b"example.test", b"s1", b"ed25519-sha256", KEY)})
HEADER = b"From: a@example.test\r\nMessage-ID: <first>\r\nSubject: x\r\n".replace(b"<first>", b"<1@x.test>")


@asynccontextmanager
async def filter_to(sink, **changed):
    """Run a filter with lists and a key before gate 2; give a client's session of it."""
    settings = dataclasses.replace(STOCK, next_hops=(("127.0.0.1", sink.port),), lists=(TALK,), dkim=SIGNER, **changed)
    yard = Yard(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    gate = Gate(
        listener, 5, lambda _, on_end: yard.open_session(on_end, from_gate_1=True), peers=frozenset({"127.0.0.1"})
    )
    gate.start()
    client = Client(*await asyncio.open_connection(*listener.getsockname()))
    try:
        await client.greet()
        yield client
    finally:
        await client.close()
        await gate.drain(0.5)
        yard.close()
        listener.close()


async def test_mail_of_a_list_is_linked(sink):
    """In the header section and at the foot; dots at the beginning of lines stay what they were."""
    async with filter_to(sink) as client:
        reply = await client.deliver(HEADER + b"\r\nHello\r\n..\r\n.\r\n", b"a@x.test", b"talk@lists.example.test")
    assert reply.startswith(b"250")
    [message] = sink.messages
    head, body = message.split(b"\r\n\r\n", 1)
    assert head.startswith(HEADER.rstrip(b"\r\n") + b"\r\nArchived-At: <https://x.test/")
    assert body.startswith(b"Hello\r\n..\r\n\r\nhttps://x.test/")


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
async def test_other_mail_is_the_same_however_it_arrives(sink, size):
    """Cut anywhere while the header section is looked at."""
    content = HEADER + b"\r\n..dot\r\n" + b"x" * 500 + b"\r\n.\r\n"
    async with filter_to(sink) as client:
        lines = b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n"
        client.send(lines)
        assert [reply[:3] for reply in await client.replies(3)] == [b"250", b"250", b"354"]
        for place in range(0, len(content), size):
            client.send(content[place : place + size])
            await client.writer.drain()
        assert (await client.reply()).startswith(b"250")
    assert sink.messages == [content[:-3]]


class Watching(Sink):
    """Gate 2 that tells when it has the beginning of a message."""

    def __init__(self):
        super().__init__()
        self.begun = asyncio.Event()

    async def _content(self, received, reader):
        beginning = await reader.readexactly(10_000)
        self.begun.set()
        received.messages.append(beginning + await reader.readuntil(b"\r\n.\r\n"))


async def test_other_mail_streams():
    """Gate 2 has the beginning before gate 1 has sent the end."""
    async with Watching() as sink, filter_to(sink) as client:
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        client.send(HEADER + b"\r\n" + b"x" * 70_000)
        async with asyncio.timeout(10):
            await sink.begun.wait()
        client.send(b"\r\n.\r\n")
        assert (await client.reply()).startswith(b"250")


async def test_endless_header_section_is_kept_whole(sink):
    """Nobody can hide a List-Id behind more of it than is looked at."""
    content = b"X: y\r\n" * 60_000 + b"List-Id: <talk.lists.example.test>\r\n" + HEADER + b"\r\nHello\r\n.\r\n"
    async with filter_to(sink) as client:
        assert (await client.deliver(content)).startswith(b"250")
    assert sink.messages == [content[:-3]]


@pytest.mark.parametrize(
    "content", [b".\r\n", b"\r\n.\r\n", b"\r\nbody\r\n.\r\n", HEADER + b".\r\n", b"no field\r\n.\r\n"]
)
async def test_mail_without_header_section_or_body_is_the_same(sink, content):
    """Whatever is missing."""
    async with filter_to(sink) as client:
        assert (await client.deliver(content)).startswith(b"250")
    assert sink.messages == [content[:-3]]


@pytest.mark.parametrize(("address", "signs"), [("10.20.0.10", True), ("192.0.2.1", False)])
async def test_mail_from_inside_is_signed(sink, address, signs):
    """By its author's domain, as it leaves; what comes from outside in that name is not."""
    async with filter_to(sink, inside=(ip_network("10.20.0.0/24"),)) as client:
        assert (await client.ask(b"XFORWARD ADDR=" + address.encode())).startswith(b"250")
        content = HEADER + b"\r\nHello\r\n..\r\n\r\n\r\n.\r\n"
        assert (await client.deliver(content, b"a@x.test", b"talk@lists.example.test")).startswith(b"250")
    [message] = sink.messages
    public = b"k=ed25519; p=" + base64.b64encode(bytes(KEY.verify_key))
    assert message.startswith(b"DKIM-Signature: ") is signs
    assert dkim.verify(message.replace(b"\r\n..", b"\r\n."), dnsfunc=lambda name, timeout: public) is signs
    assert b"\r\nhttps://x.test/" in message
