"""What a configuration means to named: statements, zones and records."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network, ip_address, ip_network

from gateway.settings.grammar import POLICY_ZONE
from gateway.settings.load import Configuration
from tests.golden.cases import NOW
from tests.readback.daemons import Bind

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7")


def check_bind(configuration: Configuration, bind: Bind, files: dict[str, str]) -> None:
    """The resolver: statements, zones and records."""
    bind.prepare(files)
    statements = bind.statements()
    dns = configuration.settings.dns
    served = _zones(configuration)
    zones = {head[1]: dict(body or []) for head, body in statements if head[0] == "zone"}
    assert Counter(head[:2] for head, _body in statements) == Counter(
        [("acl", "appliance"), ("options",), ("logging",), ("controls",), ("key", "rndc-key")]
        + [("acl", "lan")] * bool(dns.addresses)
        + [("trust-anchors",)] * bool(dns.trust_anchors)
        + [("zone", name) for name in [*served, *dns.zones, *dns.forward_zones]]
    )
    assert sorted(bind.loaded()) == sorted([*served, *dns.zones])
    for name, servers in dns.forward_zones.items():
        assert set(zones[name]) == {("type", "forward"), ("forward", "only"), ("forwarders",)}
        assert [ip_address(head[0]) for head, _ in zones[name][("forwarders",)]] == servers
    for name, records in served.items():
        file = next(head[1] for head in zones[name] if head[0] == "file")
        hidden = {("allow-query",)} if name == POLICY_ZONE else set()
        assert set(zones[name]) == {("type", "primary"), ("file", file)} | hidden
        assert bind.records(name, file) == records
    if POLICY_ZONE in served:
        assert [head for head, _ in zones[POLICY_ZONE][("allow-query",)]] == [("none",)]
    _check_bind_options(configuration, statements, policy=POLICY_ZONE in served)


def _check_bind_options(configuration: Configuration, statements: list, *, policy: bool) -> None:
    dns = configuration.settings.dns
    options = dict(next(body for head, body in statements if head == ("options",)))
    askers = ["appliance", "lan"] if dns.addresses else ["appliance"]
    for name in ("allow-query", "allow-query-cache", "allow-recursion"):
        assert [head for head, _ in options[(name,)]] == [(who,) for who in askers]
    assert [head for head, _ in options[("allow-transfer",)]] == [("none",)]
    assert [ip_address(head[0]) for head, _ in options.get(("forwarders",), [])] == dns.forwarders
    assert (("dnssec-validation", "no") in options) is not dns.dnssec_validation
    unsigned = [head for head, _ in options.get(("validate-except",), [])]
    signed = {name for name in dns.forward_zones for zone in dns.trust_anchors if f".{name}".endswith(f".{zone}")}
    assert unsigned == [(name,) for name in dns.forward_zones if dns.dnssec_validation and name not in signed]
    anchors = dict(statements).get(("trust-anchors",), [])
    assert {head[0]: " ".join(head[2:]) for head, _ in anchors} == dns.trust_anchors
    assert any(head[0] == "response-policy" for head in options) == policy
    if dns.addresses:
        lan = next(body for head, body in statements if head == ("acl", "lan"))
        egress = list(configuration.settings.gateway.subnet.subnets(prefixlen_diff=3))[5]
        expected = [f"!{egress[1]}/32", *map(str, _private(configuration))]
        assert [ip_network(head[0].strip("!")) for head, _ in lan] == [ip_network(word.strip("!")) for word in expected]
        assert [head[0].startswith("!") for head, _ in lan] == [True] + [False] * (len(lan) - 1)


def _private(configuration: Configuration) -> list:
    private = [
        ip_network(n) for n in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"]
    ]
    private.append(ip_network("fc00::/7"))
    listed = [network for networks in configuration.settings.networks.values() for network in networks]
    return [n for n in listed if any(n.version == p.version and n.subnet_of(p) for p in private)]


def _zones(configuration: Configuration) -> dict[str, set]:
    """Return the zones that are generated, each with all its records."""
    zones: dict[str, set] = {"localhost": set(), "127.in-addr.arpa": set()}
    records = [("localhost", "A", "127.0.0.1"), ("localhost", "AAAA", "::1")]
    records.append(("1.0.0.127.in-addr.arpa", "PTR", "localhost."))
    for network in _private(configuration):
        unit, longest = (8, 24) if isinstance(network, IPv4Network) else (4, 128)
        prefix = -(-network.prefixlen // unit) * unit
        parts = network.subnets(new_prefix=prefix) if prefix <= longest else []
        zones |= {_reverse(part.network_address, prefix // unit): set() for part in parts}
    domain = configuration.settings.dns.domain
    zones |= {domain: set()} if domain else {}
    for host in configuration.hosts:
        pointer = host.address.reverse_pointer
        records.append((pointer, "PTR", f"{host.names[0]}."))
        if not any(pointer.endswith(f".{zone}") for zone in zones):
            zones.setdefault(pointer, set())
        for name in host.names:
            inside = domain and f".{name}".endswith(f".{domain}")
            owner = name if inside else f"{name}.{POLICY_ZONE}"
            records.append((owner, "A" if host.address.version == 4 else "AAAA", str(host.address)))
            if not inside:
                zones.setdefault(POLICY_ZONE, set())
    for owner, type_, data in records:
        zone = max((zone for zone in zones if f".{owner}".endswith(f".{zone}")), key=len)
        zones[zone].add((f"{owner}.", type_, data))
    contact = f"postmaster.{configuration.settings.gateway.hostname}."
    for zone, found in zones.items():
        found |= {
            (f"{zone}.", "SOA", f"localhost. {contact} {NOW} 3600 900 604800 60"),
            (f"{zone}.", "NS", "localhost."),
        }
    return zones


def _reverse(address, labels: int) -> str:
    """Return the reverse name of the first octets or nibbles of an address."""
    if address.version == 4:
        return ".".join([*str(address).split(".")[:labels][::-1], "in-addr.arpa"])
    return ".".join([*address.packed.hex()[:labels][::-1], "ip6.arpa"])
