"""
Both Postfix instances: what main.cf, master.cf and the tables say.

Gate 1 sees every domain of the site as a relay domain: it knows the recipients and routes to the filter.  Gate 2
knows how each domain is delivered.  So that one fact has one home, values that both need (domains, recipients,
limits) are derived here once.

Tables are `texthash:` and `pcre:`, read whole when a process starts: there is no postmap step, and a table is
never half new.  Every table is rendered even when it is empty, so that a process that starts while a new
configuration is put in place finds all it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from gateway.render import directory, dovecot, tls
from gateway.render.logins import sender_logins
from gateway.render.names import outbound_hostname
from gateway.render.routes import Entry, doors, hop, patterns, recipient_routes, sender_routes, transport
from gateway.render.templates import fill
from gateway.settings.grammar import Network, SocketAddress
from gateway.settings.load import Configuration
from gateway.settings.models import Domain, Settings
from gateway.settings.sizes import FILTER_HEADROOM, slots
from gateway.settings.topology import Topology

LOGIN_LIMIT = SocketAddress(IPv4Address("127.0.0.1"), 10027)  # of the anvil that counts by login, inside gate 1
RECIPIENT_LIMIT = 1000  # recipients of one transaction through the filter; smtpd_recipient_limit's default
SPARE_SLOTS = 10  # of the 10026 listener: idle pooled connections and health checks
FILTER_WAITS = ("xforward", "mail", "rcpt", "data_init", "data_xfer", "data_done")  # smtp_*_timeout of gate 1
TRANSACTION_MARGIN_S = 60  # each outer time-out exceeds the inner one by this
POST_HEADROOM = 2 * FILTER_HEADROOM

PRE_TABLES = (
    "relay_recipients",
    "transport",
    "sender_policies",
    "sender_access",
    "sender_logins",
    "bridge_gateways",
    "client_patterns",
    "sender_patterns",
    "recipient_patterns",
    "header_checks",
    "body_checks",
)
MATCHES = ("client", "sender", "recipient", "header", "body")  # of [[patterns]]
POST_TABLES = ("mailboxes", "transport", "aliases", "canonical", "tls_policies")


@dataclass(frozen=True)
class ListenerView:
    """One [listen.*] table as master.cf needs it."""

    name: str
    sockets: list[str]  # address:port inside postfix-pre
    parameter: str  # of main.cf, lists the trusted networks; no parameter of Postfix's own begins with listen_
    trusted: list[str]  # networks whose clients may relay, as Postfix writes them
    inside_only: bool
    content_filter: str  # transport and next hop of all that comes in here; empty where recipients and senders decide
    auth: bool = False
    implicit_tls: bool = False
    hide_client: bool = False
    logins_per_minute: int = 0  # of one address; 0 is any number
    recipients_per_hour: int = 0  # of one login; 0 is any number


@dataclass(frozen=True)
class Blocklist:
    """A DNS blocklist and the answers that mean "listed"."""

    zone: str
    answers: str


def render_pre(configuration: Configuration) -> dict[str, str]:
    """Return gate 1's files: name -> text."""
    settings, topology = configuration.settings, configuration.topology
    views = listeners(settings, topology)
    questions = directory.pre_questions(settings)
    values = _shared(settings, topology) | {
        "directory": directory.view(settings, questions),
        "listeners": views,
        "has_inside": any(view.inside_only or view.auth for view in views),
        "has_logins": any(view.auth for view in views),
        "has_login_limit": any(view.recipients_per_hour for view in views),
        "auth": dovecot.auth(topology),
        "login_limit": LOGIN_LIMIT,
        "tls_chain": tls.chain(configuration),
        "sender_logins": sender_logins(settings),
        "domains": [*settings.domains, *own_names(settings)],
        "policies": list(settings.policies),
        "filter_hop": hop(topology.filter),
        "slots": slots(settings),
        "filter_waits": FILTER_WAITS,
        "filter_timeout": settings.filter.transaction_timeout + TRANSACTION_MARGIN_S,
        "require_dns": settings.senders.require_dns,
        "dnsbls": [_blocklist(entry) for entry in settings.dnsbl.lists],
        "known_recipients": known_recipients(settings),
        "routes": recipient_routes(settings, topology),
        "sender_routes": sender_routes(settings, topology),
        "rejected_senders": settings.senders.reject,
        "bridge_gateways": _bridge_gateways(topology),
        **{f"{match}_patterns": patterns(settings, topology, match) for match in MATCHES},
    }
    files = {name: fill(f"postfix-pre/{name}", values) for name in ("main.cf", "master.cf", *PRE_TABLES)}
    return files | {"verified_domains": fill("verified_domains", values)} | directory.files(configuration, questions)


def render_post(configuration: Configuration) -> dict[str, str]:
    """Return gate 2's files: name -> text."""
    settings, topology = configuration.settings, configuration.topology
    questions = directory.post_questions(settings)
    values = _shared(settings, topology) | {
        "directory": directory.view(settings, questions),
        "outbound_hostname": outbound_hostname(settings),
        "proxy_interfaces": _proxy_interfaces(settings),
        "mynetworks": [
            entry
            for network in ("reinject", "direct")
            for entry in (f"!{topology.address('gateway', network)}", str(topology.networks[network]))
        ],
        "pre_address": topology.address("postfix-pre", "direct"),
        "mailstore": settings.mailstore.enabled,
        "xforward_hosts": [topology.address("filter", "reinject"), topology.address("postfix-pre", "direct")],
        "smtpd_timeout": settings.filter.transaction_timeout + TRANSACTION_MARGIN_S,
        "message_size_limit": settings.gateway.message_size_limit + POST_HEADROOM,
        "reinject_slots": slots(settings) + SPARE_SLOTS,
        "post_reinject": topology.post_reinject,
        "post_direct": topology.post_direct,
        "doors": [Entry(next_hop, str(door)) for next_hop, door in doors(settings, topology).items()],
        "mailbox_domains": _domains(settings, "mailbox"),
        "alias_domains": [*_domains(settings, "alias"), *own_names(settings)],
        "relay_domains": _domains(settings, "relay"),
        "mailboxes": [Entry(address, _maildir(address)) for address in settings.mailboxes.addresses],
        "next_hops": [
            Entry(name, f"relay:{domain.next_hop}")
            for name, domain in settings.domains.items()
            if domain.deliver == "relay"
        ],
        "aliases": [Entry(address, ", ".join(to)) for address, to in aliases(settings).items()],
        "masquerade": settings.masquerade,
        "canonical": [Entry(address, target) for address, target in settings.canonical.items()],
        **tls.outbound(settings),
    }
    files = {name: fill(f"postfix-post/{name}", values) for name in ("main.cf", "master.cf", *POST_TABLES)}
    return files | {"verified_domains": fill("verified_domains", values)} | directory.files(configuration, questions)


def listeners(settings: Settings, topology: Topology) -> list[ListenerView]:
    """Return the listeners of gate 1, in the order of the file."""
    views = []
    for name, listener in settings.listen.items():
        port = topology.container_ports[name]
        versions = {address.ip.version for address in listener.addresses} or {4}
        sockets = [str(SocketAddress(topology.address("postfix-pre", "edge"), port))] if 4 in versions else []
        if 6 in versions:
            sockets.append(str(SocketAddress(topology.edge6_address("postfix-pre"), port)))
        trusted = [
            _postfix_network(network)
            for reference in dict.fromkeys([*listener.networks, *listener.trusted])
            for network in settings.networks[reference]
        ]
        views.append(
            ListenerView(
                name=name,
                sockets=sockets,
                parameter=f"listen_{name.replace('-', '_')}_networks",
                trusted=trusted,
                inside_only=bool(listener.networks),
                auth=listener.auth,
                implicit_tls=listener.tls == "implicit",
                hide_client=listener.hide_client,
                logins_per_minute=listener.logins_per_minute if listener.auth else 0,
                recipients_per_hour=listener.recipients_per_hour if listener.auth else 0,
                content_filter=transport(topology, listener.forced) if listener.forced else "",
            )
        )
    return views


def aliases(settings: Settings) -> dict[str, list[str]]:
    """
    Return all aliases of gate 2: the postmasters', those of the file, and what @domain must not catch.

    Postfix expands aliases before it looks for mailboxes, so beside an alias @domain each mailbox (or listed
    recipient of a relay domain) needs an alias to itself to get its own mail.  A directory may have such an alias for
    a domain of the file.

    Source: RFC 5321 section 4.5.1: each domain that is delivered here must have a postmaster; virtual(5).
    """
    names = [*_domains(settings, "mailbox"), *_domains(settings, "alias"), *own_names(settings)]
    postmasters = {f"postmaster@{name}": [settings.gateway.postmaster] for name in names}
    taken = {settings.gateway.postmaster, *settings.mailboxes.addresses}
    made = {address: to for address, to in postmasters.items() if address not in taken}
    listed = [address for domain in settings.domains.values() for address in domain.recipient_list]
    for address in (*settings.mailboxes.addresses, *listed):
        if settings.directory.url or f"@{address.rpartition('@')[2]}" in settings.aliases:
            made[address] = [address]
    return made | settings.aliases


def known_recipients(settings: Settings) -> list[str]:
    """Return what gate 1 takes at RCPT: addresses, and @domain where the next hop knows better or nobody does."""
    known = [*settings.mailboxes.addresses, *aliases(settings)]
    known += [address for address in settings.canonical if _may_be_ours(settings, address.rpartition("@")[2])]
    for name, domain in settings.domains.items():
        if domain.deliver == "relay":
            known += domain.recipient_list if recipients_of(domain) == "list" else [f"@{name}"]
    return list(dict.fromkeys(known))


def _may_be_ours(settings: Settings, domain: str) -> bool:
    """Return whether a domain is in the file, or may be in a directory; gate 1 refuses all others first."""
    return domain in settings.domains or settings.directory.url is not None


def recipients_of(domain: Domain) -> str:
    """Return how gate 1 knows the recipients of a domain: `list`, `verify` or `any`."""
    return domain.recipients or ("verify" if domain.deliver == "relay" else "list")


def _shared(settings: Settings, topology: Topology) -> dict[str, Any]:
    return {
        "gateway": settings.gateway,
        "topology": topology,
        "post_hop": hop(topology.post_direct),
        "recipient_limit": RECIPIENT_LIMIT,
        "verified": [name for name, domain in settings.domains.items() if recipients_of(domain) == "verify"],
    }


def _domains(settings: Settings, deliver: str) -> list[str]:
    return [name for name, domain in settings.domains.items() if domain.deliver == deliver]


def own_names(settings: Settings) -> list[str]:
    """Return the gates' own names, which get mail for the postmaster, unless they are domains of the site too."""
    names = (settings.gateway.hostname, outbound_hostname(settings))
    return [name for name in names if name not in settings.domains]


def _bridge_gateways(topology: Topology) -> list[str]:
    gateways = [str(topology.address("gateway", "edge"))]
    return [*gateways, str(topology.edge6_address("gateway"))] if topology.ipv6 else gateways


def _blocklist(entry: str) -> Blocklist:
    """Split a list entry; without a pattern every 127.x answer but 127.255.x means "listed" (RFC 5782 2.1)."""
    zone, _, answers = entry.partition("=")
    return Blocklist(zone, answers or "127.[0..254].[0..255].[0..255]")


def _maildir(address: str) -> str:
    """Return a mailbox's directory below virtual_mailbox_base; the slash at the end makes it a Maildir."""
    local, _, domain = address.rpartition("@")
    return f"{domain}/{local}/"


def _proxy_interfaces(settings: Settings) -> list[str]:
    """
    Return the host addresses of the listeners, by which Postfix finds that an MX names this very gateway.

    IPv4 only, as gate 2 is: an IPv6 address here is fatal to every daemon under inet_protocols = ipv4.
    """
    addresses = {address.ip for listener in settings.listen.values() for address in listener.addresses}
    own = {a for a in addresses if isinstance(a, IPv4Address) and not a.is_loopback and not a.is_unspecified}
    return [str(address) for address in sorted(own)]


def _postfix_network(network: Network) -> str:
    """Write a network as mynetworks wants it: an IPv6 address in brackets."""
    if network.version == 4:
        return str(network)
    return f"[{network.network_address}]/{network.prefixlen}"
