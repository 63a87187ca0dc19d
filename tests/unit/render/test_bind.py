"""What bind is told: zones, records, serials."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.render.bind import Record, file_name, forward_zones, render_bind, reverse_zones, zone_names
from tests.configurations import configure, minimal


def lan(hosts: str = "", networks: str = '["10.20.0.0/24", "fd00:20::/64"]', more: str = "") -> str:
    """Return a file with a LAN, hosts in it, and more keys of [dns]."""
    return minimal(f"[networks]\nlan = {networks}\n[dns]\nhosts = {{ {hosts} }}\n{more}\n")


def records(zones):
    """Return zone -> its records."""
    return {zone.name: zone.records for zone in zones}


@pytest.mark.parametrize(
    ("network", "first", "count"),
    [
        ("10.0.0.0/8", "10.in-addr.arpa", 1),
        ("172.16.0.0/12", "16.172.in-addr.arpa", 16),
        ("10.20.0.0/16", "20.10.in-addr.arpa", 1),
        ("10.20.16.0/20", "16.20.10.in-addr.arpa", 16),
        ("10.20.30.0/24", "30.20.10.in-addr.arpa", 1),
        ("10.128.0.0/9", "128.10.in-addr.arpa", 128),
        ("fd00::/8", "d.f.ip6.arpa", 1),
        ("fc00::/7", "c.f.ip6.arpa", 2),
        ("fd00:20::/32", "0.2.0.0.0.0.d.f.ip6.arpa", 1),
        ("fd00:20:1::/48", "1.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa", 1),
        ("fd00:20:1:ff00::/56", "f.f.1.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa", 1),
        ("fd00:20::4/126", "4" + ".0" * 23 + ".0.2.0.0.0.0.d.f.ip6.arpa", 4),
        ("fd00:20:0:4::/62", "4.0.0.0.0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa", 4),
        ("fd00:20::/64", "0.0.0.0.0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa", 1),
        ("fd00:20::1/128", "1" + ".0" * 23 + ".0.2.0.0.0.0.d.f.ip6.arpa", 1),
    ],
)
def test_zone_names_of_a_network_cover_it_exactly(network, first, count):
    """A network that ends inside an octet or nibble gets one zone for each value of it."""
    names = zone_names(ip_network(network))
    assert names[0] == first
    assert len(set(names)) == len(names) == count


@pytest.mark.parametrize("network", ["10.20.0.0/25", "10.20.0.16/28", "10.20.0.7/32"])
def test_zone_names_below_an_octet_are_none(network):
    """A zone would claim more of the /24 than the network has."""
    assert zone_names(ip_network(network)) == []


def test_reverse_zones_name_each_host(tmp_path):
    """A host's PTR stands in the zone of its network, IPv4 and IPv6."""
    text = lan('"10.20.0.10" = "web1.lan.test", "fd00:20::10" = "web1.lan.test"')
    assert records(reverse_zones(configure(tmp_path, text))) == {
        "0.20.10.in-addr.arpa": [Record("10", "PTR", "web1.lan.test.")],
        "0.0.0.0.0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa": [Record("0.1" + ".0" * 14, "PTR", "web1.lan.test.")],
    }


def test_reverse_zones_of_nested_networks_use_the_innermost(tmp_path):
    """The server answers from the longest zone that matches, so the record must be there."""
    text = lan('"10.20.0.10" = "in.test.test", "10.9.8.7" = "out.test.test"', '["10.0.0.0/8", "10.20.0.0/24"]')
    assert records(reverse_zones(configure(tmp_path, text))) == {
        "10.in-addr.arpa": [Record("7.8.9", "PTR", "out.test.test.")],
        "0.20.10.in-addr.arpa": [Record("10", "PTR", "in.test.test.")],
    }


def test_reverse_zones_of_a_small_network_are_one_per_host(tmp_path):
    """The PTR stands at the apex, and the rest of the /24 stays somebody else's."""
    zones = reverse_zones(configure(tmp_path, lan('"10.20.0.17" = "a.lan.test"', '["10.20.0.16/28"]')))
    assert records(zones) == {"17.0.20.10.in-addr.arpa": [Record("@", "PTR", "a.lan.test.")]}
    assert zones[0].comment == "PTR record of 10.20.0.17 alone: [dns] hosts."


def test_reverse_zones_of_single_addresses_hold_the_ptr_at_the_apex(tmp_path):
    """/32 and /128 are networks of one host."""
    hosts = '"10.20.0.7" = "a.lan.test", "fd00:20::1" = "a.lan.test"'
    zones = reverse_zones(configure(tmp_path, lan(hosts, '["10.20.0.7/32", "fd00:20::1/128"]')))
    assert sorted(zone.name for zone in zones) == sorted(
        ["7.0.20.10.in-addr.arpa", "1" + ".0" * 23 + ".0.2.0.0.0.0.d.f.ip6.arpa"]
    )
    assert all(zone.records == [Record("@", "PTR", "a.lan.test.")] for zone in zones)


def test_reverse_zones_leave_out_public_networks(tmp_path):
    """Public address space has its own reverse zones in the DNS."""
    assert reverse_zones(configure(tmp_path, lan(networks='["192.0.2.0/24", "2001:db8::/32"]'))) == []


def test_forward_zones_without_domain_are_local_data(tmp_path):
    """Each name answers for itself alone: a zone for web.lan.test would hide a.web.lan.test's neighbours."""
    hosts = '"10.20.0.10" = "web.lan.test", "10.20.0.11" = "web.lan.test", "fd00:20::1" = "a.web.lan.test"'
    (zone,) = forward_zones(configure(tmp_path, lan(hosts)))
    assert (zone.name, zone.policy) == ("rpz", True)
    assert zone.records == [
        Record("web.lan.test", "A", "10.20.0.10"),
        Record("web.lan.test", "A", "10.20.0.11"),
        Record("a.web.lan.test", "AAAA", "fd00:20::1"),
    ]


def test_forward_zones_with_domain_hold_all_names_inside(tmp_path):
    """The domain's own name stands at the apex; names outside are local data."""
    hosts = '"10.20.0.1" = "lan.test", "10.20.0.2" = "a.b.lan.test", "10.20.0.3" = "notlan.test"'
    text = lan(hosts, more='domain = "lan.test"')
    assert records(forward_zones(configure(tmp_path, text))) == {
        "lan.test": [Record("@", "A", "10.20.0.1"), Record("a.b", "A", "10.20.0.2")],
        "rpz": [Record("notlan.test", "A", "10.20.0.3")],
    }


def test_forward_zones_of_a_domain_without_hosts_are_that_domain(tmp_path):
    """A policy zone without records is left out; the domain stays, since bind answers for it."""
    assert records(forward_zones(configure(tmp_path, lan(more='domain = "lan.test"')))) == {"lan.test": []}


def test_forward_zones_take_every_name_of_a_line(tmp_path):
    """In a hosts file an address may have several names: one PTR, an address record for each."""
    configuration = configure(
        tmp_path, lan(more='hosts_file = "hosts"'), {"hosts": "10.20.0.5 one.lan.test two.lan.test one\n"}
    )
    assert records(forward_zones(configuration)) == {
        "rpz": [Record("one.lan.test", "A", "10.20.0.5"), Record("two.lan.test", "A", "10.20.0.5")]
    }
    assert records(reverse_zones(configuration))["0.20.10.in-addr.arpa"] == [Record("5", "PTR", "one.lan.test.")]


def test_zone_file_text(tmp_path):
    """A zone file is what a sysadmin would write."""
    text = lan('"10.20.0.10" = "web1.lan.test"', '["10.20.0.0/24"]')
    assert render_bind(configure(tmp_path, text), {}, 1234)["db.0.20.10.in-addr.arpa"] == (
        "; Zone 0.20.10.in-addr.arpa. PTR records of [networks] lan, 10.20.0.0/24.\n"
        "; Generated from gateway.toml; the serial rises only when this zone changes.\n"
        "; Test: named-checkzone 0.20.10.in-addr.arpa db.0.20.10.in-addr.arpa\n"
        "$TTL 300\n"
        "@ IN SOA localhost. postmaster.mx.example.test. ( 1234 3600 900 604800 60 )\n"
        "@ IN NS localhost.\n"
        "10 IN PTR web1.lan.test.\n"
    )


def test_serial_of_an_unchanged_zone_stays(tmp_path):
    """A zone that nobody touched is the same file at any later time."""
    configuration = configure(tmp_path, lan('"10.20.0.10" = "web1.lan.test"'))
    before = render_bind(configuration, {}, 1000)
    assert render_bind(configuration, before, 2000) == before


def test_serial_of_a_changed_zone_rises_and_no_other(tmp_path):
    """Another host changes its own zones only."""
    before = render_bind(configure(tmp_path, lan('"10.20.0.10" = "web1.lan.test"')), {}, 1000)
    after = render_bind(configure(tmp_path, lan('"10.20.0.11" = "web1.lan.test"')), before, 2000)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"db.0.20.10.in-addr.arpa", "db.rpz"}
    assert "( 2000 3600" in after["db.0.20.10.in-addr.arpa"]


def test_serial_rises_when_the_clock_went_back(tmp_path):
    """A smaller serial would look like an older zone."""
    before = render_bind(configure(tmp_path, lan('"10.20.0.10" = "web1.lan.test"')), {}, 1000)
    after = render_bind(configure(tmp_path, lan('"10.20.0.11" = "web1.lan.test"')), before, 10)
    assert "( 1001 3600" in after["db.rpz"]


@pytest.mark.parametrize("rubbish", ["", "no zone at all\n", "@ IN SOA a. b. ( x 1 1 1 1 )\n", "@ IN SOA\n"])
def test_serial_of_a_file_that_is_no_zone_is_the_time(tmp_path, rubbish):
    """Whatever stood there before, the zone gets a serial."""
    files = render_bind(configure(tmp_path, lan()), {"db.localhost": rubbish}, 1000)
    assert "( 1000 3600" in files["db.localhost"]


def test_own_zone_file_is_served_as_it_is(tmp_path):
    """[dns.zones] names a file whose text is the operator's."""
    configuration = configure(tmp_path, minimal('[dns]\nzones = { "other.test" = "z" }\n'), {"z": "; mine\n"})
    files = render_bind(configuration, {}, 1000)
    assert files["db.other.test"] == "; mine\n"
    assert 'zone "other.test" { type primary; file "/run/config/db.other.test"; };' in files["named.conf"]


def test_file_name_of_the_longest_zone_fits():
    """A file name has at most 255 octets, a zone's name 253."""
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert file_name("lan.test") == "db.lan.test"
    assert len(file_name(longest[1:])) == 255
    assert file_name(longest) != file_name("x" + longest[1:])
    assert len(file_name(longest)) == 3 + 64


def test_named_conf_without_lan_serves_the_appliance_only(tmp_path):
    """By default nobody but the containers may ask, on the resolver network."""
    text = render_bind(configure(tmp_path, minimal()), {}, 1)["named.conf"]
    assert "acl appliance { 127.0.0.0/8; !198.18.25.129; 198.18.25.128/27; };\n" in text
    assert "\tlisten-on { 127.0.0.1; 198.18.25.130; };\n" in text
    assert "\tallow-query { appliance; };\n" in text
    assert "acl lan" not in text
    assert "forward" not in text


def test_named_conf_with_addresses_serves_the_private_networks(tmp_path):
    """[dns] addresses opens bind to the LAN, not to public networks nor to the bridge gateway."""
    extra = '[networks]\nlan = ["10.20.0.0/24"]\nus = ["192.0.2.0/24"]\n[dns]\naddresses = ["10.20.0.1"]\n'
    text = render_bind(configure(tmp_path, minimal(extra)), {}, 1)["named.conf"]
    assert "acl lan { !198.18.25.161; 10.20.0.0/24; };\n" in text
    assert "\tlisten-on { 127.0.0.1; 198.18.25.130; 198.18.25.162; };\n" in text
    for who in ("query", "query-cache", "recursion"):
        assert f"\tallow-{who} {{ appliance; lan; }};\n" in text


def test_named_conf_forwards_where_told(tmp_path):
    """Forwarders for everything, and for single zones, whose answers then need no signature."""
    extra = '[dns]\nforwarders = ["10.1.1.1"]\nforward_zones = { "corp.test" = ["10.1.1.2", "10.1.1.3"] }\n'
    text = render_bind(configure(tmp_path, minimal(extra)), {}, 1)["named.conf"]
    assert "\tforwarders { 10.1.1.1; };\n" in text
    assert '\tvalidate-except { "corp.test"; };\n' in text
    assert "dnssec-validation" not in text
    assert 'zone "corp.test" { type forward; forward only; forwarders { 10.1.1.2; 10.1.1.3; }; };\n' in text


def test_named_conf_validates_below_an_anchor(tmp_path):
    """Whoever is asked for such a zone; others that are forwarded stay without signatures."""
    digest = "AB" * 32
    extra = (
        f'[dns]\ntrust_anchors = {{ "corp.test" = "4711 13 2 {digest}" }}\n'
        '[dns.forward_zones]\n"x.corp.test" = ["10.1.1.2"]\n"other.test" = ["10.1.1.2"]\n'
    )
    text = render_bind(configure(tmp_path, minimal(extra)), {}, 1)["named.conf"]
    assert f'trust-anchors {{\n\t"corp.test" static-ds 4711 13 2 "{digest}";\n}};\n' in text
    assert '\tvalidate-except { "other.test"; };\n' in text


def test_named_conf_without_validation(tmp_path):
    """Off where no root key can be had; then there is nothing to except either."""
    extra = '[dns]\ndnssec_validation = false\nforward_zones = { "corp.test" = ["10.1.1.2"] }\n'
    text = render_bind(configure(tmp_path, minimal(extra)), {}, 1)["named.conf"]
    assert "\tdnssec-validation no;\n" in text
    assert "validate-except" not in text
