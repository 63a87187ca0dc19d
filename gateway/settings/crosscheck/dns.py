"""Rules about [dns]: what bind serves, what it asks others for, and who may ask it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from gateway.settings.crosscheck.listeners import bound
from gateway.settings.crosscheck.ranges import is_private, within
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import MAX_NAME_OCTETS, POLICY_ZONE, Address, Network
from gateway.settings.mistakes import Path, Problem

_LOOPBACK = IPv4Network("127.0.0.0/8")


@reads("dns", "networks")
def hosts_are_in_a_network(given: Given) -> Iterator[Problem]:
    """The resolver serves reverse zones for the site's private networks only; it must not speak for anybody else's."""
    networks = [network for _path, network in _private(given)]
    for path, host in given.hosts:
        if not any(host.address in network for network in networks):
            what = f"{host.address} is in no private network of [networks]"
            yield Problem(path, f"{what}; expected the network to be listed there, since its reverse zone is served")


@reads("dns")
def zones_are_distinct(given: Given) -> Iterator[Problem]:
    """A zone given twice is refused by named, and which of two would answer is anybody's guess."""
    seen: dict[str, Path] = {}
    for path, zone in _zones(given):
        if zone in seen:
            yield Problem(path, f"{zone} is a zone already; expected it once", seen[zone])
        seen.setdefault(zone, path)


@reads("dns")
def hosts_are_no_zones(given: Given) -> Iterator[Problem]:
    """The name of a host and a zone file or forwarder of the same name would both answer for it."""
    zones = {zone: path for path, zone in _zones(given) if path != ("dns", "domain")}
    for path, host in given.hosts:
        for name in host.names:
            if name in zones:
                yield Problem(
                    path, f"{name} is a zone of its own; expected its address there, or another name", zones[name]
                )


@reads("dns")
def names_fit(given: Given) -> Iterator[Problem]:
    """The names of hosts stand below a zone of bind's own, whose name is added to each."""
    longest = MAX_NAME_OCTETS - len(f".{POLICY_ZONE}")
    for path, host in given.hosts:
        for name in host.names:
            if len(name) > longest:
                yield Problem(path, f"{name[:20]}… is {len(name)} octets long; expected at most {longest} for a host")


@reads("dns")
def names_are_not_reverse(given: Given) -> Iterator[Problem]:
    """A host or domain under arpa would get a zone there, which hides the PTR records that belong below it."""
    named = [(path, name) for path, host in given.hosts for name in host.names]
    if given.settings.dns.domain:
        named.append((("dns", "domain"), given.settings.dns.domain))
    for path, name in named:
        if name.endswith(".arpa"):
            yield Problem(path, f"{name} is a name of the reverse tree; expected the name of a host or domain")


@reads("dns", "networks")
def reverse_zones_are_ours(given: Given) -> Iterator[Problem]:
    """
    Rendering generates the reverse zones of the private networks; a second source would hide one of the two.

    A zone around such a network is fine: the generated one is the closer match.
    """
    for path, zone in _zones(given):
        reverse = reverse_network(zone)
        if reverse is None:
            continue
        if within(reverse, _LOOPBACK):
            yield Problem(path, f"{zone} is built in; expected another zone")
        other, network = next((found for found in _private(given) if within(reverse, found[1])), (None, None))
        if other:
            what = f"{zone} is generated from [networks] ({network}); expected dns.hosts to name its hosts"
            yield Problem(path, what, other)


@reads("dns", "gateway.subnet", "listen", "mailstore")
def forwarders_are_elsewhere(given: Given) -> Iterator[Problem]:
    """A resolver that asks itself answers nothing, and everything waits for it."""
    dns = given.settings.dns
    ours = {address.ip for _path, address in bound(given) if address in dns.addresses and not address.ip.is_unspecified}
    asked: list[tuple[Path, Address]] = [
        (("dns", "forwarders", index), address) for index, address in enumerate(dns.forwarders)
    ]
    for zone, servers in dns.forward_zones.items():
        asked += [(("dns", "forward_zones", zone, index), address) for index, address in enumerate(servers)]
    for path, address in asked:
        special = address.is_loopback or address.is_unspecified or address.is_multicast
        if special or address in ours or _in_containers(given, address):
            yield Problem(path, f"{address} is the appliance itself; expected another resolver")


@reads("dns")
def anchors_are_used(given: Given) -> Iterator[Problem]:
    """Without validation a signature is as good as none."""
    dns = given.settings.dns
    if dns.trust_anchors and not dns.dnssec_validation:
        what = "not used without validation; expected dnssec_validation = true, or no such key"
        yield Problem(("dns", "trust_anchors"), what, ("dns", "dnssec_validation"))


@reads("dns", "networks")
def somebody_may_ask(given: Given) -> Iterator[Problem]:
    """Only clients of the private networks get answers; without any, an open port would serve nobody."""
    if given.settings.dns.addresses and not any(True for _network in _private(given)):
        what = "nobody may ask there, since [networks] has no private network; expected one, such as lan"
        yield Problem(("dns", "addresses"), what)


def reverse_network(zone: str) -> Network | None:
    """Return the network that a zone under in-addr.arpa or ip6.arpa is the reverse of, or None for other zones."""
    labels = zone.split(".")[::-1]
    try:
        if labels[:2] == ["arpa", "in-addr"] and len(labels) <= 6:
            octets = [*labels[2:], *["0"] * (6 - len(labels))]
            return IPv4Network((".".join(octets), 8 * (len(labels) - 2)))
        if labels[:2] == ["arpa", "ip6"] and len(labels) <= 34:
            nibbles = "".join(labels[2:]).ljust(32, "0")
            return IPv6Network((int(nibbles, 16), 4 * (len(labels) - 2)))
    except ValueError:
        return None
    return None


def _zones(given: Given) -> Iterator[tuple[Path, str]]:
    """Yield every zone that the file gives to bind, and where."""
    dns = given.settings.dns
    if dns.domain:
        yield ("dns", "domain"), dns.domain
    for zone in dns.zones:
        yield ("dns", "zones", zone), zone
    for zone in dns.forward_zones:
        yield ("dns", "forward_zones", zone), zone


def _private(given: Given) -> Iterator[tuple[Path, Network]]:
    for name, networks in given.settings.networks.items():
        for index, network in enumerate(networks):
            if is_private(network):
                yield ("networks", name, index), network


def _in_containers(given: Given, address: Address) -> bool:
    """Only the egress network may hold a foreign resolver, in the half that Docker hands out."""
    topology = given.topology
    return address in topology.subnet and address not in topology.dynamic_range("egress")


RULES: tuple[Rule, ...] = (
    hosts_are_in_a_network,
    zones_are_distinct,
    hosts_are_no_zones,
    names_fit,
    names_are_not_reverse,
    reverse_zones_are_ours,
    forwarders_are_elsewhere,
    anchors_are_used,
    somebody_may_ask,
)
