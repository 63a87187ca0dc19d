"""Findings and verdicts."""

from gateway.message.verdict import ERROR, GRAVITY, Action, Finding, Outcome, Report, Verdict


def test_verdict_pass_has_no_reply():
    """Gate 2 has the word on what passes."""
    assert Verdict(Outcome(Action.PASS)).reply is None
    assert Verdict(Outcome(Action.REDIRECT, "a@x.test")).action is Action.REDIRECT
    assert Action.PASS.value == "pass"


def test_gravity_is_the_order_of_what_is_done():
    """Worst wins: discard over all, and defer over hold."""
    assert [action.value for action in sorted(GRAVITY, key=GRAVITY.__getitem__)] == [
        *("pass", "tag", "redirect", "hold", "defer", "reject", "discard")
    ]


def test_key_is_the_name_that_verdicts_have_for_it():
    """The detail is no part of it."""
    assert Finding("attachments", "executable", "a.exe").key == "attachments.executable"
    assert Finding("command:own", ERROR).key == "command:own.error"


def test_report_is_empty_unless_it_says_something():
    """Nothing found, nothing to change, the content as it was."""
    assert (Report().findings, Report().splices, Report().content) == ((), (), None)
