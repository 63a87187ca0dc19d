"""The decision is a pure function."""

import pytest

from gateway.decide.verdict import decide
from gateway.message.envelope import Envelope, ReversePath
from gateway.message.policy import Policy
from gateway.message.verdict import Action, Finding

STRICT = Policy("strict", ("gtube",))
FOUND = Finding("gtube", "gtube")
ENVELOPE = Envelope(ReversePath(b"a@x.test"))
NULL = Envelope(ReversePath(b""))


def test_decide_nothing_found_passes():
    """Gate 2 has the word."""
    verdict = decide([], STRICT, ENVELOPE)
    assert (verdict.action, verdict.reply) == (Action.PASS, None)


def test_decide_gtube_is_rejected():
    """With the text of the table."""
    verdict = decide([FOUND], STRICT, ENVELOPE)
    assert verdict.action is Action.REJECT
    assert verdict.reply.wire() == b"550 5.7.1 Message content rejected\r\n"
    assert verdict.findings == (FOUND,)


def test_decide_null_reverse_path_is_never_rejected():
    """There is nobody to tell."""
    verdict = decide([FOUND], STRICT, NULL)
    assert verdict.action is Action.DEFER
    assert verdict.reply.wire() == b"451 4.7.1 Message content not accepted now\r\n"


def test_decide_finding_of_another_policy_does_not_count():
    """Only the checks of the policy do."""
    assert decide([FOUND], Policy("default"), ENVELOPE).action is Action.PASS


def test_decide_unknown_reason_is_a_bug():
    """It defers the message, as all bugs do."""
    with pytest.raises(KeyError):
        decide([FOUND, Finding("gtube", "nonesuch")], STRICT, ENVELOPE)
