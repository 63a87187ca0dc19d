"""
Rules about next hops: mail that leaves gate 2 must not come back in through another door.

An address is compared with what this appliance is known to have.  A name that somebody's DNS points here cannot be
seen from the file; hop counts end that.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import Address, is_within
from gateway.settings.mistakes import Path, Problem, shown
from gateway.settings.policies import redirect_target
from gateway.settings.topology import ATTACHED, FILTER_PORT, HOSTS, REINJECT_PORT

_SMTP = 25
_SERVICES = frozenset({*ATTACHED, "render", "localhost"})  # names that resolve to ourselves inside a container


@reads("gateway", "gateway.subnet", "domains", "listen", "mailstore")
def next_hop_is_elsewhere(given: Given) -> Iterator[Problem]:
    """Mail sent back into the appliance goes round until its hop count ends it, and then bounces."""
    for path, value in next_hops(given):
        host, port = split(value)
        reason = _ourselves(given, host, port)
        if reason:
            what = f"{shown(value)} is {reason}, so mail would come straight back; expected another server"
            yield Problem(path, what)


@reads("gateway", "gateway.subnet", "listen", "mailstore", "policies")
def redirect_is_elsewhere(given: Given) -> Iterator[Problem]:
    """Mail that a verdict sends back in would get the same verdict again, until its hop count ends it."""
    for name, policy in given.settings.policies.items():
        for path, outcome in policy.outcomes():
            target = redirect_target(outcome)
            reason = _ourselves(given, *split(target)) if target.startswith("[") else None
            if reason:
                what = f"{shown(target)} is {reason}, so mail would come straight back; expected another server"
                yield Problem(("policies", name, *path), what)


@reads("gateway", "domains", "dns")
def next_hop_is_not_our_own_mx(given: Given) -> Iterator[Problem]:
    """The MX of a domain that this gateway takes mail for is this gateway, unless a zone of ours says otherwise."""
    settings = given.settings
    private = {*settings.dns.zones, *settings.dns.forward_zones, settings.dns.domain}
    for path, value in next_hops(given):
        host, _port = split(value)
        if value.startswith("[") or host not in settings.domains:
            continue
        if not any(zone and is_within(host, zone) for zone in private):
            what = f"{shown(value)} goes by the MX of {host}, which is this gateway"
            yield Problem(path, f"{what}; expected a server in brackets, such as [mail.{host}]")


def next_hops(given: Given) -> Iterator[tuple[Path, str]]:
    """Yield each next hop and where it is given."""
    if given.settings.gateway.relayhost:
        yield ("gateway", "relayhost"), given.settings.gateway.relayhost
    for name, domain in given.settings.domains.items():
        if domain.next_hop:
            yield ("domains", name, "next_hop"), domain.next_hop


def split(next_hop: str) -> tuple[str, int]:
    """Return host without brackets, and port, of a next hop that the grammar has passed."""
    if next_hop.startswith("["):
        host, _, port = next_hop[1:].partition("]")
        return host, int(port[1:] or _SMTP)
    host, _, port = next_hop.partition(":")
    return host, int(port or _SMTP)


def _ourselves(given: Given, host: str, port: int) -> str | None:
    """Say which part of the appliance a host and port are, or return None."""
    gateway = given.settings.gateway
    if host in _SERVICES:
        return "one of the appliance's own containers"
    if host in {gateway.hostname, gateway.outbound_hostname or f"out.{gateway.hostname}"}:
        return "this gateway by name"
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified:
        return "the container itself"
    if _in_appliance(given, address, port):
        return "one of the appliance's own containers"
    for name, listener in given.settings.listen.items():
        if any(bound.ip == address and bound.port == port for bound in listener.addresses):
            return f"the address of listen.{name}"
    return None


def _in_appliance(given: Given, address: Address, port: int) -> bool:
    """Fixed addresses are ours; the dynamic half of a network may hold a server that was attached to it."""
    topology = given.topology
    fixed: set[Address] = {topology.edge6[offset] for offset in HOSTS.values()}
    for network in topology.networks.values():
        fixed.update(network[offset] for offset in HOSTS.values())
    ours = address in topology.subnet or address in topology.edge6
    return address in fixed or (ours and port in {FILTER_PORT, REINJECT_PORT})


RULES: tuple[Rule, ...] = (next_hop_is_elsewhere, redirect_is_elsewhere, next_hop_is_not_our_own_mx)
