"""
The yard proper: a message that is looked into, from its first octet of content to the verdict carried out.

    collect → run checks → decide → hold | write what is left of it after edits | nothing

The content is whole before any check begins, and gate 2 gets none of it before the verdict.

Where a policy has no checks, but there are lists or signing keys, envelope and header section tell whether one of
them concerns the message: look_ahead() reads no further than that, and what concerns none streams on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from gateway.accept.incoming import Incoming
from gateway.check.base import LARGE
from gateway.check.registry import Configured
from gateway.check.run import run
from gateway.decide.verdict import decide, tags
from gateway.edit.plan import NOTHING_STANDING, Standing, plan
from gateway.forward.delivery import Delivery
from gateway.forward.pool import Pool
from gateway.forward.redirect import redirect
from gateway.message.content import Chunk, Stuffing
from gateway.message.edit import Splice, apply
from gateway.message.envelope import Client
from gateway.message.failure import PeerLost
from gateway.message.header import read_header
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.reply import Reply
from gateway.message.spool import Spool
from gateway.message.verdict import Action, Report, Verdict
from gateway.quarantine.store import Quarantine
from gateway.trace.line import Line

MAX_AHEAD = 262_144  # octets of a header section; a message with a longer one is kept whole


@dataclass(frozen=True)
class Means:
    """What all transactions under the same settings share."""

    pool: Pool  # connections to gate 2
    limit_s: float  # seconds until the dot must have been sent to gate 2
    policies: Mapping[str, Policy]  # by the name gate 1 may ask for
    checks: Mapping[str, Configured] = field(default_factory=dict)  # by the name policies have for them
    doors: Mapping[str, Pool] = field(default_factory=dict)  # next hop of a redirect -> gate 2's door to it
    inside: tuple[IPv4Network | IPv6Network, ...] = ()  # networks whose clients may relay
    quarantine: Quarantine | None = None
    standing: Standing = NOTHING_STANDING  # edits whatever the policy

    def from_inside(self, client: Client) -> bool:
        """Tell whether a client may relay."""
        address = client.address
        return address is not None and any(address in network for network in self.inside)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found out about a message before anything was done with it."""

    mail: MailObject  # as editing checks left it
    verdict: Verdict
    splices: Sequence[Splice] = ()  # edits of its content, if it is to leave


async def judge(mail: MailObject, policy: Policy, means: Means) -> Judged:
    """Run the checks of a policy, decide, and plan the edits; `gateway explain` asks here too."""
    mail, reports = await run([means.checks[name] for name in policy.checks], mail)
    findings = [finding for report in reports for finding in report.findings]
    verdict = decide(findings, policy, inside=mail.inside, null_sender=mail.envelope.reverse_path.is_null)
    if verdict.reply is not None or verdict.action is Action.HOLD:
        return Judged(mail, verdict)
    tagged = tags(verdict, policy, inside=mail.inside)
    return Judged(mail, verdict, await _edits(mail, policy, reports, means.standing, tagged=tagged))


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
        judged = await judge(mail, policy, means)
        line.stage("checks")
        verdict = judged.verdict
        if verdict.action is Action.HOLD:
            return delivery, await _hold(incoming, mail, verdict, means)
        if verdict.reply is not None:
            return delivery, verdict
        if verdict.action is Action.REDIRECT:
            delivery.abort()
            delivery = await _redirect(mail, verdict.outcome.target, means)
        try:
            await _write(delivery, judged)
        except BaseException:
            delivery.abort()
            raise
        line.stage("write")
        return delivery, verdict


async def _hold(incoming: Incoming, mail: MailObject, verdict: Verdict, means: Means) -> Verdict:
    if incoming.gone:
        raise PeerLost("gate 1 closed before the message was held")
    if means.quarantine is None:
        raise RuntimeError("a message to hold and no quarantine")
    held = await means.quarantine.hold(mail, verdict)
    return Verdict(verdict.outcome, Reply.of(f"250 2.0.0 Held as {held}"), verdict.findings)


async def _redirect(mail: MailObject, target: str, means: Means) -> Delivery:
    if target in means.doors:
        return await redirect(means.doors[target], mail.client, mail.envelope, None)
    return await redirect(means.pool, mail.client, mail.envelope, target.encode("ascii"))


async def _edits(
    mail: MailObject, policy: Policy, reports: Sequence[Report], standing: Standing, *, tagged: bool
) -> list[Splice]:
    """Plan the edits, in a thread where it takes long: for a long message, or when it may be signed."""
    if len(mail.content) < LARGE and standing.signer is None:
        return plan(mail, policy, reports, standing, tagged=tagged)
    return await asyncio.to_thread(plan, mail, policy, reports, standing, tagged=tagged)


async def _write(delivery: Delivery, judged: Judged) -> None:
    """Send the content with its edits made, all but the dot."""
    stuffing = Stuffing()
    for octets in apply(judged.mail.content, judged.splices):
        await delivery.write(stuffing.wire(octets))
    if missing := stuffing.end():
        await delivery.write(missing)
