"""Released is what was held, to whom it was for, once."""

import pytest

from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.operate.release import release
from gateway.quarantine.store import NotHeld, Quarantine
from tests.unit.quarantine.messages import CONTENT, VERDICT, mail

TIMEOUTS = Timeouts(connect_s=5, reply_s=5, commit_s=5)


@pytest.fixture
async def held(tmp_path):
    """Give a quarantine with one message, and its id."""
    quarantine = Quarantine(tmp_path, 10**6)
    return quarantine, await quarantine.hold(mail(), VERDICT)


@pytest.fixture
async def pool(sink):
    """Give the way to gate 2."""
    made = Pool([("127.0.0.1", sink.port)], "filter.test", TIMEOUTS)
    yield made
    made.close()


async def test_message_leaves_as_it_came(held, pool, sink):
    """With its envelope, the parameters too, and the client it came from."""
    quarantine, id_ = held
    released = await release(quarantine, pool, id_)
    assert released.sent == dict.fromkeys(("b@y.test", "c@y.test"), "250 2.0.0 Ok: queued as 4ABCdefGHI")
    assert sink.messages == [CONTENT.replace(b"\r\n.dot", b"\r\n..dot")]
    assert sink.commands[-4:] == [
        b"MAIL FROM:<\xc3\xa4\xff@x.test> SIZE=60 SMTPUTF8",
        b"RCPT TO:<b@y.test> NOTIFY=NEVER",
        b"RCPT TO:<c@y.test>",
        b"DATA",
    ]
    assert b"XFORWARD NAME=far.test ADDR=192.0.2.7 PORT=[UNAVAILABLE]" in sink.commands
    assert quarantine.released(id_) == released.sent


async def test_second_release_sends_nothing(held, pool, sink):
    """Whoever has it does not get it again."""
    quarantine, id_ = held
    first = await release(quarantine, pool, id_)
    second = await release(quarantine, pool, id_)
    assert (second.sent, second.before, second.refused) == ({}, first.sent, {})
    assert len(sink.messages) == 1


async def test_refused_recipient_is_tried_again(held, pool, sink):
    """One of two was refused: the next release is for that one alone."""
    quarantine, id_ = held

    async def answer(_received, line):
        return b"450 4.2.0 Later\r\n" if b"c@y" in line else b"250 2.1.5 Ok\r\n"

    sink.replies[b"RCPT"] = answer
    first = await release(quarantine, pool, id_)
    assert (list(first.sent), first.refused) == (["b@y.test"], {"c@y.test": "450 4.2.0 Later"})
    sink.replies[b"RCPT"] = b"250 2.1.5 Ok\r\n"
    second = await release(quarantine, pool, id_)
    assert (list(second.sent), list(second.before), second.refused) == (["c@y.test"], ["b@y.test"], {})
    assert sink.commands.count(b"RCPT TO:<b@y.test> NOTIFY=NEVER") == 1


@pytest.mark.parametrize(
    ("verb", "reply"), [(b"MAIL", "451 4.3.0 No"), (b"DATA", "451 4.3.0 No"), (b".", "554 5.7.1 No")]
)
async def test_refused_message_stays_held(held, pool, sink, verb, reply):
    """Whatever gate 2 refuses, it can be released later."""
    quarantine, id_ = held
    sink.replies[verb] = reply.encode() + b"\r\n"
    if verb == b"MAIL":
        sink.replies |= dict.fromkeys((b"RCPT", b"DATA"), b"503 5.5.1 Error: need MAIL command\r\n")
    released = await release(quarantine, pool, id_)
    assert (released.sent, released.refused) == ({}, dict.fromkeys(("b@y.test", "c@y.test"), reply))
    assert quarantine.released(id_) == {}


async def test_gate_2_that_is_down_is_said(held, sink):
    """A deferral is no traceback."""
    quarantine, id_ = held
    await sink.stop()
    released = await release(quarantine, Pool([("127.0.0.1", sink.port)], "filter.test", TIMEOUTS), id_)
    assert set(released.refused.values()) == {"451 4.4.1 yard: next hop cannot be reached"}


async def test_unknown_id_is_not_held(held, pool):
    """Nothing is sent for it."""
    with pytest.raises(NotHeld):
        await release(held[0], pool, "0" * 16)
