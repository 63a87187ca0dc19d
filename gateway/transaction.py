"""
THE PATH: one message from gate 1 to gate 2, accept → check → decide → edit → forward | quarantine.

Every way out of it answers gate 1 exactly once and writes one line to the log.  Until the dot goes to gate 2, doubt
is answered 4xx and gate 2 gets no dot; afterwards gate 2's word is the answer, and when that does not come, 4xx.
Its time runs out before the dot only, and nothing else but the end of the drain cuts it off, not even gate 1's going.

A message that nobody looks into or edits is passed on while it arrives; any other is kept whole until its verdict.
"""

import asyncio
import logging

from gateway.accept.incoming import Incoming
from gateway.forward.delivery import Delivery
from gateway.judge import Means
from gateway.message.failure import Abandoned, Deferral, PeerLost, Refusal
from gateway.message.reply import own_fault
from gateway.message.verdict import Verdict
from gateway.search import look_ahead, search
from gateway.trace.line import Line

log = logging.getLogger(__name__)

UNKNOWN_POLICY = own_fault(451, "4.3.0", "unknown policy")
TOO_LONG = own_fault(451, "4.4.7", "transaction took too long")
INTERNAL_ERROR = own_fault(451, "4.3.0", "internal error")


async def carry(incoming: Incoming, means: Means) -> None:
    """
    Take a message over from gate 1, or see to it that gate 1 keeps it.

    Args:
        incoming: A transaction whose MAIL has been read and not answered.
        means: What all transactions under the same settings share.
    """
    line = Line(incoming.waited_s)
    delivery = Delivery(means.pool, incoming.client)
    try:
        async with asyncio.timeout(means.limit_s):
            delivery, line.verdict = await _take(incoming, delivery, means, line)
        if line.verdict.reply is None and incoming.gone:
            raise PeerLost("gate 1 closed before the verdict")
        line.reply = line.verdict.reply or await delivery.commit()
        line.stage("commit")
        await incoming.finish(line.reply)
        if incoming.gone:
            line.cause = "gate 1 closed before it had the reply"
    except Abandoned as abandoned:
        line.end("abandoned", abandoned.cause, abandoned.reply)
    except PeerLost as lost:
        line.end("lost", lost.cause)
        raise
    except asyncio.CancelledError:
        line.end("unknown" if delivery.committed else "lost", "cut off at the end of the drain")
        raise
    except Exception as error:
        refusal = _refusal(error, incoming, means, committed=delivery.committed)
        line.end("unknown" if refusal.outcome_unknown else "", refusal.cause, refusal.reply)
        delivery.abort()
        await incoming.finish(refusal.reply)
    finally:
        delivery.abort()
        line.write(incoming)


async def _take(incoming: Incoming, delivery: Delivery, means: Means, line: Line) -> tuple[Delivery, Verdict]:
    """Pass the envelope on, then the content, all but its dot; give the delivery that the dot belongs to."""
    policy = means.policies.get(incoming.policy)
    if policy is None:
        raise Deferral(UNKNOWN_POLICY, cause=f"unknown policy {incoming.policy}")
    while group := await incoming.next_group():
        incoming.answer(await delivery.offer(group))
    line.stage("envelope")
    ahead = await look_ahead(incoming, means, policy)
    if ahead.whole:
        return await search(incoming, ahead, delivery, means, policy, line)
    for read in ahead.chunks:
        await delivery.write(read.wire)
    while chunk := await incoming.next_chunk():
        await delivery.write(chunk.wire)
    line.stage("content")
    return delivery, Verdict.passed()


def _refusal(error: Exception, incoming: Incoming, means: Means, *, committed: bool) -> Refusal:
    """Tell what gate 1 hears of *error*, which is being handled."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TimeoutError) and not committed:
        return Deferral(TOO_LONG, cause="out of time")
    means.strikes.add(incoming.client.queue_id_pre)
    log.exception("transaction failed", extra={"fields": {"pre": incoming.client.queue_id_pre}})
    return Deferral(INTERNAL_ERROR, cause=f"bug: {type(error).__name__}", outcome_unknown=committed)
