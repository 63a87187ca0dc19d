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
    ("recipient", "told", "filter_action", "policy"),
    [
        ("anna@example.test", {}, None, "strict"),
        ("x@corp.test", {}, None, "default"),
        ("all@lists.test", {}, None, "lenient"),
        ("anna@example.test", {}, "away", "away"),
        ("anna@example.test", {"listener": "partner"}, None, "lenient"),
        ("anna@example.test", {"listener": "partner"}, "away", "away"),
        ("anna@example.test", {"listener": "inside"}, None, "none"),
        ("x@else.test", {"reverse_path": "anna@example.test"}, None, "strict"),
        ("x@else.test", {"reverse_path": "s@far.example"}, None, "default"),
        ("x@corp.test", {"reverse_path": "anna@example.test"}, None, "default"),
    ],
)
def test_policy(site, recipient, told, filter_action, policy):
    """FILTER, listener, recipient's domain, sender's domain for mail to others, default: in this order."""
    assert Gate1(site, sent(recipient, **told)).policy(recipient, filter_action)[0] == policy


def test_patterns_are_met_in_postfix_order(site):
    """Envelope, header, body; one for each line."""
    message = sent(reverse_path="Friend@far.example", content=b"X-Away: 1\r\nX-Refuse: 1\r\n\r\nx\r\nhop please\r\n")
    assert [(match, rule.action) for match, rule in Gate1(site, message).patterns()] == [
        ("sender", "filter:none"),
        ("header", "filter:away"),
        ("header", "reject"),
        ("body", "filter:hop"),
    ]


@pytest.mark.parametrize(
    ("recipient", "last"),
    [
        ("anna@example.test", "not listed"),
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
    assert outcomes(Gate1(site, sent(recipient), lambda *_: None).recipient(recipient))[-1] == last
