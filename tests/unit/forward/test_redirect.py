"""The same content, to somebody else or through another door."""

import asyncio

import pytest

from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.forward.redirect import REFUSED, redirect
from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.failure import Deferral
from gateway.message.reply import Reply

from ..sink import HANG_UP, Sink

TIMEOUTS = Timeouts(connect_s=5, reply_s=5, commit_s=5)
CLIENT = Client({"NAME": b"mx.test", "IDENT": b"4pre"})


@pytest.fixture
async def sink():
    """Give a sink."""
    async with Sink() as running:
        yield running


@pytest.fixture
async def pool(sink):
    """Give a pool for the sink."""
    connections = Pool([("127.0.0.1", sink.port)], "filter.test", TIMEOUTS)
    yield connections
    connections.close()


def envelope(*recipients):
    """Make an envelope with DSN parameters."""
    made = Envelope(ReversePath(b"a@x.test", (b"RET=HDRS",)))
    made.recipients += [Recipient(path, (b"NOTIFY=NEVER",)) for path in recipients or (b"b@y.test", b"c@y.test")]
    return made


async def test_redirect_to_a_recipient_replaces_all_others(sink, pool):
    """Who gets none of their parameters: NOTIFY=NEVER would make a loss of a failure."""
    delivery = await redirect(pool, CLIENT, envelope(), b"abuse@z.test")
    await delivery.write(b"x\r\n")
    assert await delivery.commit() == Reply.of("250 2.0.0 Ok: queued as 4ABCdefGHI")
    assert sink.commands[-3:] == [b"MAIL FROM:<a@x.test> RET=HDRS", b"RCPT TO:<abuse@z.test>", b"DATA"]
    assert any(line.startswith(b"XFORWARD") and b"IDENT=4pre" in line for line in sink.commands)
    assert sink.messages == [b"x\r\n"]


async def test_redirect_through_a_door_keeps_the_envelope(sink, pool):
    """Recipients with their parameters, in their order."""
    delivery = await redirect(pool, CLIENT, envelope(), None)
    assert sink.commands[-3:-1] == [b"RCPT TO:<b@y.test> NOTIFY=NEVER", b"RCPT TO:<c@y.test> NOTIFY=NEVER"]
    delivery.abort()
    await sink.left()
    assert sink.messages == []


ORDER = [b"MAIL", b"RCPT", b"DATA"]


@pytest.mark.parametrize("verb", ORDER)
@pytest.mark.parametrize("code", [b"451 4.3.0", b"550 5.1.1"])
async def test_redirect_that_is_refused_is_a_deferral(sink, pool, verb, code):
    """Gate 1 has had its answers to the envelope; a refusal of ours is never one of the message."""
    sink.replies |= dict.fromkeys(ORDER[ORDER.index(verb) :], b"503 5.5.1 Out of order\r\n")
    sink.replies[verb] = code + b" not this one\r\n"
    with pytest.raises(Deferral) as deferred:
        await redirect(pool, CLIENT, envelope(), b"abuse@z.test")
    assert deferred.value.reply == REFUSED
    assert deferred.value.cause == f"redirect: {(code + b' not this one')!r}"
    await sink.left()
    assert sink.messages == []


async def test_redirect_with_one_recipient_refused_sends_to_none(sink, pool):
    """The envelope passes as a whole; the connection, its DATA open, is cut."""

    async def refuse(_, line):
        return b"550 5.1.1 no\r\n" if b"c@y" in line else b"250 2.1.5 Ok\r\n"

    sink.replies[b"RCPT"] = refuse
    with pytest.raises(Deferral) as deferred:
        await redirect(pool, CLIENT, envelope(), None)
    assert deferred.value.cause == "redirect: b'550 5.1.1 no'"
    await sink.left()
    assert b"QUIT" not in sink.commands


async def test_redirect_next_hop_lost_is_a_deferral(sink, pool):
    """In the words of any delivery."""
    sink.replies[b"RCPT"] = HANG_UP
    with pytest.raises(Deferral) as deferred:
        await redirect(pool, CLIENT, envelope(), None)
    assert deferred.value.reply.text == b"451 4.4.2 yard: connection to next hop lost"


async def test_redirect_cut_off_leaves_no_connection(sink, pool):
    """The transaction's time may end while it waits."""
    asked, go_on = sink.hold(b"DATA")
    running = asyncio.ensure_future(redirect(pool, CLIENT, envelope(), None))
    await asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    go_on.set()
    await sink.left()
