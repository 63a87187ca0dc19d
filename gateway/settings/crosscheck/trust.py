"""
Rules about who is trusted: clients in a listener's `networks` or `trusted` may send mail anywhere.

Each rule points at the network, since that is what has to change.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.ranges import NO_CLIENTS, is_private, within
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import Network
from gateway.settings.mistakes import Path, Problem

_LARGEST_PUBLIC = {4: 24, 6: 48}  # prefix lengths: what one site is given


@reads("listen", "networks")
def no_public_space(given: Given) -> Iterator[Problem]:
    """Strangers live in a large public network, and whom a listener trusts it relays for: an open relay."""
    for path, network, listener in _trusted(given):
        if _holds_strangers(network):
            what = f"{network} holds public addresses, and listen.{listener} would relay for all of them"
            limit = _LARGEST_PUBLIC[network.version]
            yield Problem(path, f"{what}; expected private addresses, or at most a /{limit}")


@reads("listen", "networks")
def clients_come_from_a_network(given: Given) -> Iterator[Problem]:
    """Docker may show any client as one on the host itself; such an address says nothing about who it is."""
    for path, network, listener in _trusted(given):
        special = next((special for special in NO_CLIENTS if network.overlaps(special)), None)
        if special and not _holds_strangers(network):
            what = f"{network} overlaps {special}, where no client's own address is, and listen.{listener} trusts it"
            yield Problem(path, f"{what}; expected the networks of your site")


@reads("listen", "mailstore", "networks", "gateway.subnet")
def no_container_network(given: Given) -> Iterator[Problem]:
    """Docker may show an outside client with a bridge gateway's address: trusting that is an open relay."""
    containers: tuple[Network, ...] = (given.topology.subnet, given.topology.edge6)
    for path, network, listener in _trusted(given):
        for container in containers:
            if network.overlaps(container):
                what = f"{network} overlaps the container network {container}, and listen.{listener} trusts it"
                yield Problem(path, f"{what}; expected another network, or another gateway.subnet")


def _trusted(given: Given) -> Iterator[tuple[Path, Network, str]]:
    """Yield each network that a listener trusts, once, where it is given, and the first such listener."""
    seen = set()
    for name, listener in given.settings.listen.items():
        for trusted in (*listener.networks, *listener.trusted):
            if trusted in seen:
                continue
            seen.add(trusted)
            for index, network in enumerate(given.settings.networks.get(trusted, ())):
                yield ("networks", trusted, index), network, name


def _holds_strangers(network: Network) -> bool:
    special = any(within(network, special) for special in NO_CLIENTS)
    return not special and not is_private(network) and network.prefixlen < _LARGEST_PUBLIC[network.version]


RULES: tuple[Rule, ...] = (
    no_public_space,
    clients_come_from_a_network,
    no_container_network,
)
