"""
Where mail goes by policy: transports of gate 1, and the doors by which redirected mail enters gate 2.

Gate 1 decides in the order that Postfix has by itself: a FILTER action ([[patterns]]), the content_filter of the
listener, transport_maps (the recipient's domain), sender_dependent_default_transport_maps (the sender's domain, for
mail to other sites), default_transport.  The first two are written into the queue file and hold for all recipients;
the others are asked at each delivery, recipient by recipient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.settings.grammar import SocketAddress
from gateway.settings.models import Settings
from gateway.settings.policies import NONE, redirect_target
from gateway.settings.topology import Topology


@dataclass(frozen=True)
class Entry:
    """A line of a table."""

    key: str
    value: str


def hop(address: SocketAddress) -> str:
    """Write a socket address as a next hop without MX lookup: [ip]:port, as transport(5) wants it."""
    return f"[{address.ip}]:{address.port}"


def transport(topology: Topology, policy: str) -> str:
    """Return transport and next hop of a policy: to the filter, or past it."""
    return f"direct:{hop(topology.post_direct)}" if policy == NONE else f"scan-{policy}:{hop(topology.filter)}"


def recipient_routes(settings: Settings, topology: Topology) -> list[Entry]:
    """Return the domains that have a policy of their own, as transport_maps wants them."""
    return [
        Entry(name, transport(topology, domain.policy))
        for name, domain in settings.domains.items()
        if domain.policy != "default"
    ]


def sender_routes(settings: Settings, topology: Topology) -> list[Entry]:
    """Return the senders' domains that have a policy, as sender_dependent_default_transport_maps wants them."""
    return [Entry(f"@{name}", transport(topology, policy)) for name, policy in settings.senders.policies.items()]


def patterns(settings: Settings, topology: Topology, match: str) -> list[Entry]:
    """Return the patterns of one kind and what Postfix does about each, in the order of the file."""
    return [
        Entry(f"/{_slash_escaped(rule.pattern)}/", _action(topology, rule.action, number))
        for number, rule in enumerate(settings.patterns, 1)
        if rule.match == match
    ]


def doors(settings: Settings, topology: Topology) -> dict[str, SocketAddress]:
    """Return where gate 2 listens for mail to each next hop of a redirect, in the order of the file."""
    targets = [
        redirect_target(outcome) for policy in settings.policies.values() for _path, outcome in policy.outcomes()
    ]
    hops = dict.fromkeys(target for target in targets if target.startswith("["))
    first = topology.post_reinject
    return {name: SocketAddress(first.ip, first.port + number) for number, name in enumerate(hops, 1)}


def _action(topology: Topology, action: str, number: int) -> str:
    """Return the action of access(5) and header_checks(5); the text after WARN and HOLD is for the log alone."""
    verb, _, policy = action.partition(":")
    if policy:
        return f"FILTER {transport(topology, policy)}"
    return verb.upper() if verb == "reject" else f"{verb.upper()} matches number {number} of [[patterns]]"


def _slash_escaped(pattern: str) -> str:
    """Escape each / that is not escaped yet: it would end the pattern in a pcre table."""
    return re.sub(r"\\.|/", lambda match: r"\/" if match[0] == "/" else match[0], pattern)
