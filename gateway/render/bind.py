"""
bind's files: named.conf and one zone file per zone.

Reverse zones: one per octet (IPv4) or nibble (IPv6) boundary inside each private network of [networks], so that
an unknown LAN address is answered at once.  A network smaller than an octet gets a zone per listed host instead:
bind must not claim the rest of a /24 that somebody else serves.

Forward records: in [dns] domain where that names a zone, else as local data of a response policy zone, which answers
for exactly the names in it.  A zone per name would claim all names below it too, and hosts files do list names such as
example.test, whose www and mail the world's servers know.  So bind is authoritative for nothing it was not given.

A zone's serial is the time it last changed, in epoch seconds; rendering again keeps it as long as the zone's text
stays the same, so that a reload shows which zones are new.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, cast

from gateway.render.templates import fill
from gateway.settings.crosscheck.ranges import is_private
from gateway.settings.grammar import POLICY_ZONE, Address, Network, is_within
from gateway.settings.load import Configuration
from gateway.settings.models import Settings

MAX_OCTET_PREFIX = 24
NIBBLE = 4
MAX_FILE_NAME = 255  # octets; NAME_MAX of Linux


@dataclass(frozen=True)
class Record:
    """A resource record; the owner is relative to its zone or @."""

    owner: str
    type: str
    data: str


@dataclass
class Zone:
    """A zone that bind serves."""

    name: str
    comment: str
    records: list[Record] = field(default_factory=list)
    policy: bool = False  # a response policy zone: nobody may ask for it, its records answer for the names it lists

    @property
    def file(self) -> str:
        """Return the name of its file."""
        return file_name(self.name)


def render_bind(configuration: Configuration, previous: dict[str, str], now: int) -> dict[str, str]:
    """
    Return bind's files: name -> text.

    Args:
        configuration: The loaded file and what it names.
        previous: bind's files as they were, for the serials; may be empty.
        now: Epoch seconds, the serial of a zone that changed.
    """
    zones = [*_builtin_zones(), *reverse_zones(configuration), *forward_zones(configuration)]
    contact = f"postmaster.{configuration.settings.gateway.hostname}"
    files = {"named.conf": fill("bind/named.conf", _named_values(configuration, zones))}
    for zone in zones:
        files[zone.file] = _zone_file(zone, contact, previous.get(zone.file), now)
    for name, text in configuration.zone_files.items():
        files[file_name(name)] = text
    return files


def file_name(zone: str) -> str:
    """Return the name of a zone's file; the longest zone names are hashed, since db.<253 octets> is no file name."""
    return f"db.{zone}" if len(zone) <= MAX_FILE_NAME - 3 else f"db.{hashlib.sha256(zone.encode()).hexdigest()}"


def zone_names(network: Network) -> list[str]:
    """
    Return the reverse zones that cover a network exactly, or none where a zone would claim more than it.

    Source: RFC 1035 section 3.5, RFC 3596 section 2.5.
    """
    step = 8 if network.version == 4 else NIBBLE
    boundary = -(-network.prefixlen // step) * step
    if network.version == 4 and boundary > MAX_OCTET_PREFIX:
        return []
    labels = boundary // step
    parts = cast(Any, network).subnets(new_prefix=boundary)
    return [_last_labels(part.network_address, labels) for part in parts]


def reverse_zones(configuration: Configuration) -> list[Zone]:
    """Return the reverse zones of the private networks with a PTR record for each host."""
    zones: dict[str, Zone] = {}
    for name, networks in configuration.settings.networks.items():
        for network in filter(is_private, networks):
            for covered in zone_names(network):
                zones.setdefault(covered, Zone(covered, f"PTR records of [networks] {name}, {network}."))
    for host in configuration.hosts:
        reverse = host.address.reverse_pointer
        covering = [covered for covered in zones if reverse.endswith(f".{covered}")]
        name = max(covering, key=len, default=reverse)
        zone = zones.setdefault(name, Zone(name, f"PTR record of {host.address} alone: [dns] hosts."))
        owner = "@" if name == reverse else reverse.removesuffix(f".{name}")
        zone.records.append(Record(owner, "PTR", f"{host.names[0]}."))
    return list(zones.values())


def forward_zones(configuration: Configuration) -> list[Zone]:
    """Return the zones with A and AAAA records of the hosts' names."""
    addresses: defaultdict[str, list[Address]] = defaultdict(list)
    for host in configuration.hosts:
        for name in host.names:
            addresses[name].append(host.address)
    domain = configuration.settings.dns.domain
    inside = Zone(domain, "The LAN's names: [dns] domain.") if domain else None
    outside = Zone(POLICY_ZONE, "Names outside [dns] domain: [dns] hosts. Each answers for itself alone.", policy=True)
    for name, known in addresses.items():
        zone, owner = outside, name
        if inside and name == inside.name:
            zone, owner = inside, "@"
        elif inside and name.endswith(f".{inside.name}"):
            zone, owner = inside, name.removesuffix(f".{inside.name}")
        zone.records += [Record(owner, "A" if a.version == 4 else "AAAA", str(a)) for a in dict.fromkeys(known)]
    return [zone for zone in (inside, outside) if zone and (zone.records or not zone.policy)]


def _builtin_zones() -> list[Zone]:
    loopback = [Record("@", "A", "127.0.0.1"), Record("@", "AAAA", "::1")]
    return [
        Zone("localhost", "RFC 6761 section 6.3.", loopback),
        Zone("127.in-addr.arpa", "The health check asks for 127.0.0.1.", [Record("1.0.0", "PTR", "localhost.")]),
    ]


def _named_values(configuration: Configuration, zones: list[Zone]) -> dict[str, Any]:
    settings, topology = configuration.settings, configuration.topology
    dns = settings.dns
    return {
        "resolver_network": topology.networks["resolver"],
        "resolver_gateway": topology.address("gateway", "resolver"),
        "resolver_address": topology.address("bind", "resolver"),
        "egress_gateway": topology.address("gateway", "egress"),
        "egress_address": topology.address("bind", "egress"),
        "lan_networks": _lan_networks(settings) if dns.addresses else [],
        "forwarders": dns.forwarders,
        "dnssec_validation": dns.dnssec_validation,
        "forward_zones": [{"name": name, "servers": servers} for name, servers in dns.forward_zones.items()],
        "unsigned": [n for n in dns.forward_zones if not any(is_within(n, anchor) for anchor in dns.trust_anchors)],
        "trust_anchors": [{"name": name, "ds": _static_ds(told)} for name, told in dns.trust_anchors.items()],
        "zones": [*zones, *(Zone(name, "[dns.zones]") for name in configuration.zone_files)],
        "policy_zone": next((zone.name for zone in zones if zone.policy), None),
    }


def _static_ds(told: str) -> str:
    """Write a DS record's data as named wants it: the digest in quotes."""
    words, _, digest = told.rpartition(" ")
    return f'{words} "{digest}"'


def _lan_networks(settings: Settings) -> list[Network]:
    return [network for networks in settings.networks.values() for network in networks if is_private(network)]


def _zone_file(zone: Zone, contact: str, previous: str | None, now: int) -> str:
    def text(serial: int) -> str:
        values = vars(zone) | {"file": zone.file, "primary": "localhost", "contact": contact, "serial": serial}
        return fill("bind/db.zone", values)

    serial = _serial(previous) if previous else None
    if serial is None:
        return text(now)
    return text(serial) if text(serial) == previous else text(max(now, serial + 1))


def _serial(text: str) -> int | None:
    """Read the serial of a zone file written here; None where the text is not one."""
    for line in text.splitlines():
        fields = line.split()
        if fields[1:3] == ["IN", "SOA"] and len(fields) > 6 and fields[6].isdecimal():
            return int(fields[6])
    return None


def _last_labels(address: Address, labels: int) -> str:
    """Return the reverse name of an address without its host labels: *labels* are left, and the suffix."""
    return ".".join(address.reverse_pointer.split(".")[-(labels + 2) :])
