"""
What is found out about a message before anything is done with it: checks → verdict → edits.

search.py asks here for each message that is looked into, and `gateway explain` for one that nobody has sent.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from gateway.check.base import LARGE
from gateway.check.registry import Configured
from gateway.check.run import run
from gateway.decide.verdict import decide, tags
from gateway.edit.plan import NOTHING_STANDING, Standing, plan
from gateway.forward.pool import Pool
from gateway.message.edit import Splice
from gateway.message.envelope import Client
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.strikes import Strikes
from gateway.message.verdict import Report, Verdict
from gateway.quarantine.store import Quarantine


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
    strikes: Strikes = field(default_factory=Strikes)

    def from_inside(self, client: Client) -> bool:
        """Tell whether a client may relay: by its address, or because it has logged in."""
        if client.logged_in:
            return True
        address = client.address
        return address is not None and any(address in network for network in self.inside)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found out about a message before anything was done with it."""

    mail: MailObject  # as editing checks left it
    verdict: Verdict
    bug: bool = False  # of ours, in one of the checks
    splices: Sequence[Splice] = ()  # edits of its content, if it is to leave, now or when it is released


async def judge(mail: MailObject, policy: Policy, means: Means) -> Judged:
    """
    Run the checks of a policy, decide, and plan the edits; `gateway explain` asks here too.

    What is held has its edits too: when it is released, it must not leave with what a stranger forged in our name.
    """
    mail, reports = await run([means.checks[name] for name in policy.checks], mail)
    bug = any(report.bug for report in reports)
    findings = [finding for report in reports for finding in report.findings]
    verdict = decide(findings, policy, inside=mail.inside, null_sender=mail.envelope.reverse_path.is_null)
    if verdict.reply is not None:
        return Judged(mail, verdict, bug)
    tagged = tags(verdict, policy, inside=mail.inside)
    return Judged(mail, verdict, bug, await _edits(mail, policy, reports, means.standing, tagged=tagged))


async def _edits(
    mail: MailObject, policy: Policy, reports: Sequence[Report], standing: Standing, *, tagged: bool
) -> list[Splice]:
    """Plan the edits, in a thread where it takes long: for a long message, or when it may be signed."""
    if len(mail.content) < LARGE and standing.signer is None:
        return plan(mail, policy, reports, standing, tagged=tagged)
    return await asyncio.to_thread(plan, mail, policy, reports, standing, tagged=tagged)
