"""
What a configuration means to each daemon, said a second time and compared with what its parser reads.

What no setting decides must be as it is for the default file; what a setting decides is computed here, from the
settings alone.  Each comparison is of whole sets: a parameter, service, zone, record or program too many fails.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.render.tree import Tree, of_service, render
from gateway.settings.load import Configuration, load
from gateway.worker import load as load_worker
from tests.golden.cases import CASES, NOW, write
from tests.readback.daemons import Bind, Postfix, programs

# fmt: off
PRE_DECIDED = frozenset(
    [
        "myhostname", "inet_protocols", "recipient_delimiter", "relay_domains", "relay_transport", "default_transport",
        "sender_dependent_default_transport_maps", "message_size_limit", "smtpd_sender_restrictions",
        "smtpd_recipient_restrictions", "header_checks", "body_checks",
    ]
)
POST_DECIDED = frozenset(
    [
        "myhostname", "proxy_interfaces", "mynetworks", "smtpd_recipient_restrictions", "smtpd_restriction_classes",
        "verify_recipient", "smtpd_authorized_xforward_hosts", "smtpd_timeout", "message_size_limit",
        "recipient_delimiter", "virtual_mailbox_domains", "virtual_alias_domains", "relay_domains", "relayhost",
    ]
)
# fmt: on
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7")
VERIFY = {  # of both gates, where a domain's recipients are verified
    "address_verify_map": "lmdb:$data_directory/verify_cache",
    "address_verify_poll_delay": "1s",
    "unverified_recipient_reject_code": "550",
    "unverified_recipient_reject_reason": "Address not confirmed",
}
SMTP_OPTIONS = {
    "smtp_send_xforward_command": "yes",
    "disable_mime_output_conversion": "yes",
    "smtp_line_length_limit": "0",
    "smtp_tls_security_level": "none",
    "smtp_connect_timeout": "10s",
}


def check(configuration: Configuration) -> Tree:
    """Render a configuration, and let every daemon read it back; return the tree."""
    tree = render(configuration, {}, NOW)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, tree)
        check_pre(configuration, Postfix(root / "postfix-pre"))
        check_post(configuration, Postfix(root / "postfix-post"))
        check_bind(configuration, Bind(root / "chroot"), of_service(tree, "bind"))
        check_filter(configuration, root / "filter")
    return tree


@cache
def of_default(service: str) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, str]]]:
    """Return parameters, services and options of an instance for the default file."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, render(load(CASES["default"]), {}, NOW))
        postfix = Postfix(root / service)
        return postfix.parameters(), postfix.services(), postfix.options()


def check_pre(configuration: Configuration, postfix: Postfix) -> None:
    """Gate 1."""
    parameters, services, options = of_default("postfix-pre")
    fixed = {n: v for n, v in parameters.items() if n not in PRE_DECIDED and not n.startswith(("scan-", "listen_"))}
    assert postfix.parameters() == fixed | _pre_parameters(configuration)
    fixed = {n: v for n, v in services.items() if not n.startswith("scan-") and not n.endswith("/inet")}
    assert postfix.services() == fixed | _pre_services(configuration)
    assert postfix.options() == {"direct/unix": options["direct/unix"]} | _pre_options(configuration)
    _check_pre_tables(configuration, postfix)


def _own_names(configuration: Configuration) -> list[str]:
    gateway = configuration.settings.gateway
    return [gateway.hostname, gateway.outbound_hostname or f"out.{gateway.hostname}"]


def _verified(configuration: Configuration) -> list[str]:
    domains = configuration.settings.domains.items()
    return [n for n, d in domains if d.deliver == "relay" and d.recipients in (None, "verify")]


def _slots(configuration: Configuration) -> int:
    filter_ = configuration.settings.filter
    return filter_.max_transactions // filter_.workers * filter_.workers


def _hops(configuration: Configuration) -> tuple[str, str]:
    """Return the filter and gate 2 as gate 1 sees them: the 4th and 5th address of the 2nd and 4th eighth."""
    eighths = list(configuration.settings.gateway.subnet.subnets(prefixlen_diff=3))
    return f"[{eighths[1][4]}]:10025", f"[{eighths[3][5]}]:10026"


def _trusted(configuration: Configuration, listener: str) -> list[str]:
    table = configuration.settings.listen[listener]
    found = [n for name in (*table.networks, *table.trusted) for n in configuration.settings.networks[name]]
    return [str(n) if n.version == 4 else f"[{n.network_address}]/{n.prefixlen}" for n in found]


def _pre_parameters(configuration: Configuration) -> dict[str, str]:
    settings = configuration.settings
    scan, direct = _hops(configuration)
    found = {
        "myhostname": settings.gateway.hostname,
        "relay_domains": " ".join([*settings.domains, *_own_names(configuration)]),
        "relay_transport": f"scan-default:{scan}",
        "default_transport": f"scan-default:{scan}",
        "sender_dependent_default_transport_maps": f"inline:{{ {{ <> = direct:{direct} }} }}",
        "message_size_limit": str(settings.gateway.message_size_limit),
        "smtpd_sender_restrictions": "reject_non_fqdn_sender permit_mynetworks permit_sasl_authenticated "
        "check_sender_access texthash:$config_directory/sender_access"
        + (" reject_unknown_sender_domain" if settings.senders.require_dns else ""),
        "smtpd_recipient_restrictions": _recipient_restrictions(configuration),
    }
    if not any(address.ip.version == 6 for listener in settings.listen.values() for address in listener.addresses):
        found["inet_protocols"] = "ipv4"
    if settings.gateway.recipient_delimiter:
        found["recipient_delimiter"] = settings.gateway.recipient_delimiter
    for match in {rule.match for rule in settings.patterns}:
        found[f"{match}_checks"] = f"pcre:$config_directory/{match}_checks"
    for listener in settings.listen:
        if networks := _trusted(configuration, listener):
            found[f"listen_{listener.replace('-', '_')}_networks"] = ", ".join(networks)
    for policy in settings.policies:
        found |= {
            f"scan-{policy}_destination_concurrency_limit": str(_slots(configuration)),
            f"scan-{policy}_initial_destination_concurrency": str(_slots(configuration)),
            f"scan-{policy}_destination_concurrency_failed_cohort_limit": "10",
            f"scan-{policy}_destination_recipient_limit": "1000",
        }
    if _verified(configuration):
        found |= VERIFY | {
            "address_verify_relay_transport": f"direct:{direct}",
            "address_verify_default_transport": f"direct:{direct}",
            "address_verify_transport_maps": "",
            "address_verify_poll_count": "6",
        }
    return found


def _recipient_restrictions(configuration: Configuration) -> str:
    words = ["reject_non_fqdn_recipient", "reject_unlisted_recipient", "permit_mynetworks", "permit_sasl_authenticated"]
    for entry in configuration.settings.dnsbl.lists:
        zone = entry.partition("=")[0]
        listed = entry if "=" in entry else f"{zone}=127.[0..254].[0..255].[0..255]"
        words += ["warn_if_reject", "reject_rbl_client", f"{zone}=127.255.255.[0..255]", "reject_rbl_client", listed]
    if _verified(configuration):
        words += ["check_recipient_access", "texthash:$config_directory/verified_domains"]
    return " ".join(words)


def _sockets(configuration: Configuration, listener: str) -> list[str]:
    topology = configuration.topology
    port = topology.container_ports[listener]
    versions = {address.ip.version for address in configuration.settings.listen[listener].addresses} or {4}
    four = [f"{topology.networks['edge'][3]}:{port}"] if 4 in versions else []
    return four + ([f"[{topology.edge6[3]}]:{port}"] if 6 in versions else [])


def _pre_services(configuration: Configuration) -> dict[str, str]:
    settings = configuration.settings
    found = {f"scan-{policy}/unix": f"- - n - {_slots(configuration)} smtp" for policy in settings.policies}
    for listener in settings.listen:
        found |= {f"{socket}/inet": "n - n - - smtpd" for socket in _sockets(configuration, listener)}
    return found


def _pre_options(configuration: Configuration) -> dict[str, dict[str, str]]:
    settings = configuration.settings
    scan, direct = _hops(configuration)
    found = {}
    for policy in settings.policies:
        found[f"scan-{policy}/unix"] = SMTP_OPTIONS | {
            "smtp_helo_name": f"{policy}.policy.invalid",
            "smtp_data_done_timeout": f"{settings.filter.transaction_timeout + 60}s",
            "smtp_delivery_status_filter": r"pcre:{ { /^5(\.4\.[46] .*)/ 4$$1 } }",
        }
    for name, listener in settings.listen.items():
        told = {"syslog_name": f"postfix-pre/{name}"}
        if _trusted(configuration, name):
            told["mynetworks"] = f"$listen_{name.replace('-', '_')}_networks"
        if listener.networks:
            told["smtpd_client_restrictions"] = (
                "check_client_access cidr:$config_directory/bridge_gateways, permit_mynetworks, reject"
            )
        if not listener.filter:
            told["content_filter"] = f"direct:{direct}"
        elif _trusted(configuration, name):
            told["smtpd_data_restrictions"] = (
                "reject_unauth_pipelining, reject_multi_recipient_bounce, "
                f"check_sender_access inline:{{ {{ <> = FILTER scan-default:{scan} }} }}"
            )
        found |= {f"{socket}/inet": told for socket in _sockets(configuration, name)}
    return found


def _check_pre_tables(configuration: Configuration, postfix: Postfix) -> None:
    settings = configuration.settings
    scan, _direct = _hops(configuration)
    assert postfix.table("sender_access") == dict.fromkeys(settings.senders.reject, "REJECT")
    assert postfix.table("verified_domains") == dict.fromkeys(_verified(configuration), "reject_unverified_recipient")
    assert postfix.table("transport") == {
        name: f"scan-{domain.policy}:{scan}" for name, domain in settings.domains.items() if domain.policy != "default"
    }
    known = {*settings.mailboxes.addresses, *_aliases(configuration)}
    known |= {address for address in settings.canonical if address.rpartition("@")[2] in settings.domains}
    for name, domain in settings.domains.items():
        if domain.deliver == "relay":
            known |= set(domain.recipient_list) if domain.recipients == "list" else {f"@{name}"}
    assert postfix.table("relay_recipients") == dict.fromkeys(known, "OK")
    hidden = [str(configuration.topology.networks["edge"][1])]
    hidden += [str(configuration.topology.edge6[1])] if configuration.topology.ipv6 else []
    found = postfix.look_up(f"cidr:{postfix.directory / 'bridge_gateways'}", [*hidden, "192.0.2.1", "2001:db8::1"])
    assert found == dict.fromkeys(hidden, "WARN client address hidden by the container engine")


def _aliases(configuration: Configuration) -> dict[str, list[str]]:
    settings = configuration.settings
    boxes = settings.mailboxes.addresses
    names = [n for n, d in settings.domains.items() if d.deliver != "relay"] + _own_names(configuration)
    found = {
        f"postmaster@{name}": [settings.gateway.postmaster]
        for name in names
        if f"postmaster@{name}" not in {settings.gateway.postmaster, *boxes}
    }
    listed = [address for domain in settings.domains.values() for address in domain.recipient_list]
    found |= {a: [a] for a in [*boxes, *listed] if "@" + a.rpartition("@")[2] in settings.aliases}
    return found | dict(settings.aliases)


def check_post(configuration: Configuration, postfix: Postfix) -> None:
    """Gate 2."""
    settings = configuration.settings
    parameters, services, options = of_default("postfix-post")
    fixed = {name: value for name, value in parameters.items() if name not in POST_DECIDED}
    assert postfix.parameters() == fixed | _post_parameters(configuration)
    eighths = list(settings.gateway.subnet.subnets(prefixlen_diff=3))
    reinject, direct = f"{eighths[2][5]}:10026/inet", f"{eighths[3][5]}:10026/inet"
    fixed = {name: value for name, value in services.items() if not name.endswith("/inet")}
    assert postfix.services() == fixed | {
        reinject: f"n - n - {_slots(configuration) + 10} smtpd",
        direct: "n - n - - smtpd",
    }
    assert postfix.options() == {
        **{name: told for name, told in options.items() if not name.endswith("/inet")},
        reinject: {"syslog_name": "postfix-post/reinject"},
        direct: {"syslog_name": "postfix-post/direct"},
    }
    domains = settings.domains.items()
    assert postfix.table("mailboxes") == {a: "{1}/{0}/".format(*a.split("@")) for a in settings.mailboxes.addresses}
    assert postfix.table("aliases") == {name: ", ".join(to) for name, to in _aliases(configuration).items()}
    assert postfix.table("canonical") == settings.canonical
    assert postfix.table("transport") == {n: f"relay:{d.next_hop}" for n, d in domains if d.deliver == "relay"}
    assert postfix.table("verified_domains") == dict.fromkeys(_verified(configuration), "reject_unverified_recipient")


def _post_parameters(configuration: Configuration) -> dict[str, str]:
    settings = configuration.settings
    eighths = list(settings.gateway.subnet.subnets(prefixlen_diff=3))
    own = {address.ip for listener in settings.listen.values() for address in listener.addresses}
    four = sorted(ip for ip in own if ip.version == 4 and not ip.is_loopback and not ip.is_unspecified)
    by_kind = {
        kind: [name for name, domain in settings.domains.items() if domain.deliver == kind]
        for kind in ("mailbox", "alias", "relay")
    }
    found = {
        "myhostname": _own_names(configuration)[1],
        "mynetworks": f"!{eighths[2][1]}, {eighths[2]}, !{eighths[3][1]}, {eighths[3]}",
        "smtpd_recipient_restrictions": "permit_mynetworks reject",
        "smtpd_authorized_xforward_hosts": f"{eighths[2][4]}, {eighths[3][3]}",
        "smtpd_timeout": f"{settings.filter.transaction_timeout + 60}s",
        "message_size_limit": str(settings.gateway.message_size_limit + 2 * 2**20),
        "virtual_mailbox_domains": " ".join(by_kind["mailbox"]),
        "virtual_alias_domains": " ".join([*by_kind["alias"], *_own_names(configuration)]),
        "relay_domains": " ".join(by_kind["relay"]),
    }
    if four:
        found["proxy_interfaces"] = ", ".join(map(str, four))
    if settings.gateway.relayhost:
        found["relayhost"] = settings.gateway.relayhost
    if settings.gateway.recipient_delimiter:
        found["recipient_delimiter"] = settings.gateway.recipient_delimiter
    if _verified(configuration):
        probes = f"check_client_access inline:{{ {{ {eighths[3][3]} = verify_recipient }} }}"
        found |= VERIFY | {
            "address_verify_poll_count": "5",
            "smtpd_restriction_classes": "verify_recipient",
            "verify_recipient": "check_recipient_access texthash:$config_directory/verified_domains",
            "smtpd_recipient_restrictions": f"{probes} permit_mynetworks reject",
        }
    return found


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
        + [("zone", name) for name in [*served, *dns.zones, *dns.forward_zones]]
    )
    assert sorted(bind.loaded()) == sorted([*served, *dns.zones])
    for name, servers in dns.forward_zones.items():
        told = [((str(server),), None) for server in servers]
        assert zones[name] == {("type", "forward"): None, ("forward", "only"): None, ("forwarders",): told}
    for name, records in served.items():
        file = next(head[1] for head in zones[name] if head[0] == "file")
        assert set(zones[name]) == {("type", "primary"), ("file", file)}
        assert bind.records(name, file) == records
    _check_bind_options(configuration, statements)


def _check_bind_options(configuration: Configuration, statements: list) -> None:
    dns = configuration.settings.dns
    options = dict(next(body for head, body in statements if head == ("options",)))
    askers = ["appliance", "lan"] if dns.addresses else ["appliance"]
    for name in ("allow-query", "allow-query-cache", "allow-recursion"):
        assert [head for head, _ in options[(name,)]] == [(who,) for who in askers]
    assert [head for head, _ in options[("allow-transfer",)]] == [("none",)]
    assert [head for head, _ in options.get(("forwarders",), [])] == [(str(address),) for address in dns.forwarders]
    assert (("dnssec-validation", "auto" if dns.dnssec_validation else "no")) in options
    unsigned = [head for head, _ in options.get(("validate-except",), [])]
    assert unsigned == [(name,) for name in dns.forward_zones if dns.dnssec_validation]
    if dns.addresses:
        lan = next(body for head, body in statements if head == ("acl", "lan"))
        egress = list(configuration.settings.gateway.subnet.subnets(prefixlen_diff=3))[5]
        expected = [f"!{egress[1]}/32", *map(str, _private(configuration))]
        found = [head[0] if "/" in head[0] else f"{head[0]}/{'128' if ':' in head[0] else '32'}" for head, _ in lan]
        assert found == expected


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
            records.append((name, "A" if host.address.version == 4 else "AAAA", str(host.address)))
            if not (domain and f".{name}".endswith(f".{domain}")):
                zones.setdefault(name, set())
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


def check_filter(configuration: Configuration, directory: Path) -> None:
    """The yard: supervisor's programs, and what each worker loads."""
    settings = configuration.settings
    workers = settings.filter.workers
    assert programs(directory / "supervisord.conf") == {
        "EventListenerPoolConfig:fatal": [("fatal", "python -m gateway.operate.fatal")],
        "FastCGIGroupConfig:filter": [
            (f"filter-{number:02d}", "python -m gateway.worker /run/config/filter.toml") for number in range(workers)
        ],
    }
    told = load_worker(directory / "filter.toml")
    eighths = list(settings.gateway.subnet.subnets(prefixlen_diff=3))
    assert told.next_hops == ((str(eighths[2][5]), 10026),)
    assert told.helo_name == f"filter.{settings.gateway.hostname}"
    assert told.max_transactions * workers == _slots(configuration)
    assert told.max_message_octets == settings.gateway.message_size_limit + 2**20
    assert (told.reply_timeout_s, told.commit_timeout_s) == (
        settings.filter.reply_timeout,
        settings.filter.commit_timeout,
    )
    assert (told.log_format, told.log_level) == (settings.log.format, settings.log.level)
    assert told.xforward_peers == {str(eighths[1][3])}
    assert {name: list(policy.checks) for name, policy in told.policies.items()} == {
        name: list(policy.checks) for name, policy in settings.policies.items()
    }
