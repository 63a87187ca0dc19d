"""
THE PATH, over real sockets: a client, the filter, a sink.

Here: what passes, as it came.  In test_transaction_*.py: verdicts on content, connections that are lost, its time.
"""

import hashlib
import random

import pytest

from .hop import hop, splits
from .smuggling import HEAD, LEGAL, SMUGGLED, VARIANTS


async def test_message_passes_with_everything_it_came_with(sink, lines):
    """Parameters, client and content verbatim; our 250 is gate 2's."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"XFORWARD NAME=mail.x.test ADDR=192.0.2.1 PORT=4711\r\nXFORWARD PROTO=ESMTP HELO=[192.0.2.1]")
        client.send(b" IDENT=4preQueueId SOURCE=REMOTE\r\n")
        client.send(b'MAIL FROM:<"a b"@x.test> size=30 BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=Ab+2Bc\r\n')
        client.send(b"RCPT TO:<B@y.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Orig@y.test\r\n")
        client.send("RCPT TO:<ü@y.test> NOTIFY=NEVER\r\nDATA\r\n".encode())
        assert [reply[:3] for reply in await client.replies(6)] == [b"250"] * 5 + [b"354"]
        client.send(b"S: \xff\0\r\n\r\n..dot\r\n.\r\n")
        assert await client.reply() == b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"
    assert sink.commands[1:] == [
        b"XFORWARD NAME=mail.x.test ADDR=192.0.2.1 PORT=4711",
        b"XFORWARD PROTO=ESMTP HELO=[192.0.2.1] IDENT=4preQueueId SOURCE=REMOTE",
        b'MAIL FROM:<"a b"@x.test> size=30 BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=Ab+2Bc',
        b"RCPT TO:<B@y.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Orig@y.test",
        "RCPT TO:<ü@y.test> NOTIFY=NEVER".encode(),
        b"DATA",
    ]
    assert sink.messages == [b"S: \xff\0\r\n\r\n..dot\r\n"]
    (line,) = lines()
    assert (line["pre"], line["post"], line["outcome"]) == (b"4preQueueId", b"4ABCdefGHI", "sent")
    assert (line["octets"], line["recipients"], line["client"]) == (15, 2, b"mail.x.test[192.0.2.1]")
    assert list(line["ms"]) == ["wait", "envelope", "content", "commit"]


async def test_null_reverse_path_passes_as_null(sink):
    """Not as `<<>>`."""
    async with hop(sink.port) as filter_:
        assert (await (await filter_.session()).deliver(b".\r\n", b"")).startswith(b"250")
    assert b"MAIL FROM:<>" in sink.commands


@pytest.mark.parametrize(
    "path",
    [
        b"=?utf-8?q?a=3e=0d=0aRCPT=20TO=3a=3cz=40evil=2eorg?=@lan.example",
        b"=?utf-8?b?YT4NClJDUFQgVE86PHpAZXZpbC5vcmc=?=@lan.example",
        b"=?utf-8?q?a=00b?=@lan.example",
        b'"\\a"@x.test',
        b'"a>b\\"c"@x.test',
        b"@r1.test,@r2.test:u@x.test",
    ],
)
async def test_paths_are_never_decoded(sink, path):
    """Same octets in MAIL and RCPT, and no second RCPT."""
    async with hop(sink.port) as filter_:
        assert (await (await filter_.session()).deliver(b".\r\n", path, path)).startswith(b"250")
    assert sink.commands[1:] == [b"MAIL FROM:<" + path + b">", b"RCPT TO:<" + path + b">", b"DATA"]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
async def test_illegal_end_of_data_leaves_one_message(sink, variant):
    """Whole, octet by octet, and across the reads of a large message."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        for head, size in ((HEAD, 1000), (HEAD, 1), (HEAD.ljust(65_533, b"x"), 8192), (b"", 3)):
            client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
            await client.replies(3)
            for data in splits(head + variant + SMUGGLED, [size]):
                client.send(data)
                await client.writer.drain()
            assert (await client.reply()).startswith(b"250")
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert len(sink.messages) == 4
    for message in sink.messages:
        assert message.endswith(b"S: smuggled\r\n\r\n2\r\n")
        assert message.count(b"\r") == message.count(b"\n") == message.count(b"\r\n")


@pytest.mark.parametrize("variant", LEGAL.values(), ids=LEGAL)
async def test_legal_end_of_data_ends_it(sink, variant):
    """What follows is commands, and DATA with content at once is out of step."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert (await client.deliver(HEAD + variant + SMUGGLED)).startswith(b"250")
        assert await client.reply() == b"421 4.5.0 Improper command pipelining\r\n"
    assert len(sink.messages) == 1


async def test_large_content_is_identical(sink):
    """8 MB of random octets, dots and line ends, against what the wire form must be."""
    rng = random.Random(25)
    block = b"".join(
        rng.choice((b"..", b"", b"\t")) + rng.randbytes(60).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"
        for _ in range(2000)
    )
    content = block.replace(b"\r\n.", b"\r\n..") * 70
    async with hop(sink.port) as filter_:
        assert (await (await filter_.session()).deliver(content + b".\r\n")).startswith(b"250")
    assert hashlib.sha256(sink.messages[0]).digest() == hashlib.sha256(content).digest()


async def test_connection_to_gate_2_serves_one_message_after_another(sink):
    """Over sessions as well."""
    async with hop(sink.port) as filter_:
        for _ in range(3):
            client = await filter_.session()
            for _ in range(3):
                assert (await client.deliver(b"x\r\n.\r\n")).startswith(b"250")
    assert len(sink.connections) == 1
    assert len(sink.messages) == 9


async def test_hostile_reply_of_gate_2_is_made_harmless(sink):
    """One well-formed reply, its class kept."""
    sink.replies[b"RCPT"] = b"550-no \x1b[2J\xff\r\n550 " + b"x" * 2000 + b"\r\n"
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert await client.ask(b"MAIL FROM:<a@x.test>") == b"250 2.1.0 Ok\r\n"
        reply = await client.ask(b"RCPT TO:<b@y.test>")
        assert reply == b"550-no ?[2J?\r\n550 " + b"x" * 506 + b"\r\n"


async def test_client_of_one_message_is_not_told_for_the_next(sink):
    """XFORWARD holds for one transaction, as at Postfix."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        await client.ask(b"XFORWARD NAME=one.test IDENT=4one")
        await client.deliver(b"x\r\n.\r\n")
        await client.deliver(b"x\r\n.\r\n")
    told = [line for line in sink.commands if line.startswith(b"XFORWARD NAME")]
    assert b"NAME=one.test" in told[0]
    assert b"NAME=[UNAVAILABLE]" in told[1]
