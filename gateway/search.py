"""
The yard proper: a message that is looked into, from its first octet of content to the verdict carried out.

    collect → judge (judge.py) → hold | write what is left of it after edits | nothing

The content is whole before any check begins, and gate 2 gets none of it before the verdict.

Where a policy has no checks, but there are lists or signing keys, envelope and header section tell whether one of
them concerns the message: look_ahead() reads no further than that, and what concerns none streams on.

Log levels: ERROR a message held because a bug of ours met it too often.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.accept.incoming import Incoming
from gateway.forward.delivery import Delivery
from gateway.forward.redirect import redirect
from gateway.judge import Judged, Means, judge
from gateway.message.content import Chunk
from gateway.message.edit import apply
from gateway.message.failure import PeerLost
from gateway.message.header import read_header
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.reply import Reply
from gateway.message.spool import Spool
from gateway.message.verdict import Action, Finding, Outcome, Verdict
from gateway.trace.line import Line

log = logging.getLogger(__name__)

# On a message that met a bug of ours too often (message.strikes).
POISONED = Verdict(Outcome(Action.HOLD), None, (Finding("filter", "bug", "met again and again: not searched"),))
MAX_AHEAD = 262_144  # octets of a header section; a message with a longer one is kept whole


@dataclass(frozen=True)
class Ahead:
    """What was read of a message to find out what is to be done with it."""

    whole: bool  # it has to be kept whole
    chunks: Sequence[Chunk] = ()


async def look_ahead(incoming: Incoming, means: Means, policy: Policy) -> Ahead:
    """Read as much of a message as is needed to tell whether it may stream."""
    if policy.checks or not means.standing:
        return Ahead(bool(policy.checks))
    chunks: list[Chunk] = []
    content = bytearray()
    while len(content) <= MAX_AHEAD and (following := await incoming.next_chunk()):
        chunks.append(following)
        before = len(content)
        content += following.content
        if content.find(b"\r\n\r\n", max(before - 3, 0)) >= 0:
            break
    header = read_header(bytes(content))
    inside = means.from_inside(incoming.client)
    concerned = means.standing.concern(incoming.envelope, header, inside=inside)
    return Ahead(concerned or len(content) > MAX_AHEAD, chunks)


async def search(
    incoming: Incoming, ahead: Ahead, delivery: Delivery, means: Means, policy: Policy, line: Line
) -> tuple[Delivery, Verdict]:
    """
    Look into a message, and do all that its verdict wants but the dot.

    Args:
        incoming: A transaction whose DATA was answered 354.
        ahead: What was read of its content already.
        delivery: To gate 2, its DATA answered 354.
        means: Shared.
        policy: The one it is under.
        line: For the time each stage takes.

    Returns:
        The delivery to commit when the verdict has no reply, and the verdict.
    """
    with Spool() as spool:
        for read in ahead.chunks:
            spool.write(read.content)
        while chunk := await incoming.next_chunk():
            spool.write(chunk.content)
        line.stage("content")
        inside = means.from_inside(incoming.client)
        mail = MailObject(incoming.envelope, incoming.client, spool.buffer(), inside, policy.name)
        if means.quarantine is not None and means.strikes.out(mail.client.queue_id_pre):
            held = await _hold(incoming, Judged(mail, POISONED), means)
            log.error("held after too many bugs", extra={"fields": {"pre": mail.client.queue_id_pre}})
            return delivery, held
        judged = await judge(mail, policy, means)
        if judged.bug:
            means.strikes.add(mail.client.queue_id_pre)
        line.stage("checks")
        verdict = judged.verdict
        if verdict.action is Action.HOLD:
            return delivery, await _hold(incoming, judged, means)
        if verdict.reply is not None:
            return delivery, verdict
        if verdict.action is Action.REDIRECT:
            delivery.abort()
            delivery = await _redirect(mail, verdict.outcome.target, means)
        try:
            await delivery.write_content(apply(judged.mail.content, judged.splices))
        except BaseException:
            delivery.abort()
            raise
        line.stage("write")
        return delivery, verdict


async def _hold(incoming: Incoming, judged: Judged, means: Means) -> Verdict:
    if incoming.gone:
        raise PeerLost("gate 1 closed before the message was held")
    if means.quarantine is None:
        raise RuntimeError("a message to hold and no quarantine")
    held = await means.quarantine.hold(judged.mail, judged.verdict, judged.splices)
    return Verdict(judged.verdict.outcome, Reply.of(f"250 2.0.0 Held as {held}"), judged.verdict.findings)


async def _redirect(mail: MailObject, target: str, means: Means) -> Delivery:
    if target in means.doors:
        return await redirect(means.doors[target], mail.client, mail.envelope, None)
    return await redirect(means.pool, mail.client, mail.envelope, target.encode("ascii"))
