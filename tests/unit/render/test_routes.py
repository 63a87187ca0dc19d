"""Transports of gate 1 by policy, and gate 2's doors for redirects."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gateway.render.routes import Entry, doors, hop, patterns, recipient_routes, sender_routes, transport
from gateway.settings.grammar import SocketAddress
from tests.configurations import configure, minimal

SCAN = "[198.18.25.36]:10025"
DIRECT = "direct:[198.18.25.101]:10026"
STRICT = '[policies.strict]\nchecks = ["gtube"]\n'


def given(tmp_path, text):
    """Return settings and topology of a file."""
    configuration = configure(tmp_path, text)
    return configuration.settings, configuration.topology


def pattern(text, action, match="header"):
    """Write a [[patterns]] table."""
    return f'[[patterns]]\nmatch = "{match}"\npattern = \'{text}\'\naction = "{action}"\n'


def test_hop_puts_the_address_in_brackets():
    """Brackets mean: no MX lookup."""
    assert hop(SocketAddress(ip_address("198.18.25.36"), 10025)) == SCAN


@pytest.mark.parametrize(
    ("policy", "expected"), [("strict", f"scan-strict:{SCAN}"), ("default", f"scan-default:{SCAN}"), ("none", DIRECT)]
)
def test_transport_of_a_policy_leads_to_the_filter_and_of_none_past_it(tmp_path, policy, expected):
    """The transport's name is the policy's, so each has its own HELO name."""
    _settings, topology = given(tmp_path, minimal())
    assert transport(topology, policy) == expected


def test_recipient_routes_leave_out_the_default(tmp_path):
    """What every domain has anyway needs no line."""
    text = minimal(
        STRICT
        + '[domains."a.test"]\ndeliver = "alias"\npolicy = "strict"\n[domains."b.test"]\ndeliver = "alias"\n'
        + 'policy = "none"\n[aliases]\n"@a.test" = ["x@else.test"]\n"@b.test" = ["x@else.test"]\n',
        domain='policy = "default"',
    )
    assert recipient_routes(*given(tmp_path, text)) == [
        Entry("a.test", f"scan-strict:{SCAN}"),
        Entry("b.test", DIRECT),
    ]


def test_sender_routes_are_keyed_as_postfix_asks(tmp_path):
    """sender_dependent_default_transport_maps asks for the address, then for @domain."""
    extra = '[senders.policies]\n"A.test" = "strict"\n"b.test" = "none"\n"c.test" = "default"\n'
    assert sender_routes(*given(tmp_path, minimal(STRICT + extra))) == [
        Entry("@a.test", f"scan-strict:{SCAN}"),
        Entry("@b.test", DIRECT),
        Entry("@c.test", f"scan-default:{SCAN}"),
    ]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("reject", "REJECT"),
        ("hold", "HOLD matches number 1 of [[patterns]]"),
        ("warn", "WARN matches number 1 of [[patterns]]"),
        ("filter:strict", f"FILTER scan-strict:{SCAN}"),
        ("filter:none", f"FILTER {DIRECT}"),
    ],
)
def test_patterns_have_the_actions_of_access_tables(tmp_path, action, expected):
    """FILTER always has a next hop: without, it would be the recipient's domain."""
    assert patterns(*given(tmp_path, minimal(STRICT + pattern("x", action))), "header") == [Entry("/x/", expected)]


@pytest.mark.parametrize("match", ["header", "body", "client", "sender", "recipient"])
def test_patterns_of_one_kind_keep_their_order(tmp_path, match):
    """The first that matches counts."""
    others = "".join(pattern(f"not {other}", "warn", other) for other in ("header", "client") if other != match)
    text = minimal(pattern("b", "warn", match) + others + pattern("a", "reject", match))
    first, second = patterns(*given(tmp_path, text), match)
    assert first == Entry("/b/", "WARN matches number 1 of [[patterns]]")
    assert second == Entry("/a/", "REJECT")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("^Subject: casino", "/^Subject: casino/"),
        ("a/b", r"/a\/b/"),
        (r"a\/b", r"/a\/b/"),
        (r"a\\/b", r"/a\\\/b/"),
        (" if $1 #", "/ if $1 #/"),
        ("endif", "/endif/"),
    ],
)
def test_patterns_are_whole_between_their_slashes(tmp_path, text, key):
    """A slash of the pattern never ends it, and nothing in it begins a statement of the table."""
    assert patterns(*given(tmp_path, minimal(pattern(text, "reject"))), "header") == [Entry(key, "REJECT")]


def test_doors_are_one_for_each_next_hop_of_all_policies(tmp_path):
    """In the order of the file, from 10027 on; addresses and the other verdicts need none."""
    extra = (
        '[policies.default]\nchecks = ["gtube"]\noutside = "redirect:[192.0.2.9]:2525"\n'
        'inside = "redirect:abuse@else.test"\n'
        '[policies.default.verdicts]\ngtube = "redirect:[b.test]"\n'
        '[policies.other]\nchecks = ["gtube"]\n'
        '[policies.other.verdicts_inside]\ngtube = "redirect:[192.0.2.9]:2525"\n'
    )
    assert {next_hop: str(door) for next_hop, door in doors(*given(tmp_path, minimal(extra))).items()} == {
        "[192.0.2.9]:2525": "198.18.25.69:10027",
        "[b.test]": "198.18.25.69:10028",
    }
