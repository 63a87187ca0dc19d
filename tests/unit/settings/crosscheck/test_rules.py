"""Where each rule begins to object; the whole messages are in tests/golden/bad-*."""

import pytest

RELAY = {"deliver": "relay", "next_hop": "[192.0.2.25]"}
DNS = {"dns__hosts": {"10.20.0.10": "web1.lan.test"}}


def listen(**listeners: dict) -> dict:
    """Set the listeners."""
    return {"listen": listeners}


def relay_to(next_hop: str, **other: object) -> dict:
    """Set the next hop of the relay domain."""
    return {"domains__corp.test": {"deliver": "relay", "next_hop": next_hop}} | other


def searched(**keys: object) -> dict:
    """Set the default policy, by default with one check."""
    return {"policies": {"default": {"checks": ["gtube"]} | keys}}


def redirects(number: int) -> dict:
    """Make verdicts with so many next hops."""
    verdicts = {f"headers.r{n}": f"redirect:[192.0.2.{100 + n}]" for n in range(number)}
    patterns = [{"name": f"r{n}", "pattern": "x"} for n in range(number)]
    return searched(checks=["headers"], verdicts=verdicts) | {"checks__headers__patterns": patterns}


FINE = {
    "wildcards of both families and on two ports": listen(x={"addresses": ["0.0.0.0:25", "[::]:25", "0.0.0.0:587"]}),
    "one address, two ports": listen(x={"addresses": ["192.0.2.1:25"]}, y={"addresses": ["192.0.2.1:26"]}),
    "resolver beside a listener": {"dns__addresses": ["192.0.2.1"]},
    "trusted, filtered": {"listen__outside": {"addresses": ["192.0.2.1:25"], "trusted": ["lan"]}},
    "public /24 and /48": {"networks__lan": ["203.0.113.0/24", "2001:db8:1::/48"]},
    "all private space but the containers'": {"networks__lan": ["10.0.0.0/8", "172.16.0.0/12", "198.19.0.0/16"]},
    "public network nobody trusts": {"networks__world": ["203.0.0.0/8"]},
    "container network nobody trusts": {"networks__docker": ["198.18.25.0/24"]},
    "largest and smallest subnet": {"gateway__subnet": "10.99.0.0/16"},
    "smallest subnet": {"gateway__subnet": "100.64.1.128/25"},
    "limits": {"gateway__message_size_limit": "64KiB"},
    "largest message": {"gateway__message_size_limit": "2GiB"},
    "a slot each": {"filter": {"workers": 4, "max_transactions": 4}},
    "policy none for a domain": {"domains__example.test": {"deliver": "mailbox", "policy": "none"}},
    "filter = false as policy none": listen(
        x={"addresses": ["192.0.2.1:25"]}, y={"networks": ["lan"], "filter": False, "policy": "none"}
    ),
    "filter = true beside a policy": listen(x={"addresses": ["192.0.2.1:25"], "filter": True, "policy": "default"}),
    "redirects to people and servers": searched(
        outside="redirect:sales@example.test",
        inside="redirect:who@corp.test",
        verdicts={"gtube": "redirect:[192.0.2.1]:2525", "gtube.gtube": "redirect:spam@elsewhere.test"},
    ),
    "sixteen next hops": redirects(16),
    "checks end a second before the dot": searched() | {"checks__gtube__timeout": "539s"},
    "a check nobody uses takes longer": {"checks__gtube__timeout": "1h"},
    "32 GiB of messages": searched() | {"gateway__message_size_limit": "127MiB", "filter__max_transactions": 256},
    "large messages nobody looks into": {"gateway__message_size_limit": "2GiB", "filter__max_transactions": 500},
    "time-outs nested": {"filter": {"reply_timeout": "4s", "commit_timeout": "5s", "transaction_timeout": "10s"}},
    "alias in a relay domain": {"aliases__info@corp.test": ["anna@example.test", "far@elsewhere.test"]},
    "alias of a whole domain": {"aliases__@example.test": ["anna@example.test"]},
    "alias to anybody under a whole domain": {"aliases__@example.test": ["whoever@example.test"]},
    "alias of an alias": {"aliases__info@example.test": ["sales@example.test"]},
    "alias that keeps a copy": {"aliases__anna@example.test": ["anna@example.test", "far@elsewhere.test"]},
    "two aliases that keep copies": {
        "aliases": {
            "anna@example.test": ["anna@example.test", "b@example.test"],
            "b@example.test": ["anna@example.test"],
        }
    },
    "alias to an extension": {"gateway__recipient_delimiter": "+", "aliases__i@example.test": ["anna+i@example.test"]},
    "alias to an extension of one that keeps a copy": {
        "gateway__recipient_delimiter": "+",
        "aliases": {
            "anna@example.test": ["anna@example.test", "far@elsewhere.test"],
            "i@example.test": ["anna+i@example.test"],
        },
    },
    "two ways to one target": {
        "aliases": {
            "a@example.test": ["b@example.test", "c@example.test"],
            "b@example.test": ["anna@example.test"],
            "c@example.test": ["b@example.test"],
        }
    },
    "canonical domain": {"canonical": {"@old.test": "@new.test", "x@new.test": "y@new.test"}},
    "canonical to itself": {"canonical": {"x@new.test": "x@new.test", "@new.test": "x@new.test"}},
    "postmaster elsewhere": {"gateway__postmaster": "postmaster@elsewhere.test"},
    "next hop on the host, another port": relay_to("[192.0.2.1]:2525"),
    "next hop attached to egress by name": relay_to("[sink]:25"),
    "next hop attached to egress by address": relay_to("[198.18.25.180]:25"),
    "next hop by MX of another domain": relay_to("elsewhere.test"),
    "next hop by own MX in a zone of ours": relay_to("corp.test", dns__forward_zones={"corp.test": ["192.0.2.3"]}),
    "one list, several answers": {"dnsbl__lists": ["bl.test=127.0.0.2", "bl.test=127.0.0.3"]},
    "hosts": DNS,
    "host with both families": {"dns__hosts": {"10.20.0.10": "web1.lan.test", "fd00:20::10": "web1.lan.test"}},
    "host inside a zone": DNS | {"dns__domain": "lan.test"},
    "parent of a generated zone": {"dns__forward_zones": {"10.in-addr.arpa": ["192.0.2.53"]}},
    "zone around a network smaller than an octet": {
        "networks__lan": ["10.20.0.64/26"],
        "dns__forward_zones": {"0.20.10.in-addr.arpa": ["192.0.2.53"]},
    },
    "neighbour of a generated zone": {"dns__forward_zones": {"1.20.10.in-addr.arpa": ["192.0.2.53"]}},
    "mailstore as large as a message": {"mailstore": {"enabled": True, "quota": "50MiB"}},
    "mailstore beside listeners": {
        "mailstore": {"enabled": True, "imaps": ["192.0.2.1:993", "[::1]:993"], "managesieve": ["192.0.2.1:4190"]}
    },
    "resolver attached to egress": {"dns__forwarders": ["198.18.25.190"]},
}


@pytest.mark.parametrize("case", FINE)
def test_rules_have_nothing_against(found, case):
    """What is unusual but right must pass."""
    assert found(**FINE[case]) == []


BAD = {
    "listener without address": (listen(x={}), "listen"),
    "wildcard beside a specific address": (
        listen(x={"addresses": ["[2001:db8::1]:25"]}, y={"addresses": ["[::]:25"]}),
        "listen.y.addresses.0",
    ),
    "wildcard twice": (listen(x={"addresses": ["0.0.0.0:25", "0.0.0.0:25"]}), "listen.x.addresses.1"),
    "multicast": (listen(x={"addresses": ["224.0.0.1:25"]}), "listen.x.addresses.0"),
    "mapped address": (listen(x={"addresses": ["[::ffff:192.0.2.1]:25"]}), "listen.x.addresses.0"),
    "resolver on a listener's socket": ({"dns__addresses": ["192.0.2.1:25"]}, "dns.addresses.0"),
    "IMAP on a listener's socket": (
        {"mailstore": {"enabled": True, "imaps": ["192.0.2.1:25"]}},
        "mailstore.imaps.0",
    ),
    "IMAP and ManageSieve on one socket": (
        {"mailstore": {"enabled": True, "imaps": ["192.0.2.1:993"], "managesieve": ["0.0.0.0:993"]}},
        "mailstore.managesieve.0",
    ),
    "IMAP without Dovecot": ({"mailstore": {"imaps": ["192.0.2.1:993"]}}, "mailstore.imaps"),
    "quota without Dovecot": ({"mailstore": {"quota": "1GiB"}}, "mailstore.quota"),
    "script without Dovecot": ({"mailstore": {"sieve": "site.sieve"}}, "mailstore.sieve"),
    "quota below the largest message": (
        {"mailstore": {"enabled": True, "quota": "52428799B"}},
        "mailstore.quota",
    ),
    "own name": (listen(filter={"addresses": ["192.0.2.1:25"]}), "listen.filter"),
    "public /23": ({"networks__lan": ["203.0.112.0/23"]}, "networks.lan.0"),
    "public /47": ({"networks__lan": ["2001:db8::/47"]}, "networks.lan.0"),
    "half the Internet": ({"networks__lan": ["128.0.0.0/2"]}, "networks.lan.0"),
    "IPv4 as IPv6": ({"networks__lan": ["::ffff:10.0.0.0/104"]}, "networks.lan.0"),
    "one container": ({"networks__lan": ["198.18.25.1/32"]}, "networks.lan.0"),
    "the edge in IPv6": ({"networks__lan": ["fd53::/16"]}, "networks.lan.0"),
    "subnet too large": ({"gateway__subnet": "10.0.0.0/15"}, "gateway.subnet"),
    "subnet too small": ({"gateway__subnet": "10.0.0.0/26"}, "gateway.subnet"),
    "public subnet": ({"gateway__subnet": "192.0.2.0/24"}, "gateway.subnet"),
    "small message": ({"gateway__message_size_limit": "65535B"}, "gateway.message_size_limit"),
    "large message": ({"gateway__message_size_limit": "3GiB"}, "gateway.message_size_limit"),
    "no time left before the commit": (
        {"filter": {"reply_timeout": "5s", "commit_timeout": "5s", "transaction_timeout": "10s"}},
        "filter.transaction_timeout",
    ),
    "listener past the filter for anybody": (
        listen(x={"addresses": ["192.0.2.1:25"], "trusted": ["lan"], "policy": "none"}),
        "listen.x.policy",
    ),
    "filter = false and a policy": (
        listen(x={"addresses": ["192.0.2.1:25"]}, y={"networks": ["lan"], "filter": False, "policy": "default"}),
        "listen.y.filter",
    ),
    "filter = true and policy none": (
        listen(x={"addresses": ["192.0.2.1:25"]}, y={"networks": ["lan"], "filter": True, "policy": "none"}),
        "listen.y.filter",
    ),
    "redirect to nobody": (searched(inside="redirect:hans@example.test"), "policies.default.inside"),
    "redirect to ourselves": (
        searched(verdicts_inside={"gtube": "redirect:[192.0.2.1]"}),
        "policies.default.verdicts_inside.gtube",
    ),
    "redirect to a door of gate 2": (
        searched(outside="redirect:[198.18.25.69]:10027"),
        "policies.default.outside",
    ),
    "seventeen next hops": (redirects(18), "policies.default.verdicts.headers.r16"),
    "a check as long as the search": (
        searched() | {"checks__gtube__timeout": "540s"},
        "policies.default.checks",
    ),
    "commands that edit add up": (
        searched(checks=["gtube", "command:a", "command:b"])
        | {"checks__gtube__timeout": "180s"}
        | {f"checks__command__{name}": {"program": name, "edits": True, "timeout": "180s"} for name in "ab"},
        "policies.default.checks",
    ),
    "more than 32 GiB of messages": (
        searched() | {"gateway__message_size_limit": "127MiB", "filter__max_transactions": 258},
        "filter.max_transactions",
    ),
    "domain named as gate 2": ({"domains__out.mx.example.test": RELAY}, "domains.out.mx.example.test"),
    "postmaster nobody": ({"gateway__postmaster": "hans@example.test"}, "gateway.postmaster"),
    "alias domain": ({"domains__alias.test": {"deliver": "alias"}}, "domains.alias.test"),
    "loop of two": (
        {"aliases": {"a@example.test": ["b@example.test"], "b@example.test": ["a@example.test"]}},
        "aliases.a@example.test",
    ),
    "loop through a whole domain": (
        {"aliases": {"@example.test": ["a@corp.test"], "a@corp.test": ["b@example.test"]}},
        "aliases.@example.test",
    ),
    "loop by a growing extension": (
        {"gateway__recipient_delimiter": "+", "aliases": {"anna@example.test": ["anna+x@example.test"]}},
        "aliases.anna@example.test",
    ),
    "loop by an extension": (
        {
            "gateway__recipient_delimiter": "+",
            "aliases": {"a@example.test": ["b+x@example.test"], "b@example.test": ["a@example.test"]},
        },
        "aliases.a@example.test",
    ),
    "canonical loop": ({"canonical": {"@a.test": "@b.test", "x@b.test": "x@a.test"}}, "canonical.x@b.test"),
    "anchor without validation": (
        {"dns__dnssec_validation": False, "dns__trust_anchors": {"corp.test": f"4711 13 2 {'AB' * 32}"}},
        "dns.trust_anchors",
    ),
    "filter as next hop": (relay_to("[198.18.25.36]:10025"), "domains.corp.test.next_hop"),
    "any port of a gate": (relay_to("[198.18.25.3]:587"), "domains.corp.test.next_hop"),
    "10026 anywhere in the subnet": (relay_to("[198.18.25.190]:10026"), "domains.corp.test.next_hop"),
    "own listener by default port": (relay_to("[192.0.2.1]"), "domains.corp.test.next_hop"),
    "gate 2 by name": (relay_to("[out.mx.example.test]:2525"), "domains.corp.test.next_hop"),
    "nowhere": (relay_to("[0.0.0.0]"), "domains.corp.test.next_hop"),
    "relayhost by own MX": ({"gateway__relayhost": "example.test"}, "gateway.relayhost"),
    "host too long": ({"dns__hosts": {"10.20.0.10": f"{'a' * 63}." * 3 + "b" * 58}}, "dns.hosts.10.20.0.10"),
    "host outside": ({"dns__hosts": {"10.20.1.1": "a.lan.test"}}, "dns.hosts.10.20.1.1"),
    "host named as a zone": (
        DNS | {"dns__forward_zones": {"web1.lan.test": ["192.0.2.53"]}},
        "dns.hosts.10.20.0.10",
    ),
    "generated zone": (
        {"dns__forward_zones": {"0.20.10.in-addr.arpa": ["192.0.2.53"]}},
        "dns.forward_zones.0.20.10.in-addr.arpa",
    ),
    "generated zone in IPv6": (
        {"dns__forward_zones": {"0.0.0.0.0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa": ["192.0.2.53"]}},
        "dns.forward_zones.0.0.0.0.0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa",
    ),
    "part of a generated zone": (
        {"networks__lan": ["10.0.0.0/8"], "dns__forward_zones": {"20.10.in-addr.arpa": ["192.0.2.53"]}},
        "dns.forward_zones.20.10.in-addr.arpa",
    ),
    "domain is a reverse zone": ({"dns__domain": "20.10.in-addr.arpa"}, "dns.domain"),
    "loopback zone": (
        {"dns__forward_zones": {"127.in-addr.arpa": ["192.0.2.53"]}},
        "dns.forward_zones.127.in-addr.arpa",
    ),
    "forwarder is bind": ({"dns__forwarders": ["198.18.25.130"]}, "dns.forwarders.0"),
    "forwarder is where we listen": (
        {"dns__addresses": ["10.20.0.1"], "dns__forwarders": ["10.20.0.1"]},
        "dns.forwarders.0",
    ),
    "sender twice": ({"senders__reject": ["a.test", "b.test", "A.test"]}, "senders.reject.2"),
    "network twice": ({"networks__lan": ["10.20.0.0/24", "10.20.0.0/24"]}, "networks.lan.1"),
}


@pytest.mark.parametrize("case", BAD)
def test_rules_object_to(found, case):
    """One mistake is one problem, at the key that has to change."""
    changes, path = BAD[case]
    assert [where for where, _text in found(**changes)] == [path]


def test_rules_that_need_the_container_networks_wait_for_a_sound_subnet(found):
    """A subnet that cannot be cut has no addresses to compare with."""
    paths = [path for path, _text in found(gateway__subnet="10.0.0.0/30", **relay_to("[10.0.0.1]:10026"))]
    assert paths == ["gateway.subnet"]
