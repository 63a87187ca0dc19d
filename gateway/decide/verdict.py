"""The decision on a message: what its findings mean under its policy."""

from collections.abc import Sequence

from gateway.decide.replies import REJECTED_NULL, REPLIES
from gateway.message.envelope import Envelope
from gateway.message.policy import Policy
from gateway.message.verdict import Action, Finding, Verdict


def decide(findings: Sequence[Finding], policy: Policy, envelope: Envelope) -> Verdict:
    """
    Give the verdict on a message.

    Args:
        findings: What the checks of *policy* reported, in any order; empty passes the message.
        policy: The policy the message is under; only findings of its own checks count.
        envelope: A null reverse-path turns a rejection into a deferral.

    Returns:
        The verdict, with the reply gate 1 gets unless it is to pass.

    Raises:
        KeyError: a check reported a reason that is not in the table: a bug, which defers the message.
    """
    counted = tuple(finding for finding in findings if finding.check in policy.checks)
    if not counted:
        return Verdict(Action.PASS)
    gravity = list(REPLIES)
    worst = min(counted, key=lambda finding: gravity.index(finding.reason) if finding.reason in REPLIES else -1)
    reply = REPLIES[worst.reason]
    if reply.severity == 5 and envelope.reverse_path.is_null:
        return Verdict(Action.DEFER, REJECTED_NULL, counted)
    return Verdict(Action.REJECT if reply.severity == 5 else Action.DEFER, reply, counted)
