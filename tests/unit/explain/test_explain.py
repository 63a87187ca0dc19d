"""The whole story of a message."""

import pytest

from gateway.explain.explain import explain
from tests.configurations import configure

from .conftest import CLEAN, SITE, SPAM, sent


async def story(site, message, **options):
    """Explain without asking anybody."""
    return await explain(site, message, assumed={}, **options)


@pytest.mark.parametrize(
    ("recipient", "told", "policy", "verdict", "hops"),
    [
        ("anna@example.test", {}, "strict", "pass", ["Maildir of anna@example.test"]),
        ("anna@example.test", {"content": SPAM}, "strict", "hold", []),
        (
            "anna@example.test",
            {"content": SPAM, "client": "10.20.0.9", "listener": "partner"},
            "lenient",
            "tag",
            ["Maildir of anna@example.test"],
        ),
        ("x@corp.test", {"content": SPAM}, "default", "pass", ["[192.0.2.25]:25"]),
        ("anna@example.test", {"content": b"X-Away: 1\r\n" + SPAM}, "away", "redirect", ["[192.0.2.25]:25"]),
        ("anna@example.test", {"content": SPAM + b"hop please\r\n"}, "hop", "redirect", ["[192.0.2.99]:25"]),
        (
            "anna@example.test",
            {"content": SPAM, "reverse_path": "friend@far.example"},
            "none",
            "pass",
            ["Maildir of anna@example.test"],
        ),
        (
            "x@else.test",
            {"client": "10.20.0.9", "listener": "inside", "content": SPAM},
            "none",
            "pass",
            ["MX of else.test"],
        ),
    ],
)
async def test_fate_of_one_recipient(site, recipient, told, policy, verdict, hops):
    """Policy, verdict, next hops."""
    [fate] = (await story(site, sent(recipient, **told))).fates
    assert (fate.policy, fate.verdict, fate.next_hops) == (policy, verdict, hops)


@pytest.mark.parametrize(("body", "masqueraded"), [(b"", ["s@far.example"]), (b"hop please\r\n", [])])
async def test_sender_is_masqueraded_but_by_a_door(tmp_path, body, masqueraded):
    """A redirect to a next hop leaves by one, where gate 2 maps no address (receive_override_options)."""
    site = configure(tmp_path, SITE + '[masquerade]\ndomains = ["far.example"]\n')
    [fate] = (await story(site, sent("x@corp.test", content=SPAM + body, reverse_path="s@web.far.example"))).fates
    assert [step.outcome for step in fate.steps if step.what == "masquerade"] == masqueraded


async def test_inside_mail_is_rejected_where_outside_mail_is_held(site):
    """By the policy's default for the direction."""
    message = sent("x@else.test", content=SPAM, reverse_path="a@example.test", client="10.20.0.9", listener="partner")
    site.settings.listen["partner"].__dict__["policy"] = None
    [fate] = (await story(site, message)).fates
    assert (fate.policy, fate.verdict) == ("strict", "reject")
    assert fate.steps[-1].why == "550 5.7.1 Message content rejected"


async def test_recipients_of_different_policies_have_fates_of_their_own(site):
    """One message, three domains, one unknown user."""
    told = await story(
        site, sent("anna@example.test", "all@lists.test", "x@corp.test", "no@corp.example", content=SPAM)
    )
    assert [(fate.policy, fate.verdict) for fate in told.fates] == [
        ("strict", "hold"),
        ("lenient", "tag"),
        ("default", "pass"),
        ("", ""),
    ]
    assert told.edits == {"lenient": ["@@ header, octet 13 @@", "+X-Spam-Flag: YES"], "default": []}
    assert told.content["default"] == SPAM


async def test_refused_message_has_no_fate(site):
    """Neither by the sender list nor by a pattern does it come to a policy."""
    for message in (sent(reverse_path="a@spam.example"), sent(content=b"X-Refuse: 1\r\n" + CLEAN)):
        told = await story(site, message)
        assert told.refused
        assert [fate.policy for fate in told.fates] == [""]


RECIPIENT_PATTERNS = """
[[patterns]]
match = "recipient"
pattern = '^(bob|nobody)@'
action = "reject"
[[patterns]]
match = "recipient"
pattern = '^sales@'
action = "hold"
[[patterns]]
match = "recipient"
pattern = '^gone@'
action = "filter:none"
"""


async def test_pattern_refuses_its_recipient_alone(tmp_path):
    """The others get the message, by the policy they would have; one who is refused before decides nothing."""
    site = configure(tmp_path, SITE + RECIPIENT_PATTERNS)
    told = await story(site, sent("bob@example.test", "gone@example.test", "anna@example.test"))
    assert not told.refused
    assert [(fate.policy, fate.verdict, fate.ended) for fate in told.fates] == [
        ("", "", True),
        ("", "", True),
        ("strict", "pass", False),
    ]
    assert told.fates[0].steps[-1].outcome == "554 5.7.1 Recipient address rejected: Access denied"


async def test_held_message_goes_no_further(tmp_path):
    """For none of its recipients, but it is told which policy waits for each."""
    site = configure(tmp_path, SITE + RECIPIENT_PATTERNS)
    told = await story(site, sent("x@corp.test", "sales@example.test", "bob@example.test", content=SPAM))
    assert not told.refused
    assert [(fate.policy, fate.verdict, fate.ended, fate.next_hops) for fate in told.fates] == [
        ("default", "hold", True, []),
        ("strict", "hold", True, []),
        ("", "", True, []),
    ]
    assert told.fates[0].steps[-1].outcome == "250 2.0.0 Ok: queued, on hold"
    refused = await story(site, sent("sales@example.test", content=b"X-Refuse: 1\r\n" + CLEAN))
    assert (refused.refused, refused.fates[0].verdict) == (True, "")


async def test_unknown_listener_is_said(site):
    """With those there are."""
    with pytest.raises(LookupError, match="no listener moon; there are outside, inside, partner"):
        await story(site, sent(listener="moon"))
