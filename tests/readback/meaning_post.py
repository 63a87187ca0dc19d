"""What a configuration means to gate 2: parameters, services, options and tables."""

from __future__ import annotations

from gateway.settings.load import Configuration
from tests.readback.daemons import Postfix
from tests.readback.meaning_directory import POST, PROXYMAP, VERIFIED, with_tables
from tests.readback.meaning_postfix import VERIFY, aliases, of_default, own_names, slots, verified

# fmt: off
POST_DECIDED = frozenset(
    [
        "inet_protocols", "smtp_address_preference",
        "myhostname", "proxy_interfaces", "mynetworks", "smtpd_recipient_restrictions", "smtpd_restriction_classes",
        "verify_recipient", "smtpd_authorized_xforward_hosts", "smtpd_timeout", "message_size_limit",
        "recipient_delimiter", "virtual_mailbox_domains", "virtual_alias_domains", "relay_domains", "relayhost",
        "smtp_tls_policy_maps", "smtp_tls_mandatory_protocols", "smtp_tls_CAfile", "smtp_dns_support_level",
        "masquerade_domains", "masquerade_exceptions",
    ]
)
# fmt: on


VIRTUAL = ("virtual_mailbox_base", "virtual_mailbox_limit", "virtual_uid_maps", "virtual_gid_maps")  # of virtual(8)
SCRIPTS = {
    "syslog_name": "postfix-post/sieve",
    "smtpd_authorized_xforward_hosts": "",
    "receive_override_options": "",
}


def redirects(configuration: Configuration) -> list[str]:
    """Return the next hops that verdicts redirect to, each once, in the order of the file."""
    found = []
    for policy in configuration.settings.policies.values():
        outcomes = [policy.outside, policy.inside, *policy.verdicts.values(), *policy.verdicts_inside.values()]
        found += [outcome[len("redirect:") :] for outcome in outcomes if outcome.startswith("redirect:[")]
    return list(dict.fromkeys(found))


def check_post(configuration: Configuration, postfix: Postfix) -> None:
    """Gate 2."""
    settings = configuration.settings
    parameters, services, options = of_default("postfix-post")
    store = settings.mailstore.enabled
    decided = {*POST_DECIDED, *VIRTUAL} if store else POST_DECIDED
    fixed = {name: value for name, value in parameters.items() if name not in decided}
    assert postfix.parameters() == with_tables(configuration, fixed | _post_parameters(configuration), POST)
    eighths = list(settings.gateway.subnet.subnets(prefixlen_diff=3))
    reinject, direct = f"{eighths[2][5]}:10026/inet", f"{eighths[3][5]}:10026/inet"
    scripts = f"{eighths[7][5]}:10026/inet"
    fixed = {name: value for name, value in services.items() if not name.endswith("/inet")}
    doors = {f"{eighths[2][5]}:{port}/inet": hop for port, hop in enumerate(redirects(configuration), 10027)}
    assert postfix.services() == fixed | {
        **dict.fromkeys([reinject, *doors], f"n - n - {slots(configuration) + 10} smtpd"),
        direct: "n - n - - smtpd",
        **({scripts: "n - n - - smtpd", "lmtp/unix": "- - n - - lmtp"} if store else {}),
    }
    assert postfix.options() == {
        **{name: told for name, told in options.items() if not name.endswith("/inet")},
        reinject: {"syslog_name": "postfix-post/reinject"},
        direct: {"syslog_name": "postfix-post/direct"},
        **(PROXYMAP if settings.directory.url else {}),
        **{
            door: {
                "syslog_name": "postfix-post/redirect",
                "content_filter": f"relay:{hop}",
                "receive_override_options": "no_unknown_recipient_checks,no_address_mappings",
            }
            for door, hop in doors.items()
        },
        **({scripts: SCRIPTS | {"mynetworks": f"{eighths[7][6]},{eighths[7][5]}"}} if store else {}),
    }
    domains = settings.domains.items()
    assert postfix.table("mailboxes") == {a: "{1}/{0}/".format(*a.split("@")) for a in settings.mailboxes.addresses}
    assert postfix.table("aliases") == {name: ", ".join(to) for name, to in aliases(configuration).items()}
    assert postfix.table("canonical") == settings.canonical
    assert postfix.table("tls_policies") == {
        hop: "secure match=nexthop" if level == "secure" else level for hop, level in settings.tls.policies.items()
    }
    assert postfix.table("transport") == {n: f"relay:{d.next_hop}" for n, d in domains if d.deliver == "relay"}
    assert postfix.table("verified_domains") == dict.fromkeys(verified(configuration), "reject_unverified_recipient")


def _outbound_tls(configuration: Configuration) -> dict[str, str]:
    tls = configuration.settings.tls
    found = {}
    levels = tls.policies.values()
    if levels:
        found["smtp_tls_policy_maps"] = "texthash:$config_directory/tls_policies"
        found["smtp_tls_mandatory_protocols"] = ">=TLSv1.2"
    if "secure" in levels:
        public = "/etc/ssl/certs/ca-certificates.crt"
        found["smtp_tls_CAfile"] = f"/secrets/{tls.authorities}" if tls.authorities else public
    if "dane" in levels:
        found["smtp_dns_support_level"] = "dnssec"
    return found


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
        "myhostname": own_names(configuration)[1],
        "mynetworks": f"!{eighths[2][1]}, {eighths[2]}, !{eighths[3][1]}, {eighths[3]}",
        "smtpd_recipient_restrictions": "permit_mynetworks reject",
        "smtpd_authorized_xforward_hosts": f"{eighths[2][4]}, {eighths[3][3]}",
        "smtpd_timeout": f"{settings.filter.transaction_timeout + 60}s",
        "message_size_limit": str(settings.gateway.message_size_limit + 2 * 2**20),
        "virtual_mailbox_domains": " ".join(by_kind["mailbox"]),
        "virtual_alias_domains": " ".join([*by_kind["alias"], *own_names(configuration)]),
        "relay_domains": " ".join(by_kind["relay"]),
    } | _outbound_tls(configuration)
    if settings.mailstore.enabled:
        found |= {"virtual_transport": f"lmtp:inet:{eighths[7][6]}:24", "lmtp_line_length_limit": "0"}
    read_at = {address.ip for address in (*settings.mailstore.imaps, *settings.mailstore.managesieve)}
    if any(ip.version == 6 for ip in own | read_at):
        found["smtp_address_preference"] = "ipv4"
    else:
        found["inet_protocols"] = "ipv4"
    if four:
        found["proxy_interfaces"] = ", ".join(map(str, four))
    if settings.masquerade.domains:
        found["masquerade_domains"] = ", ".join(settings.masquerade.domains)
    if settings.masquerade.exceptions:
        found["masquerade_exceptions"] = ", ".join(settings.masquerade.exceptions)
    if settings.gateway.relayhost:
        found["relayhost"] = settings.gateway.relayhost
    if settings.gateway.recipient_delimiter:
        found["recipient_delimiter"] = settings.gateway.recipient_delimiter
    directory = configuration.settings.directory.url is not None
    if verified(configuration) or directory:
        probes = f"check_client_access inline:{{ {{ {eighths[3][3]} = verify_recipient }} }}"
        found |= VERIFY | {
            "address_verify_poll_count": "5",
            "smtpd_restriction_classes": "verify_recipient",
            "verify_recipient": "check_recipient_access texthash:$config_directory/verified_domains",
            "smtpd_recipient_restrictions": f"{probes} permit_mynetworks reject",
        }
    if directory:
        found["verify_recipient"] += f" {VERIFIED}"
        found["proxy_read_maps"] = (
            "$local_recipient_maps $relay_domains $transport_maps $virtual_alias_domains $virtual_alias_maps "
            "$virtual_mailbox_domains $virtual_mailbox_maps $verify_recipient"
        )
    return found
