"""The decision on a message: what its findings mean under its policy.  Worst wins."""

from collections.abc import Sequence

from gateway.decide.replies import DEFERRED, DISCARDED, NOT_SEARCHED, REASONS, REJECTED
from gateway.message.policy import Policy
from gateway.message.reply import Reply
from gateway.message.verdict import ERROR, GRAVITY, TEMPFAIL, Action, Finding, Outcome, Verdict


def outcome(finding: Finding, policy: Policy, *, inside: bool) -> Outcome:
    """
    Give what a policy does about one finding.

    An error of the check follows its on_error; a wish to try again later is granted.  Else "check.reason" goes before
    "check", and that before the policy's default for the direction the message has.
    """
    if finding.reason == ERROR:
        return Outcome(policy.on_error.get(finding.check, Action.DEFER))
    if finding.reason == TEMPFAIL:
        return Outcome(Action.DEFER)
    judgement = policy.inside if inside else policy.outside
    verdicts = judgement.verdicts
    return verdicts.get(finding.key) or verdicts.get(finding.check) or judgement.default


def decide(findings: Sequence[Finding], policy: Policy, *, inside: bool, null_sender: bool) -> Verdict:
    """
    Give the verdict on a message.

    Args:
        findings: What the checks reported, in any order, which does not matter; empty passes the message.
        policy: The policy the message is under.
        inside: The message is from a client that may relay, or has authenticated.
        null_sender: A rejection holds instead: gate 1 could only drop the message, for there is nobody to tell.

    Returns:
        The verdict, with the reply gate 1 gets where neither gate 2 nor the quarantine has the word.
    """
    judged = sorted(
        ((outcome(finding, policy, inside=inside), finding) for finding in findings),
        key=lambda pair: _order(pair[0], pair[1], policy),
    )
    if not judged:
        return Verdict.passed()
    worst, finding = judged[0]
    if worst.action is Action.REJECT and null_sender:
        worst = Outcome(Action.HOLD)
    return Verdict(worst, _reply(worst.action, finding), tuple(finding for _, finding in judged))


def _order(outcome: Outcome, finding: Finding, policy: Policy) -> tuple[int, int, str, str, str]:
    """Sort by gravity, then as the policy names its checks, then by name: of two redirects one is meant."""
    checks = policy.checks
    place = checks.index(finding.check) if finding.check in checks else len(checks)
    return -GRAVITY[outcome.action], place, finding.check, finding.reason, finding.detail


def tags(verdict: Verdict, policy: Policy, *, inside: bool) -> bool:
    """Tell whether one of the findings asks for the policy's tag fields, whatever else is done with the message."""
    return any(outcome(finding, policy, inside=inside).action is Action.TAG for finding in verdict.findings)


def _reply(action: Action, finding: Finding) -> Reply | None:
    if action is Action.REJECT:
        return REASONS.get(finding.reason, REJECTED)
    if action is Action.DEFER:
        return NOT_SEARCHED if finding.reason == ERROR else DEFERRED
    return DISCARDED if action is Action.DISCARD else None
