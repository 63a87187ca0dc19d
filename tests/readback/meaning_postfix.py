"""What a configuration means to gate 1, and what both gates share: parameters, services, options and tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.render.tree import render
from gateway.settings.load import Configuration, load
from gateway.settings.models import PatternRule
from tests.golden.cases import CASES, NOW, write
from tests.readback.daemons import Postfix
from tests.readback.meaning_directory import PRE, PROXYMAP, VERIFIED, with_tables
from tests.readback.meaning_logins import login_options, login_parameters, logins

# fmt: off
PRE_DECIDED = frozenset(
    [
        "myhostname", "inet_protocols", "recipient_delimiter", "relay_domains", "relay_transport", "default_transport",
        "message_size_limit", "smtpd_sender_restrictions",
        "smtpd_recipient_restrictions", "header_checks", "body_checks", "body_checks_size_limit",
        "disable_mime_input_processing", "smtpd_tls_chain_files",
    ]
)
# fmt: on
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

LONG_HEADER = "pcre:{ { /^(?:.{32768}){32}/ REJECT 5.3.4 Header field too long } }"


def _syntax(of: str, status: str) -> str:
    """Return the restriction that comes first: what no address may hold."""
    return f"check_{of}_access pcre:{{ {{ /[[:cntrl:]]|^.{{255}}/ 501 {status} Bad address syntax }} }} "


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
    assert postfix.parameters() == with_tables(configuration, fixed | _pre_parameters(configuration), PRE)
    fixed = {n: v for n, v in services.items() if not n.startswith("scan-") and not n.endswith("/inet")}
    assert postfix.services() == fixed | _pre_services(configuration)
    waits = PROXYMAP if configuration.settings.directory.url else {}
    assert postfix.options() == {"direct/unix": options["direct/unix"]} | _pre_options(configuration) | waits
    _check_pre_tables(configuration, postfix)


def own_names(configuration: Configuration) -> list[str]:
    """Return the names of both gates."""
    gateway = configuration.settings.gateway
    return [gateway.hostname, gateway.outbound_hostname or f"out.{gateway.hostname}"]


def verified(configuration: Configuration) -> list[str]:
    """Return the domains whose recipients the next hop is asked for."""
    domains = configuration.settings.domains.items()
    return [n for n, d in domains if d.deliver == "relay" and d.recipients in (None, "verify")]


def slots(configuration: Configuration) -> int:
    """Return how many transactions the workers take together."""
    filter_ = configuration.settings.filter
    return filter_.max_transactions // filter_.workers * filter_.workers


def _hops(configuration: Configuration) -> tuple[str, str]:
    """Return the filter and gate 2 as gate 1 sees them: the 4th and 5th address of the 2nd and 4th eighth."""
    eighths = list(configuration.settings.gateway.subnet.subnets(prefixlen_diff=3))
    return f"[{eighths[1][4]}]:10025", f"[{eighths[3][5]}]:10026"


def _route(configuration: Configuration, policy: str) -> str:
    """Return transport and next hop of a policy."""
    scan, direct = _hops(configuration)
    return f"direct:{direct}" if policy == "none" else f"scan-{policy}:{scan}"


def action(configuration: Configuration, rule: PatternRule) -> str:
    """Return what Postfix does about a pattern."""
    kind, _, policy = rule.action.partition(":")
    if kind == "filter":
        return f"FILTER {_route(configuration, policy)}"
    number = next(n for n, other in enumerate(configuration.settings.patterns, 1) if other is rule)
    return "REJECT" if kind == "reject" else f"{kind.upper()} matches number {number} of [[patterns]]"


def _trusted(configuration: Configuration, listener: str) -> list[str]:
    table = configuration.settings.listen[listener]
    found = [n for name in (*table.networks, *table.trusted) for n in configuration.settings.networks[name]]
    return [str(n) if n.version == 4 else f"[{n.network_address}]/{n.prefixlen}" for n in found]


def _pre_parameters(configuration: Configuration) -> dict[str, str]:
    settings = configuration.settings
    scan, direct = _hops(configuration)
    found = {
        "myhostname": settings.gateway.hostname,
        "relay_domains": " ".join([*settings.domains, *own_names(configuration)]),
        "relay_transport": f"scan-default:{scan}",
        "default_transport": f"scan-default:{scan}",
        "message_size_limit": str(settings.gateway.message_size_limit),
        **{
            f"smtp_{wait}_timeout": f"{settings.filter.transaction_timeout + 60}s"
            for wait in ("xforward", "mail", "rcpt", "data_init", "data_xfer", "data_done")
        },
        "smtpd_tls_chain_files": f"/rendered/self-signed/{settings.gateway.hostname}.pem",
        "smtpd_sender_restrictions": _syntax("sender", "5.1.7")
        + "reject_non_fqdn_sender permit_mynetworks permit_sasl_authenticated "
        "check_sender_access texthash:$config_directory/sender_access"
        + (" reject_unknown_sender_domain" if settings.senders.require_dns else ""),
        "smtpd_recipient_restrictions": _recipient_restrictions(configuration),
    }
    if not any(address.ip.version == 6 for listener in settings.listen.values() for address in listener.addresses):
        found["inet_protocols"] = "ipv4"
    if settings.gateway.recipient_delimiter:
        found["recipient_delimiter"] = settings.gateway.recipient_delimiter
    matched = {rule.match for rule in settings.patterns}
    found["header_checks"] = LONG_HEADER + (" pcre:$config_directory/header_checks" if "header" in matched else "")
    if "body" in matched:
        found |= {"body_checks": "pcre:$config_directory/body_checks", "body_checks_size_limit": "2147483647"}
    if not matched & {"header", "body"}:
        found["disable_mime_input_processing"] = "yes"
    for listener in settings.listen:
        if networks := _trusted(configuration, listener):
            found[f"listen_{listener.replace('-', '_')}_networks"] = ", ".join(networks)
    for policy in settings.policies:
        found |= {
            f"scan-{policy}_destination_concurrency_limit": str(slots(configuration)),
            f"scan-{policy}_initial_destination_concurrency": str(slots(configuration)),
            f"scan-{policy}_destination_concurrency_failed_cohort_limit": "10",
            f"scan-{policy}_destination_recipient_limit": "1000",
        }
    found |= login_parameters(configuration)
    if verified(configuration) or configuration.settings.directory.url:
        found |= VERIFY | {
            "address_verify_relay_transport": f"direct:{direct}",
            "address_verify_default_transport": f"direct:{direct}",
            "address_verify_transport_maps": "",
            "address_verify_poll_count": "6",
        }
    return found


def _recipient_restrictions(configuration: Configuration) -> str:
    words = [
        "reject_non_fqdn_recipient",
        "reject_unlisted_recipient",
        *(
            word
            for match in ("client", "sender", "recipient")
            if any(rule.match == match for rule in configuration.settings.patterns)
            for word in (f"check_{match}_access", f"pcre:$config_directory/{match}_patterns")
        ),
        "permit_mynetworks",
        "permit_sasl_authenticated",
    ]
    for entry in configuration.settings.dnsbl.lists:
        zone = entry.partition("=")[0]
        listed = entry if "=" in entry else f"{zone}=127.[0..254].[0..255].[0..255]"
        words += ["warn_if_reject", "reject_rbl_client", f"{zone}=127.255.255.[0..255]", "reject_rbl_client", listed]
    if verified(configuration):
        words += ["check_recipient_access", "texthash:$config_directory/verified_domains"]
    if configuration.settings.directory.url:
        words.append(VERIFIED)
    return _syntax("recipient", "5.1.3") + " ".join(words)


def _sockets(configuration: Configuration, listener: str) -> list[str]:
    topology = configuration.topology
    port = topology.container_ports[listener]
    versions = {address.ip.version for address in configuration.settings.listen[listener].addresses} or {4}
    four = [f"{topology.networks['edge'][3]}:{port}"] if 4 in versions else []
    return four + ([f"[{topology.edge6[3]}]:{port}"] if 6 in versions else [])


def _pre_services(configuration: Configuration) -> dict[str, str]:
    settings = configuration.settings
    found = {f"scan-{policy}/unix": f"- - n - {slots(configuration)} smtp" for policy in settings.policies}
    for listener in settings.listen:
        found |= {f"{socket}/inet": "n - n - - smtpd" for socket in _sockets(configuration, listener)}
    if any(listener.networks or listener.auth for listener in settings.listen.values()):
        found["cleanup-inside/unix"] = "n - n - 0 cleanup"
    if logins(configuration):
        found["auth-front/unix"] = "- n n - 0 spawn"
    if any(listener.recipients_per_hour for listener in logins(configuration).values()):
        found |= {"login-limit/unix": "- n n - 0 spawn", "127.0.0.1:10027/inet": "n - n - 1 anvil"}
    return found


def _pre_options(configuration: Configuration) -> dict[str, dict[str, str]]:
    settings = configuration.settings
    direct = _hops(configuration)[1]
    matched = {rule.match for rule in settings.patterns}
    own = {"header_checks": f"pcre:{{ {{ /^From: / FILTER direct:{direct} }} }}"}
    own |= {"disable_mime_input_processing": "yes"} if matched & {"header", "body"} else {}
    own |= {"body_checks": ""} if "body" in matched else {}
    found = {"cleanup-own/unix": own}
    for service in ("bounce", "defer", "trace"):
        found[f"{service}/unix"] = {
            "cleanup_service_name": "cleanup-own",
            "internal_mail_filter_classes": "bounce,notify",
        }
    for policy in settings.policies:
        found[f"scan-{policy}/unix"] = SMTP_OPTIONS | {
            "smtp_helo_name": f"{policy}.policy.invalid",
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
            told["cleanup_service_name"] = "cleanup-inside"
        if listener.auth:
            told |= login_options(listener)
            if listener.recipients_per_hour:
                found["127.0.0.1:10027/inet"] = {"anvil_rate_time_unit": "3600s"}
        if listener.networks or listener.auth:
            found["cleanup-inside/unix"] = {"message_drop_headers": "bcc,resent-bcc"}
        if not listener.filter or listener.policy:
            told["content_filter"] = _route(configuration, listener.policy if listener.filter else "none")
        found |= {f"{socket}/inet": told for socket in _sockets(configuration, name)}
    return found


def _check_pre_tables(configuration: Configuration, postfix: Postfix) -> None:
    settings = configuration.settings
    assert postfix.table("sender_access") == dict.fromkeys(settings.senders.reject, "REJECT")
    assert postfix.table("verified_domains") == dict.fromkeys(verified(configuration), "reject_unverified_recipient")
    assert postfix.table("transport") == {
        name: _route(configuration, domain.policy)
        for name, domain in settings.domains.items()
        if domain.policy != "default"
    }
    assert postfix.table("sender_policies") == {
        f"@{name}": _route(configuration, policy) for name, policy in settings.senders.policies.items()
    }
    known = {*settings.mailboxes.addresses, *aliases(configuration)}
    tables = settings.directory.url is not None  # they may have its domain
    known |= {address for address in settings.canonical if tables or address.rpartition("@")[2] in settings.domains}
    for name, domain in settings.domains.items():
        if domain.deliver == "relay":
            known |= set(domain.recipient_list) if domain.recipients == "list" else {f"@{name}"}
    assert postfix.table("relay_recipients") == dict.fromkeys(known, "OK")
    owned = {address: address for address in settings.mailboxes.addresses}
    owned |= {a: a for domain in settings.domains.values() for a in domain.recipient_list}
    assert (
        postfix.table("sender_logins").items() >= {a: o for a, o in owned.items() if a not in settings.aliases}.items()
    )
    assert set(postfix.table("sender_logins")) == {*owned, *settings.aliases}
    hidden = [str(configuration.topology.networks["edge"][1])]
    hidden += [str(configuration.topology.edge6[1])] if configuration.topology.ipv6 else []
    found = postfix.look_up(f"cidr:{postfix.directory / 'bridge_gateways'}", [*hidden, "192.0.2.1", "2001:db8::1"])
    assert found == dict.fromkeys(hidden, "WARN client address hidden by the container engine")


def aliases(configuration: Configuration) -> dict[str, list[str]]:
    """Return gate 2's aliases, those it makes for itself included."""
    settings = configuration.settings
    boxes = settings.mailboxes.addresses
    names = [n for n, d in settings.domains.items() if d.deliver != "relay"] + own_names(configuration)
    found = {
        f"postmaster@{name}": [settings.gateway.postmaster]
        for name in names
        if f"postmaster@{name}" not in {settings.gateway.postmaster, *boxes}
    }
    listed = [address for domain in settings.domains.values() for address in domain.recipient_list]
    caught = {a for a in [*boxes, *listed] if "@" + a.rpartition("@")[2] in settings.aliases}
    found |= {a: [a] for a in [*boxes, *listed] if a in caught or settings.directory.url}
    return found | dict(settings.aliases)
