"""Policies."""

from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Outcome


def test_policy_without_checks_is_empty():
    """A policy need not check anything."""
    assert Policy("default").checks == ()


def test_policy_by_default_holds_from_outside_and_rejects_from_inside():
    """A 5xx after the queue tells a sender from outside, mostly a forged one."""
    assert Policy("default").outside == Judgement(Outcome(Action.HOLD))
    assert Policy("default").inside == Judgement(Outcome(Action.REJECT))


def test_targets_are_those_of_both_directions():
    """Defaults and verdicts."""
    away, door = Outcome(Action.REDIRECT, "a@x.test"), Outcome(Action.REDIRECT, "[192.0.2.1]:25")
    policy = Policy("x", ("gtube",), Judgement(away, {"gtube": Outcome(Action.HOLD)}), Judgement(away, {"gtube": door}))
    assert list(policy.targets()) == ["a@x.test", "a@x.test", "[192.0.2.1]:25"]
