"""The outward half of a transaction."""

import asyncio

import pytest

from gateway.forward.connection import Timeouts
from gateway.forward.delivery import Delivery
from gateway.forward.pool import Pool
from gateway.message.envelope import Client, Recipient, ReversePath, StartContent
from gateway.message.failure import Deferral
from gateway.message.reply import OWN_FAULT, Reply

from ..sink import EXTENSIONS, HANG_UP, Sink

MAIL = ReversePath(b"a@x.test")
RCPT = Recipient(b"b@y.test")
DATA = StartContent()
TIMEOUTS = Timeouts(connect_s=5, reply_s=5, commit_s=5)


@pytest.fixture(params=[EXTENSIONS, EXTENSIONS[1:]], ids=["pipelining", "one by one"])
async def sink(request):
    """Give a sink, with and without PIPELINING."""
    async with Sink(request.param) as running:
        yield running


@pytest.fixture
async def pool(sink):
    """Give a pool for the sink."""
    connections = Pool([("127.0.0.1", sink.port)], "filter.test", TIMEOUTS)
    yield connections
    connections.close()


async def deliver(pool, *slices, attributes=None):
    """Carry one message; give gate 2's reply to the dot."""
    delivery = Delivery(pool, Client(attributes or {}))
    await delivery.offer([MAIL, RCPT, DATA])
    for wire in slices:
        await delivery.write(wire)
    try:
        return await delivery.commit()
    finally:
        delivery.abort()


def codes(replies):
    """Give the codes of replies."""
    return [reply.code for reply in replies]


async def test_commit_message_arrives_as_it_went(sink, pool):
    """Slice by slice, with one dot at the end."""
    reply = await deliver(pool, b"S: 1\r\n\r\n..dot", b"\r\nend\r\n")
    assert reply == Reply.of("250 2.0.0 Ok: queued as 4ABCdefGHI")
    assert sink.messages == [b"S: 1\r\n\r\n..dot\r\nend\r\n"]


async def test_commit_keeps_the_connection(sink, pool):
    """The next transaction needs neither EHLO nor RSET."""
    await deliver(pool, b"one\r\n")
    await deliver(pool, b"two\r\n")
    (received,) = sink.connections
    assert received.verbs() == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"MAIL", b"RCPT", b"DATA"]


async def test_offer_client_is_told_before_mail_each_time(sink, pool):
    """Also when the next one has none: what was told must not stand."""
    await deliver(pool, attributes={"NAME": b"mx.test", "IDENT": b"4a"})
    await deliver(pool)
    told = [line for line in sink.commands if line.startswith(b"XFORWARD NAME")]
    assert [b"NAME=mx.test" in line for line in told] == [True, False]
    assert b"NAME=[UNAVAILABLE]" in told[1]
    assert sink.connections[0].verbs()[1:4] == [b"XFORWARD", b"XFORWARD", b"MAIL"]


async def test_offer_refused_xforward_does_not_stop_mail(sink, pool):
    """It costs only what gate 2 logs."""
    sink.replies[b"XFORWARD"] = b"550 5.7.0 no\r\n"
    assert (await deliver(pool, b"x\r\n", attributes={"NAME": b"mx.test"})).code == 250


async def test_offer_each_recipient_has_its_own_reply(sink, pool):
    """5xx for one of several does not touch the others."""

    async def rcpt(_, line):
        return {b"4": b"450 4.2.1 later\r\n", b"5": b"550 5.1.1 no such user\r\n"}.get(line[9:10], b"250 2.1.5 Ok\r\n")

    sink.replies[b"RCPT"] = rcpt
    delivery = Delivery(pool, Client())
    group = [MAIL, Recipient(b"2@y"), Recipient(b"4@y"), Reply.of("501 5.5.4 ours"), Recipient(b"5@y"), DATA]
    assert codes(await delivery.offer(group)) == [250, 250, 450, 501, 550, 354]
    await delivery.write(b"x\r\n")
    assert (await delivery.commit()).code == 250


@pytest.mark.parametrize(("answer", "code"), [(b"452 4.3.1 full\r\n", 452), (b"550 5.7.1 no\r\n", 550)])
async def test_offer_refused_mail_answers_the_rest_of_the_group(sink, pool, answer, code):
    """In the class of that refusal: gate 2's 503 would make bounces of deferrals."""
    sink.replies[b"MAIL"] = answer
    sink.replies[b"RCPT"] = sink.replies[b"DATA"] = b"503 5.5.1 need MAIL\r\n"
    delivery = Delivery(pool, Client())
    assert codes(await delivery.offer([MAIL, RCPT, DATA])) == [code] * 3
    delivery.abort()


async def test_offer_no_recipient_taken_refuses_data(sink, pool):
    """Each has its answer already."""
    sink.replies[b"RCPT"] = b"450 4.2.1 later\r\n"
    sink.replies[b"DATA"] = b"554 5.5.1 no valid recipients\r\n"
    delivery = Delivery(pool, Client())
    assert codes(await delivery.offer([MAIL, RCPT, DATA])) == [250, 450, 554]
    delivery.abort()


async def test_offer_421_is_relayed_as_451(sink, pool):
    """Gate 2's connection ends, gate 1's does not."""
    sink.replies[b"RCPT"] = b"421 4.3.2 closing\r\n"
    delivery = Delivery(pool, Client())
    assert codes(await delivery.offer([MAIL, RCPT])) == [250, 451]
    delivery.abort()


async def test_offer_nobody_there_is_a_deferral(sink, pool):
    """With our own mark, for the healthcheck."""
    await sink.stop()
    with pytest.raises(Deferral) as deferral:
        await Delivery(pool, Client()).offer([MAIL])
    assert deferral.value.reply.wire() == b"451 4.4.1 yard: next hop cannot be reached\r\n"


@pytest.mark.parametrize("verb", [b"MAIL", b"RCPT", b"DATA"])
@pytest.mark.parametrize(
    "answer",
    [
        HANG_UP,
        b"250 ok\r\n250 ok\r\n250 ok\r\n",
        b"354 go\r\n354 go\r\n",
        b"garbage\r\n",
        b"250-a\r\n451 b\r\n",
        b"199 x\r\n",
        b"220 x\r\n354 y\r\n354 z\r\n",
    ],
)
async def test_offer_lost_or_out_of_step_is_a_deferral(sink, pool, verb, answer):
    """Replies are never matched to commands by guessing."""
    sink.replies[verb] = answer
    delivery = Delivery(pool, Client())
    with pytest.raises(Deferral) as deferral:
        await delivery.offer([MAIL, RCPT, DATA])
        await delivery.commit()
    assert deferral.value.reply.severity == 4
    assert OWN_FAULT in deferral.value.reply.text
    delivery.abort()
    assert sink.messages == []


async def test_offer_250_to_data_is_out_of_step(sink, pool):
    """No content follows it."""
    sink.replies[b"DATA"] = b"250 ok\r\n"
    with pytest.raises(Deferral, match="out of step"):
        await Delivery(pool, Client()).offer([MAIL, RCPT, DATA])
    assert sink.messages == []


async def test_offer_silent_gate_2_is_a_deferral(sink):
    """After the time given."""

    async def never(*_):
        await asyncio.Event().wait()

    sink.replies[b"RCPT"] = never
    pool = Pool([("127.0.0.1", sink.port)], "filter.test", Timeouts(5, 0.05, 5))
    with pytest.raises(Deferral, match="no reply from gate 2"):
        await Delivery(pool, Client()).offer([MAIL, RCPT])


@pytest.mark.parametrize("answer", [HANG_UP, b"421 4.3.2 closing\r\n"])
@pytest.mark.parametrize("verb", [b"XFORWARD", b"MAIL"])
async def test_offer_stale_kept_connection_is_replaced_once(sink, pool, answer, verb):
    """421 or the end, before gate 2 has answered MAIL on a kept connection."""
    first = await deliver(pool, b"one\r\n", attributes={"NAME": b"x"})
    assert first.code == 250

    async def stale(received, _):
        return answer if received is sink.connections[0] else b"250 2.1.0 Ok\r\n"

    sink.replies[verb] = stale
    assert (await deliver(pool, b"two\r\n", attributes={"NAME": b"x"})).code == 250
    assert len(sink.connections) == 2
    assert sink.messages == [b"one\r\n", b"two\r\n"]


async def test_offer_stale_and_nobody_there_is_a_deferral(sink, pool):
    """One retry, then gate 1 has to."""
    await deliver(pool, b"one\r\n")
    sink.replies[b"MAIL"] = HANG_UP
    with pytest.raises(Deferral):
        await deliver(pool, b"two\r\n")
    assert len(sink.connections) == 2


async def test_offer_smtputf8_not_offered_is_a_deferral():
    """Our EHLO promised it; gate 2's settings are at fault."""
    async with Sink((b"PIPELINING",)) as sink:
        pool = Pool([("127.0.0.1", sink.port)], "filter.test", TIMEOUTS)
        delivery = Delivery(pool, Client())
        with pytest.raises(Deferral) as deferral:
            await delivery.offer([ReversePath(b"a@x.test", (b"SMTPUTF8",), smtputf8=True)])
        assert deferral.value.reply.wire() == b"451 4.6.7 yard: next hop does not offer SMTPUTF8\r\n"
        delivery.abort()


async def test_abort_leaves_no_final_dot(sink, pool):
    """What gate 2 has then is no message."""
    delivery = Delivery(pool, Client())
    await delivery.offer([MAIL, RCPT, DATA])
    await delivery.write(b"x" * 100_000)
    delivery.abort()
    await sink.connections[0].ended.wait()
    assert sink.messages == []
    delivery.abort()


async def test_abort_before_content_says_quit(sink, pool):
    """Gate 2 need not log a lost connection."""
    delivery = Delivery(pool, Client())
    await delivery.offer([MAIL, RCPT])
    delivery.abort()
    await sink.connections[0].ended.wait()
    assert sink.commands[-1] == b"QUIT"


@pytest.mark.parametrize(
    ("answer", "code"), [(b"452 4.3.1 full\r\n", 452), (b"552 5.3.4 big\r\n", 552), (b"421 4.3.2 closing\r\n", 451)]
)
async def test_commit_refusal_is_gate_2s_own(sink, pool, answer, code):
    """And the connection is not kept."""
    sink.replies[b"."] = answer
    assert (await deliver(pool, b"x\r\n")).code == code
    await sink.connections[0].ended.wait()
    assert pool.reuse() is None


@pytest.mark.parametrize("answer", [HANG_UP, b"garbage\r\n", b"354 again\r\n"])
async def test_commit_no_usable_reply_leaves_the_outcome_unknown(sink, pool, answer):
    """Nothing is tried again here."""
    sink.replies[b"."] = answer
    with pytest.raises(Deferral) as deferral:
        await deliver(pool, b"x\r\n")
    assert deferral.value.outcome_unknown
    assert deferral.value.reply.severity == 4
    assert len(sink.connections) == 1


async def test_commit_gate_2_spoke_during_content_sends_no_dot(sink, pool):
    """The reply to the dot would be the wrong one."""
    delivery = Delivery(pool, Client())
    await delivery.offer([MAIL, RCPT, DATA])
    await delivery.write(b"x\r\n")
    spoke = asyncio.Event()
    delivery._connection._wake = spoke.set
    sink.connections[0].transport.write(b"250 2.0.0 Ok: queued as early\r\n")
    await spoke.wait()
    with pytest.raises(Deferral) as deferral:
        await delivery.commit()
    assert not deferral.value.outcome_unknown
    delivery.abort()
    await sink.connections[0].ended.wait()
    assert sink.messages == []
