"""The yard, over real sockets: gate 1 or gate 2 leaves, at each moment."""

import asyncio

import pytest

from gateway.message.verdict import Report

from .hop import Shelf, hop, until
from .sink import HANG_UP
from .yard import FOUND, finds, policies, told

WIRE = b"S: 1\r\n\r\nbody\r\n"
COMMANDS = b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n"


# -- gate 1 leaves


async def test_gate_1_leaves_during_the_content(sink, lines):
    """What was kept of it is gone."""
    async with hop(sink.port, policies=policies(), checks=told(finds())) as filter_:
        client = await filter_.session()
        client.send(COMMANDS)
        await client.replies(3)
        client.send(b"x" * 2_000_000 + b"\r\n")
        client.writer.write_eof()
        assert await client.reply() == b""
        await sink.left()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 closed the connection")


@pytest.mark.parametrize(
    ("outside", "outcome", "cause"),
    [
        ("pass", "lost", "gate 1 closed before the verdict"),
        ("tag", "lost", "gate 1 closed before the verdict"),
        ("redirect:abuse@z.test", "lost", "gate 1 closed before the verdict"),
        ("hold", "lost", "gate 1 closed before the message was held"),
        ("reject", "rejected", "gate 1 closed before it had the reply"),
        ("defer", "deferred", "gate 1 closed before it had the reply"),
        ("discard", "sent", "gate 1 closed before it had the reply"),
    ],
)
async def test_gate_1_leaves_while_checks_run(sink, lines, tmp_path, outside, outcome, cause):
    """It tries again, so nobody gets a copy meanwhile, and none is held."""
    started, go_on = asyncio.Event(), asyncio.Event()

    async def examine(_):
        started.set()
        await go_on.wait()
        return Report([FOUND])

    shelf = Shelf(tmp_path)
    async with hop(sink.port, policies=policies(outside), checks=told(examine), quarantine=shelf) as filter_:
        client = await filter_.session()
        await client.deliver_and_leave(WIRE + b".\r\n", started)
        await until(lambda: all(session.lost for session in filter_.gate._sessions))
        go_on.set()
        assert await filter_.gate.drain(5)
        await sink.left()
    assert (sink.messages, shelf.held) == ([], [])
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == (outcome, cause)


async def test_gate_1_leaves_while_the_message_is_held(sink, lines, tmp_path):
    """It is held, and that is logged; the retry may be held as well."""
    started, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Shelf):
        async def hold(self, mail, verdict, edits=()):
            started.set()
            await go_on.wait()
            return await super().hold(mail, verdict, edits)

    shelf = Slow(tmp_path)
    async with hop(sink.port, policies=policies(), checks=told(finds(FOUND)), quarantine=shelf) as filter_:
        client = await filter_.session()
        await client.deliver_and_leave(WIRE + b".\r\n", started)
        go_on.set()
        assert await filter_.gate.drain(5)
    assert shelf.content(1) == WIRE
    assert (lines()[0]["verdict"], lines()[0]["cause"]) == ("hold", "gate 1 closed before it had the reply")


async def test_gate_1_leaves_after_the_dot(sink, lines):
    """Gate 2's word is in the log."""
    asked, go_on = sink.hold(b".")
    async with hop(sink.port, policies=policies(), checks=told(finds())) as filter_:
        client = await filter_.session()
        await client.deliver_and_leave(WIRE + b".\r\n", asked)
        go_on.set()
        assert await filter_.gate.drain(5)
    assert sink.messages == [WIRE]
    assert (lines()[0]["outcome"], lines()[0]["post"]) == ("sent", b"4ABCdefGHI")


# -- gate 2 leaves


async def test_gate_2_leaves_while_checks_run(sink, lines):
    """451, whatever was found to pass; the next message goes on a fresh connection."""

    async def examine(_):
        sink.connections[0].transport.abort()
        await sink.connections[0].ended.wait()
        return Report()

    async with hop(sink.port, policies=policies(), checks=told(examine)) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n") == b"451 4.4.2 yard: connection to next hop lost\r\n"
        assert (await client.deliver(WIRE + b".\r\n")).startswith(b"250")
    assert [line["outcome"] for line in lines()] == ["deferred", "sent"]


@pytest.mark.parametrize("outside", ["reject", "hold", "discard", "redirect:abuse@z.test"])
async def test_gate_2_leaves_before_a_verdict_that_does_not_need_it(sink, tmp_path, outside):
    """That verdict is carried out."""

    async def examine(_):
        sink.connections[0].transport.abort()
        await sink.connections[0].ended.wait()
        return Report([FOUND])

    shelf = Shelf(tmp_path)
    async with hop(sink.port, policies=policies(outside), checks=told(examine), quarantine=shelf) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert reply[:3] == (b"550" if outside == "reject" else b"250")
    assert len(sink.messages) == outside.startswith("redirect")
    assert len(shelf.held) == (outside == "hold")


@pytest.mark.parametrize("verb", [b"MAIL", b"RCPT", b"DATA", b"."])
async def test_gate_2_leaves_a_redirect(sink, lines, verb):
    """At each command of the second transaction; after its dot the outcome is unknown."""
    honest = sink.replies[verb]

    async def second(received, _):
        return honest if received is sink.connections[0] else HANG_UP

    async with hop(sink.port, policies=policies("redirect:abuse@z.test"), checks=told(finds(FOUND))) as filter_:
        client = await filter_.session()
        sink.replies[verb] = second
        reply = await client.deliver(WIRE + b".\r\n")
        assert reply.startswith(b"451 4.4.2 yard: ")
        await sink.left()
    assert len(sink.connections) == 2
    assert lines()[0]["outcome"] == ("unknown" if verb == b"." else "deferred")


async def test_redirect_that_is_refused_defers(sink, lines):
    """Gate 1 was told of its own recipients, not of ours."""

    async def refuse(_, line):
        return b"550 5.1.1 no such user\r\n" if b"z.test" in line else b"250 2.1.5 Ok\r\n"

    async def refuse_without_recipient(received, _):
        ours = received is not sink.connections[0]
        return b"554 5.5.1 No valid recipients\r\n" if ours else b"354 go\r\n"

    sink.replies |= {b"RCPT": refuse, b"DATA": refuse_without_recipient}
    async with hop(sink.port, policies=policies("redirect:abuse@z.test"), checks=told(finds(FOUND))) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
        assert reply == b"451 4.4.0 yard: redirect refused by next hop\r\n"
        await sink.left()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("deferred", "redirect: b'550 5.1.1 no such user'")


async def test_redirect_to_a_door_that_is_down_defers(sink):
    """It comes back with the next try."""
    chosen = policies("redirect:[192.0.2.7]:25")
    async with hop(sink.port, policies=chosen, checks=told(finds(FOUND)), doors={"[192.0.2.7]:25": 1}) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert reply == b"451 4.4.1 yard: next hop cannot be reached\r\n"
