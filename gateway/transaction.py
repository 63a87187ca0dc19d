"""
THE PATH: one message from gate 1 to gate 2, accept → check → decide → forward.

Every way out of it answers gate 1 exactly once and writes one line to the log.  Until the dot goes to gate 2, doubt
is answered 4xx and gate 2 gets no dot; afterwards gate 2's word is the answer, and when that does not come, 4xx.

Nothing cancels it but the end of the worker's drain: that gate 1 closes is noticed when it is next read or written.
"""

import asyncio
import logging
from collections.abc import Mapping

from gateway.accept.incoming import Incoming
from gateway.check.registry import start
from gateway.decide.verdict import decide
from gateway.forward.delivery import Delivery
from gateway.forward.pool import Pool
from gateway.message.failure import Abandoned, Deferral, PeerLost, Refusal
from gateway.message.policy import Policy
from gateway.message.reply import Reply, own_fault
from gateway.trace.line import Line

log = logging.getLogger(__name__)

UNKNOWN_POLICY = own_fault(451, "4.3.0", "unknown policy")
INTERNAL_ERROR = own_fault(451, "4.3.0", "internal error")


async def carry(incoming: Incoming, pool: Pool, policies: Mapping[str, Policy]) -> None:
    """
    Take a message over from gate 1, or see to it that gate 1 keeps it.

    Args:
        incoming: A transaction whose MAIL has been read and not answered.
        pool: Connections to gate 2.
        policies: By the name gate 1 may ask for.
    """
    line = Line(incoming.waited_s)
    delivery = Delivery(pool, incoming.client)
    try:
        line.reply = await _pass_through(incoming, delivery, policies, line)
        await incoming.finish(line.reply)
        if incoming.gone:
            line.cause = "gate 1 closed before it had the reply"
    except Refusal as refusal:
        line.end("unknown" if refusal.outcome_unknown else "", refusal.cause, refusal.reply)
        delivery.abort()
        await incoming.finish(refusal.reply)
    except Abandoned as abandoned:
        line.end("abandoned", abandoned.cause, abandoned.reply)
    except PeerLost as lost:
        line.end("lost", lost.cause)
        raise
    except asyncio.CancelledError:
        line.end("unknown" if delivery.committed else "lost", "cut off at the end of the drain")
        raise
    except Exception as bug:
        log.exception("transaction failed", extra={"fields": {"pre": incoming.client.queue_id_pre}})
        line.end("unknown" if delivery.committed else "", f"bug: {bug!r}", INTERNAL_ERROR)
        delivery.abort()
        await incoming.finish(INTERNAL_ERROR)
    finally:
        delivery.abort()
        line.write(incoming)


async def _pass_through(incoming: Incoming, delivery: Delivery, policies: Mapping[str, Policy], line: Line) -> Reply:
    """Tell the story of a message that nothing befalls; give the reply to its dot."""
    policy = policies.get(incoming.policy)
    if policy is None:
        raise Deferral(UNKNOWN_POLICY, cause=f"unknown policy {incoming.policy}")
    checks = start(policy.checks)

    while group := await incoming.next_group():
        incoming.answer(await delivery.offer(group))
    line.stage("envelope")

    while chunk := await incoming.next_chunk():
        content = chunk.content if checks else b""  # made once, and only when somebody looks
        for check in checks:
            check.feed(content)
        await delivery.write(chunk.wire)
    findings = [finding for check in checks for finding in check.finish()]
    line.stage("content")

    verdict = decide(findings, policy, incoming.envelope)
    line.verdict = verdict
    if verdict.reply is not None:
        return verdict.reply
    if incoming.gone:
        raise PeerLost("gate 1 closed before the verdict")
    reply = await delivery.commit()
    line.stage("commit")
    return reply
