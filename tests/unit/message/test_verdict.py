"""Verdicts."""

from gateway.message.verdict import Action, Verdict


def test_verdict_pass_has_no_reply():
    """Gate 2 has the word on what passes."""
    assert Verdict(Action.PASS).reply is None
    assert Action.PASS.value == "pass"
