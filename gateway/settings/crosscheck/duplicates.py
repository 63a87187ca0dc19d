"""
The rule about lists: an entry given twice is a mistake, and the message names the earlier line.

It does no harm by itself.  But whoever removes one of the two will think that the entry is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Path, Problem


@reads("senders")
def senders(given: Given) -> Iterator[Problem]:
    """Compare what [senders] refuses, in lower case."""
    yield from _twice(("senders", "reject"), given.settings.senders.reject)


@reads("dnsbl")
def blocklists(given: Given) -> Iterator[Problem]:
    """Compare whole entries: one list may be asked for several answers."""
    yield from _twice(("dnsbl", "lists"), given.settings.dnsbl.lists)


@reads("mailboxes")
def mailboxes(given: Given) -> Iterator[Problem]:
    """Compare mailboxes, in lower case."""
    yield from _twice(("mailboxes", "list"), given.settings.mailboxes.addresses)


@reads("networks")
def networks(given: Given) -> Iterator[Problem]:
    """Compare the networks of one name."""
    for name, members in given.settings.networks.items():
        yield from _twice(("networks", name), members)


@reads("listen")
def listeners(given: Given) -> Iterator[Problem]:
    """Compare the networks a listener names."""
    for name, listener in given.settings.listen.items():
        yield from _twice(("listen", name, "networks"), listener.networks)
        yield from _twice(("listen", name, "trusted"), listener.trusted)


@reads("domains")
def recipients(given: Given) -> Iterator[Problem]:
    """Compare the recipients of a relay domain."""
    for name, domain in given.settings.domains.items():
        yield from _twice(("domains", name, "recipient_list"), domain.recipient_list)


@reads("aliases")
def aliases(given: Given) -> Iterator[Problem]:
    """Compare the targets of an alias."""
    for name, targets in given.settings.aliases.items():
        yield from _twice(("aliases", name), targets)


@reads("dns")
def resolvers(given: Given) -> Iterator[Problem]:
    """Compare the resolvers that are asked."""
    dns = given.settings.dns
    yield from _twice(("dns", "forwarders"), dns.forwarders)
    for zone, servers in dns.forward_zones.items():
        yield from _twice(("dns", "forward_zones", zone), servers)


@reads("policies")
def checks(given: Given) -> Iterator[Problem]:
    """Compare the checks of a policy."""
    for name, policy in given.settings.policies.items():
        yield from _twice(("policies", name, "checks"), policy.checks)


def _twice(path: Path, values: Sequence[object]) -> Iterator[Problem]:
    seen: dict[object, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            yield Problem((*path, index), f"{value} is given twice; expected it once", (*path, seen[value]))
        seen.setdefault(value, index)


RULES: tuple[Rule, ...] = (
    senders,
    blocklists,
    mailboxes,
    networks,
    listeners,
    recipients,
    aliases,
    resolvers,
    checks,
)
