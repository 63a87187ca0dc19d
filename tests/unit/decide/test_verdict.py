"""The decision is a pure function: worst wins, whatever the order, and everything has an outcome."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decide.replies import REASONS
from gateway.decide.verdict import decide, outcome, tags
from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import ERROR, GRAVITY, Action, Finding, Outcome

CHECKS = ("headers", "attachments", "clamav", "command:own")
HOLD, REJECT, PASS = Outcome(Action.HOLD), Outcome(Action.REJECT), Outcome(Action.PASS)
STRICT = Policy("strict", ("gtube",))
FOUND = Finding("gtube", "gtube")

outcomes = st.sampled_from(
    [Outcome(action) for action in Action if action is not Action.REDIRECT]
    + [Outcome(Action.REDIRECT, "spam@x.test"), Outcome(Action.REDIRECT, "[192.0.2.1]:25")]
)
findings = st.builds(
    Finding, st.sampled_from(CHECKS), st.sampled_from([ERROR, "virus", "executable", "own-name"]), st.text(max_size=3)
)
keys = st.sampled_from([*CHECKS, *(f"{check}.{reason}" for check in CHECKS for reason in ("virus", "own-name"))])
judgements = st.builds(Judgement, outcomes, st.dictionaries(keys, outcomes))
policies = st.builds(
    Policy,
    st.just("x"),
    st.permutations(CHECKS).map(tuple),
    judgements,
    judgements,
    st.dictionaries(st.sampled_from(CHECKS), st.sampled_from([Action.DEFER, Action.PASS, Action.HOLD])),
)


def test_decide_nothing_found_passes():
    """Gate 2 has the word."""
    verdict = decide([], STRICT, inside=False, null_sender=False)
    assert (verdict.action, verdict.reply, verdict.findings) == (Action.PASS, None, ())


def test_decide_by_direction():
    """From outside gate 1's DSN would go to a forged sender, from inside its user is told."""
    held = decide([FOUND], STRICT, inside=False, null_sender=False)
    assert (held.outcome, held.reply, held.findings) == (HOLD, None, (FOUND,))
    rejected = decide([FOUND], STRICT, inside=True, null_sender=False)
    assert rejected.outcome == REJECT
    assert rejected.reply.wire() == b"550 5.7.1 Message content rejected\r\n"


def test_decide_rejection_of_a_null_reverse_path_holds():
    """There is nobody to tell, so a 5xx would be a loss; the quarantine has the message."""
    verdict = decide([FOUND], STRICT, inside=True, null_sender=True)
    assert (verdict.outcome, verdict.reply, verdict.findings) == (HOLD, None, (FOUND,))


@pytest.mark.parametrize("action", [action for action in Action if action not in (Action.REJECT, Action.REDIRECT)])
def test_decide_null_reverse_path_changes_nothing_else(action):
    """A DSN is discarded or deferred as any other message."""
    policy = Policy("x", ("gtube",), Judgement(Outcome(action)))
    assert decide([FOUND], policy, inside=False, null_sender=True).outcome == Outcome(action)


@pytest.mark.parametrize(
    ("action", "reply"),
    [
        (Action.PASS, None),
        (Action.TAG, None),
        (Action.HOLD, None),
        (Action.DEFER, b"451 4.7.1 Message content not accepted now"),
        (Action.REJECT, b"550 5.7.1 Message content rejected"),
        (Action.DISCARD, b"250 2.0.0 Discarded"),
    ],
)
def test_decide_each_action_has_its_reply(action, reply):
    """None where gate 2 or the quarantine has the word."""
    policy = Policy("x", ("gtube",), Judgement(Outcome(action)))
    verdict = decide([FOUND], policy, inside=False, null_sender=False)
    assert verdict.outcome == Outcome(action)
    assert (verdict.reply.text if verdict.reply else None) == reply


def test_decide_error_is_deferred_in_other_words():
    """It says that the message was not searched, not that something was found."""
    verdict = decide([Finding("clamav", ERROR)], STRICT, inside=True, null_sender=False)
    assert verdict.reply.wire() == b"451 4.7.1 Message content cannot be checked now\r\n"


@pytest.mark.parametrize("action", [Action.DEFER, Action.PASS, Action.HOLD])
def test_decide_error_follows_on_error_and_nothing_else(action):
    """Whatever the policy says of the check's findings."""
    policy = Policy(
        "x", ("clamav",), Judgement(REJECT, {"clamav": PASS, "clamav.error": REJECT}), on_error={"clamav": action}
    )
    assert decide([Finding("clamav", ERROR)], policy, inside=False, null_sender=False).action is action


def test_decide_reason_goes_before_check_and_that_before_the_default():
    """The nearest word counts, even a milder one."""
    policy = Policy("x", ("headers",), Judgement(HOLD, {"headers": REJECT, "headers.known-good": PASS}))
    assert outcome(Finding("headers", "known-good"), policy, inside=False) == PASS
    assert outcome(Finding("headers", "other"), policy, inside=False) == REJECT
    assert outcome(Finding("body", "known-good"), policy, inside=False) == HOLD


def test_decide_reply_is_that_of_the_worst_finding():
    """By its reason."""
    policy = Policy("x", ("headers", "clamav"), Judgement(HOLD, {"clamav": REJECT}))
    verdict = decide([Finding("headers", "spam"), Finding("clamav", "virus")], policy, inside=False, null_sender=False)
    assert verdict.reply == REASONS["virus"]
    assert verdict.findings == (Finding("clamav", "virus"), Finding("headers", "spam"))


def test_decide_of_two_redirects_the_first_check_of_the_policy_has_its_own():
    """Not whichever was ready first."""
    targets = {"headers": Outcome(Action.REDIRECT, "a@x.test"), "clamav": Outcome(Action.REDIRECT, "b@x.test")}
    found = [Finding("headers", "x"), Finding("clamav", "y")]
    for checks, target in ((("headers", "clamav"), "a@x.test"), (("clamav", "headers"), "b@x.test")):
        for order in (found, found[::-1]):
            verdict = decide(order, Policy("x", checks, Judgement(HOLD, targets)), inside=False, null_sender=False)
            assert verdict.outcome.target == target


@given(st.lists(findings, max_size=8), policies, st.booleans(), st.booleans())
def test_decide_worst_wins(found, policy, inside, null_sender):
    """No finding asks for more than is done, one asks for just that, and none is left out."""
    verdict = decide(found, policy, inside=inside, null_sender=null_sender)
    asked = [outcome(finding, policy, inside=inside) for finding in found]
    worst = max((GRAVITY[each.action] for each in asked), default=0)
    if null_sender and worst == GRAVITY[Action.REJECT]:
        assert verdict.outcome == HOLD
    else:
        assert GRAVITY[verdict.action] == worst
        assert verdict.outcome in (asked or [PASS])
    assert sorted(map(repr, verdict.findings)) == sorted(map(repr, found))


@given(st.lists(findings, max_size=5), policies, st.booleans(), st.booleans(), st.data())
def test_decide_order_of_findings_does_not_matter(found, policy, inside, null_sender, data):
    """Checks run side by side."""
    shuffled = data.draw(st.permutations(found))
    first, second = (decide(order, policy, inside=inside, null_sender=null_sender) for order in (found, shuffled))
    assert first == second
    assert tags(first, policy, inside=inside) == tags(second, policy, inside=inside)


@given(findings, policies, st.booleans())
def test_outcome_every_finding_has_one(finding, policy, inside):
    """Of the policy's own words, or the check's on_error; the other direction's never count."""
    found = outcome(finding, policy, inside=inside)
    if finding.reason == ERROR:
        assert found == Outcome(policy.on_error.get(finding.check, Action.DEFER))
    else:
        judgement = policy.inside if inside else policy.outside
        assert found in [judgement.default, *judgement.verdicts.values()]


@given(st.lists(findings, max_size=8), policies, st.booleans(), st.booleans())
def test_decide_reply_is_there_exactly_where_nobody_else_has_the_word(found, policy, inside, null_sender):
    """And its class is that of the action; <> never hears 5xx."""
    verdict = decide(found, policy, inside=inside, null_sender=null_sender)
    severity = {Action.DEFER: 4, Action.REJECT: 5, Action.DISCARD: 2}.get(verdict.action)
    assert (verdict.reply.severity if verdict.reply else None) == severity
    assert not (null_sender and verdict.action is Action.REJECT)


def test_decide_defer_goes_before_hold():
    """What is held must have been searched by all checks: a message whose scanner was down is tried again."""
    policy = Policy("x", ("headers", "clamav"))
    for order in itertools.permutations([Finding("headers", "x"), Finding("clamav", ERROR)]):
        assert decide(order, policy, inside=False, null_sender=False).action is Action.DEFER


def test_tags_any_finding_that_asks_is_enough():
    """A message that is redirected for another finding is tagged as well."""
    policy = Policy(
        "x", ("headers", "body"), Judgement(Outcome(Action.TAG), {"body": Outcome(Action.REDIRECT, "a@x.test")})
    )
    both = decide([Finding("body", "x"), Finding("headers", "y")], policy, inside=False, null_sender=False)
    assert (both.action, tags(both, policy, inside=False)) == (Action.REDIRECT, True)
    one = decide([Finding("body", "x")], policy, inside=False, null_sender=False)
    assert not tags(one, policy, inside=False)
