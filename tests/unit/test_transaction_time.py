"""THE PATH, over real sockets: what takes too long, comes too slowly, or is more than gate 2 takes."""

import asyncio

import pytest

from gateway.accept.session import Limits

from .hop import hop


async def test_back_pressure_reaches_gate_1(sink):
    """While gate 2 takes nothing, no more is read than a few buffers hold."""
    reading = asyncio.Event()

    async def stall(received, _):
        received.transport.pause_reading()
        reading.set()
        return b"354 go\r\n"

    sink.replies[b"DATA"] = stall
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        client.writer.transport.set_write_buffer_limits(high=0)
        sent = 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    client.send(b"x" * 100_000)
                    sent += 100_000
                    await client.writer.drain()
        (session,) = filter_.gate._sessions
        assert len(session.inbox) < 1_000_000
        assert sent < 50_000_000
        client.writer.transport.abort()


async def test_transaction_that_takes_too_long_is_deferred(sink, lines):
    """Gate 2 silent on RCPT: all is answered 4xx, also what gate 1 sends without having read that."""
    asked, _ = sink.hold(b"RCPT")
    async with hop(sink.port, limit_s=0.1) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        assert await client.replies(3) == [b"451 4.4.7 yard: transaction took too long"] * 3
        assert asked.is_set()
        assert await client.ask(b"RCPT TO:<c@y.test>") == b"451 4.4.7 yard: transaction took too long\r\n"
        sink.replies[b"RCPT"] = b"250 2.1.5 Ok\r\n"
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert [(line["outcome"], line.get("cause")) for line in lines()] == [("deferred", "out of time"), ("sent", None)]


async def test_content_that_takes_too_long_is_deferred_at_its_dot(sink, lines):
    """However fast it comes: no dot goes to gate 2, and the session goes on."""
    async with hop(sink.port, limit_s=0.2) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        while not sink.connections[0].ended.is_set():
            client.send(b"x" * 70_000 + b"\r\n")
            await client.writer.drain()
            await asyncio.sleep(0.01)
        client.send(b".\r\n")
        assert await client.reply() == b"451 4.4.7 yard: transaction took too long\r\n"
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert sink.messages == []
    assert lines()[0]["outcome"] == "deferred"


async def test_what_nobody_wants_is_not_read_for_ever(sink, lines):
    """After data_timeout_s gate 1 hears 421 in the midst of it."""
    sink.replies[b"DATA"] = b"354 go\r\n"
    limits = Limits(10_000_000, 10, command_timeout_s=5, data_timeout_s=0.2)
    async with hop(sink.port, limit_s=0.1, limits=limits) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        answer = asyncio.ensure_future(client.reply())
        while not answer.done():
            client.send(b"x" * 1000 + b"\r\n")
            await asyncio.sleep(0.01)
        assert await answer == b"421 4.4.2 Timed out\r\n"
    assert sink.messages == []
    assert lines()[0]["outcome"] == "deferred"


async def test_drip_of_content_is_cut(sink, lines):
    """An octet now and then is no progress."""
    limits = Limits(10_000_000, 10, command_timeout_s=5, data_timeout_s=0.2)
    async with hop(sink.port, limits=limits) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        answer = asyncio.ensure_future(client.reply())
        while not answer.done():
            client.send(b"x")
            await asyncio.sleep(0.01)
        assert await answer == b"421 4.4.2 Timed out\r\n"
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 was silent or slow for too long")


async def test_no_limit_cuts_off_after_the_dot(sink, lines):
    """Gate 2 takes longer over its answer than the whole transaction had time."""
    asked, go_on = sink.hold(b".")
    async with hop(sink.port, limit_s=0.1) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(b"x\r\n.\r\n"))
        await asked.wait()
        await asyncio.sleep(0.2)
        go_on.set()
        assert (await delivering).startswith(b"250")
    assert lines()[0]["outcome"] == "sent"
