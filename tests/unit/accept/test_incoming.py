"""Transactions as gate 1 brings them: order of answers, ends before their time, limits."""

import pytest

from gateway.accept.incoming import MAX_ERRORS
from gateway.accept.session import Limits

from ..hop import hop
from ..sink import Sink


@pytest.fixture
async def sink():
    """Give a sink."""
    async with Sink() as running:
        yield running


MAIL, RCPT, DATA = b"MAIL FROM:<a@x.test>\r\n", b"RCPT TO:<b@y.test>\r\n", b"DATA\r\n"


async def test_next_group_answers_keep_the_order_of_commands(sink):
    """Gate 2's and our own, in one segment."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(
            MAIL
            + b"RCPT TO:<bad\r\n"
            + RCPT
            + b"NOOP\r\nVRFY x\r\nMAIL FROM:<c@x.test>\r\nXFORWARD NAME=x\r\nRCPT TO:<>\r\n"
            + RCPT
            + b"DATA x\r\nRCPT TO:<a\rb@y>\r\nNOOP\n"
            + DATA
        )
        assert await client.replies(13) == [
            b"250 2.1.0 Ok",
            b"501 5.1.7 Bad address syntax",
            b"250 2.1.5 Ok",
            b"250 2.0.0 Ok",
            b"502 5.5.1 Command not implemented",
            b"503 5.5.1 Nested MAIL command",
            b"503 5.5.1 Not within a transaction",
            b"501 5.1.3 Bad recipient address syntax",
            b"250 2.1.5 Ok",
            b"501 5.5.4 No argument expected",
            b"501 5.5.2 Control character in command",
            b"500 5.5.2 Line too long, or not ended by CRLF",
            b"354 End data with <CR><LF>.<CR><LF>",
        ]
        client.send(b"x\r\n.\r\n")
        assert (await client.reply()).startswith(b"250")
    assert sink.messages == [b"x\r\n"]
    assert sink.commands.count(b"RCPT TO:<b@y.test>") == 2


async def test_next_group_any_split_of_the_dialogue_is_the_same(sink):
    """Whole, and octet by octet."""
    async with hop(sink.port) as filter_:
        for size in (1, 7, 1000):
            client = await filter_.session()
            envelope = MAIL + RCPT + RCPT + DATA
            for start in range(0, len(envelope), size):
                client.send(envelope[start : start + size])
                await client.writer.drain()
            assert [reply[:3] for reply in await client.replies(4)] == [b"250", b"250", b"250", b"354"]
            client.send(b"x\r\n.\r\n")
            assert (await client.reply()).startswith(b"250")
    assert sink.messages == [b"x\r\n"] * 3


@pytest.mark.parametrize(("end", "code"), [(b"RSET", b"250"), (b"EHLO again", b"250"), (b"QUIT", b"221")])
async def test_end_in_the_envelope_leaves_nothing_behind(sink, end, code):
    """Sender A's recipients never get B's mail."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(MAIL + RCPT + end + b"\r\n")
        assert [reply[:3] for reply in await client.replies(2)] == [b"250", b"250"]
        assert (await client.reply()).startswith(code)
        await sink.connections[0].ended.wait()
        if code == b"250":
            assert await client.ask(b"DATA") == b"503 5.5.1 Need MAIL command\r\n"
            assert (await client.deliver(b"x\r\n.\r\n", b"c@x.test", b"d@y.test")).startswith(b"250")
            assert sink.connections[1].commands[1:] == [b"MAIL FROM:<c@x.test>", b"RCPT TO:<d@y.test>", b"DATA"]
    assert sink.connections[0].messages == []


async def test_data_without_recipient_is_refused(sink):
    """And the transaction goes on."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(MAIL + DATA)
        assert await client.replies(2) == [b"250 2.1.0 Ok", b"503 5.5.1 Need RCPT command"]
        client.send(RCPT + DATA)
        assert [reply[:3] for reply in await client.replies(2)] == [b"250", b"354"]


async def test_data_with_content_in_the_same_segment_closes(sink):
    """Had gate 2 refused DATA, the content would have been read as commands."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(MAIL + RCPT + DATA + b"S: 1\r\n\r\n1\r\n.\r\n" + MAIL)
        assert await client.reply() == b"421 4.5.0 Improper command pipelining\r\n"
        assert await client.reply() == b""
    assert sink.messages == []


async def test_commands_after_the_final_dot_are_read(sink):
    """RFC 2920 allows them in the same segment."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        reply = await client.deliver(b"x\r\n.\r\nRSET\r\nQUIT\r\n")
        assert reply.startswith(b"250 2.0.0 Ok: queued")
        assert await client.replies(2) == [b"250 2.0.0 Ok", b"221 2.0.0 Bye"]


async def test_recipients_beyond_the_limit_are_deferred(sink):
    """452, one by one; order, case and duplicates are kept."""
    limits = Limits(10_000, 3, 5, 5)
    async with hop(sink.port, limits=limits) as filter_:
        client = await filter_.session()
        client.send(MAIL + b"RCPT TO:<B@y>\r\nRCPT TO:<b@y>\r\nRCPT TO:<B@y>\r\nRCPT TO:<c@y>\r\n" + DATA)
        assert (await client.replies(6))[3:5] == [b"250 2.1.5 Ok", b"452 4.5.3 Too many recipients"]
    assert [line for line in sink.commands if line.startswith(b"RCPT")] == [
        b"RCPT TO:<B@y>",
        b"RCPT TO:<b@y>",
        b"RCPT TO:<B@y>",
    ]


async def test_a_thousand_recipients_pass(sink):
    """More than one read takes."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(MAIL + b"".join(b"RCPT TO:<user%d@y.test>\r\n" % number for number in range(1000)))
        assert {reply[:3] for reply in await client.replies(1001)} == {b"250"}
        assert (await client.ask(b"DATA")).startswith(b"354")
        client.send(b".\r\n")
        assert (await client.reply()).startswith(b"250")


async def test_errors_too_many_in_a_transaction_close(sink):
    """As outside of one."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(MAIL + b"RCPT TO:<bad\r\n" * 50)
        while (reply := await client.reply()) and not reply.startswith(b"421"):
            assert reply.startswith((b"250", b"501"))
        assert reply == b"421 4.7.0 Too many errors\r\n"
        assert await client.reply() == b""
    assert MAX_ERRORS < 50


@pytest.mark.parametrize(("reverse_path", "reply"), [(b"a@x.test", b"552 5.3.4"), (b"", b"452 4.3.4")])
async def test_content_too_big_is_refused_at_its_end(sink, reverse_path, reply):
    """SIZE lied; the rest is read and is no command."""
    async with hop(sink.port, limits=Limits(1000, 10, 5, 5)) as filter_:
        client = await filter_.session()
        content = b"x" * 80 + b"\r\n.\r\r\n" + b"MAIL FROM:<evil@x>\r\n" * 10_000 + b".\r\n"
        assert (await client.deliver(content, reverse_path)).startswith(reply)
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
        assert (await client.deliver(b"y" * 998 + b"\r\n.\r\n")).startswith(b"250")
        assert (await client.deliver(b"y" * 999 + b"\r\n.\r\n")).startswith(b"552")
        assert (await client.deliver(b"..\r\n" * 333 + b".\r\n")).startswith(b"250")  # 999 octets of content
    assert sink.messages == [b"y" * 998 + b"\r\n", b"..\r\n" * 333]


async def test_content_without_progress_ends(sink):
    """After data_timeout_s; each progress starts it anew."""
    async with hop(sink.port, limits=Limits(1000, 10, 5, 0.1)) as filter_:
        client = await filter_.session()
        client.send(MAIL + RCPT + DATA)
        await client.replies(3)
        client.send(b"half a message")
        assert await client.reply() == b"421 4.4.2 Timed out\r\n"
        await sink.connections[0].ended.wait()
    assert sink.messages == []
