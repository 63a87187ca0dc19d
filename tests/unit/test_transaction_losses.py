"""THE PATH, over real sockets: either gate goes away, or says nothing."""

import pytest

from gateway.forward.connection import Timeouts
from gateway.message.policy import Policy
from gateway.message.verdict import Report

from .hop import check, hop
from .sink import HANG_UP


async def test_dot_then_end_of_connection_is_no_message(sink, lines):
    """Truncated mail is never taken as complete."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        client.send(b"S: 1\r\n\r\nbody\r\n.")
        client.writer.write_eof()
        assert await client.reply() == b""
        await sink.connections[0].ended.wait()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 closed the connection")


@pytest.mark.parametrize("verb", [b"BANNER", b"EHLO", b"MAIL", b"RCPT", b"DATA", b"."])
async def test_gate_2_lost_at_any_point_defers(sink, lines, verb):
    """Every command of the group is answered 4xx, and gate 2's return heals it."""
    kept = sink.replies.pop(verb, None)
    sink.replies[verb] = HANG_UP
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n")
        replies = await client.replies(4)
        if verb == b".":
            client.send(b"x\r\n.\r\n")
            replies = [await client.reply()]
        assert all(reply.startswith(b"451 4.4.") for reply in replies)
        if verb != b".":
            late = await client.ask(b"RCPT TO:<d@y.test>")  # sent before it read the 451: no bounce for it either
            assert late.startswith(b"451 4.4.")
        del sink.replies[verb]
        if kept is not None:
            sink.replies[verb] = kept
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert lines()[0]["outcome"] == ("unknown" if verb == b"." else "deferred")
    assert lines()[1]["outcome"] == "sent"


async def test_gate_2_lost_during_content_defers(sink, lines):
    """The rest of the content is read and dropped."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        client.send(b"x" * 1000)
        sink.connections[0].transport.abort()
        await sink.connections[0].ended.wait()
        client.send(b"y" * 1_000_000 + b"\r\nQUIT\r\n.\r\n")
        assert await client.reply() == b"451 4.4.2 yard: connection to next hop lost\r\n"
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert lines()[0]["outcome"] == "deferred"


async def test_gate_2_down_defers_and_recovers(sink, lines):
    """Without a restart of ours."""
    await sink.stop()
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert await client.ask(b"MAIL FROM:<a@x.test>") == b"451 4.4.1 yard: next hop cannot be reached\r\n"
        await sink.start(sink.port)
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert [line["outcome"] for line in lines()] == ["deferred", "sent"]


async def test_gate_2_silent_after_the_dot_is_an_unknown_outcome(sink, lines):
    """After commit_timeout_s; gate 1 hears 451 and tries again."""
    asked, _ = sink.hold(b".")
    async with hop(sink.port, timeouts=Timeouts(5, 5, 0.05)) as filter_:
        client = await filter_.session()
        reply = await client.deliver(b"x\r\n.\r\n")
        assert reply == b"451 4.4.2 yard: no usable reply from next hop after end of data\r\n"
        assert asked.is_set()
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("unknown", "no reply from gate 2 for 0.05 s")


async def test_gate_1_gone_after_the_dot_does_not_stop_it(sink, lines):
    """Gate 2 has the message; its answer is in the log."""
    asked, go_on = sink.hold(b".")
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        await client.deliver_and_leave(b"x\r\n.\r\n", asked)
        go_on.set()
        await filter_.gate.drain(5)
    (line,) = lines()
    assert (line["outcome"], line["post"]) == ("sent", b"4ABCdefGHI")
    assert line["cause"] == "gate 1 closed before it had the reply"


async def test_gate_1_gone_before_the_dot_sends_none(sink, lines):
    """It still has the message; gate 2 must not get a copy."""
    sessions = set()

    async def leave(_):
        for session in sessions:
            session.eof_received()
        return Report()

    async with hop(
        sink.port, policies={"default": Policy("default", ("leaves",))}, checks={"leaves": check("leaves", leave)}
    ) as filter_:
        client = await filter_.session()
        sessions.update(filter_.gate._sessions)
        assert await client.deliver(b"x\r\n.\r\n") == b""
        await sink.connections[0].ended.wait()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 closed before the verdict")
