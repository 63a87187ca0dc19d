"""What gate 1 would say, and the policy it would choose."""

import pytest

from gateway.explain.gate1 import Gate1
from tests.configurations import configure

from .conftest import SITE, sent


def outcomes(steps):
    """Give the outcomes of steps."""
    return [step.outcome for step in steps]


@pytest.mark.parametrize(
    ("told", "last"),
    [
        ({}, "not listed"),
        ({"reverse_path": ""}, "the null sender is always taken"),
        ({"reverse_path": "a@spam.example"}, "554 5.7.1 Sender address rejected: Access denied"),
        ({"reverse_path": "a@localhost"}, "504 5.5.2 need fully-qualified address"),
        ({"reverse_path": "a\x07@x.test"}, "501 5.1.7 Bad address syntax"),
        ({"listener": "inside"}, "554 5.7.1 Client host rejected: Access denied"),
        ({"listener": "inside", "client": "10.20.0.9"}, "may relay"),
        ({"listener": "partner", "client": "10.20.0.9", "reverse_path": "a@spam.example"}, "may relay"),
        ({"listener": "submission"}, "may relay, once logged in"),
    ],
)
def test_client_and_sender(site, told, last):
    """Strangers meet the blacklist, trusted clients do not; an inside listener takes nobody else."""
    assert outcomes(Gate1(site, sent(**told)).connect())[-1] == last


@pytest.mark.parametrize(
    ("recipient", "told", "last"),
    [
        ("anna@example.test", {}, "not listed"),
        ("Anna+x@Example.test", {}, "not listed"),
        ("nobody@example.test", {}, "550 5.1.1 User unknown"),
        ("any@corp.test", {}, "not listed"),
        ("x@ask.test", {}, "the next hop would be asked for the recipient"),
        ("postmaster@mx.example.test", {}, "not listed"),
        ("old@example.test", {}, "not listed"),
        ("x@else.test", {}, "554 5.7.1 Relay access denied"),
        (
            "x@else.test",
            {"listener": "partner", "client": "10.20.0.9"},
            "of another site, relayed for a trusted client",
        ),
        ("x@else.test", {"listener": "submission"}, "of another site, relayed for a trusted client"),
        ("nobody@example.test", {"listener": "inside", "client": "10.20.0.9"}, "550 5.1.1 User unknown"),
    ],
)
def test_recipient(site, recipient, told, last):
    """Only our own, known ones, but for clients that may relay."""
    gate = Gate1(site, sent(recipient, **told), lambda *_: None)
    assert outcomes(gate.recipient(recipient))[-1] == last


def test_listed_client_is_refused(site):
    """By the blocklist's answer; a trusted one is not even asked about."""
    asked = []

    def listed(entry, message):
        asked.append((entry, str(message.client)))
        return "127.0.0.2"

    steps = list(Gate1(site, sent(), listed).recipient("anna@example.test"))
    assert (steps[-1].outcome, steps[-1].why, steps[-1].ends) == ("554 5.7.1 Client host blocked", "127.0.0.2", True)
    list(Gate1(site, sent(client="10.20.0.9", listener="partner"), listed).recipient("anna@example.test"))
    assert asked == [("bl.example.test=127.0.0.[2..4]", "192.0.2.7")]


@pytest.mark.parametrize(
    ("recipient", "told", "policy"),
    [
        ("anna@example.test", {}, "strict"),
        ("x@corp.test", {}, "default"),
        ("all@lists.test", {}, "lenient"),
        ("anna@example.test", {"content": b"X-Away: 1\r\n\r\n"}, "away"),
        ("anna@example.test", {"listener": "partner"}, "lenient"),
        ("anna@example.test", {"listener": "partner", "content": b"X-Away: 1\r\n\r\n"}, "away"),
        ("anna@example.test", {"listener": "inside"}, "none"),
        ("x@else.test", {"reverse_path": "anna@example.test"}, "strict"),
        ("x@else.test", {"reverse_path": "s@far.example"}, "default"),
        ("x@corp.test", {"reverse_path": "anna@example.test"}, "default"),
    ],
)
def test_policy(site, recipient, told, policy):
    """FILTER, listener, recipient's domain, sender's domain for mail to others, default: in this order."""
    gate = Gate1(site, sent(recipient, **told))
    list(gate.message(1))
    assert gate.policy(recipient)[0] == policy


def test_patterns_are_asked_of_known_recipients_before_blocklists(site):
    """One who is refused decides nothing; what the client is listed for comes last."""
    gate = Gate1(site, sent(reverse_path="friend@far.example"), lambda *_: "127.0.0.2")
    assert outcomes(gate.recipient("nobody@example.test")) == ["550 5.1.1 User unknown"]
    assert gate.patterns.policy is None
    assert outcomes(gate.recipient("anna@example.test")) == ["known", "filter:none", "554 5.7.1 Client host blocked"]


def test_null_sender_has_one_recipient(site):
    """Reports have one; reject_multi_recipient_bounce."""
    message = sent(reverse_path="")
    assert outcomes(Gate1(site, message).message(2)) == ["550 5.5.3 Multi-recipient bounce"]
    assert outcomes(Gate1(site, message).message(1)) == []


@pytest.mark.parametrize(
    ("recipient", "last"),
    [
        ("anna@example.test", "known"),
        ("ida@example.test", "not asked: taken if it has the recipient, else 550 5.1.1 User unknown"),
        (
            "x@else.test",
            "not asked: taken if it has the recipient; if it does not have else.test, 554 5.7.1 Relay access denied",
        ),
    ],
)
def test_directory_is_said_not_to_be_asked(tmp_path, recipient, last):
    """What the file does not know may be in the tables, and nothing is claimed of it."""
    site = configure(tmp_path, SITE + '[directory]\nurl = "sqlite:///mail"\n')
    assert outcomes(Gate1(site, sent(recipient), lambda *_: None).recipient(recipient))[-2:] == [last, "not listed"]
