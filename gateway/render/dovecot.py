"""
Dovecot's files: dovecot.conf, what it includes for the mailstore and the directory, and the list of its listeners,
which its health check asks.

It runs only where the file wants it: for logins at gate 1 ([listen.*] auth), or for the mailstore.  Whatever it
runs for, gate 1 finds logins at the same address, and mail is where Postfix would have put it.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from gateway.directory.queries import logins
from gateway.render import directory
from gateway.render.mailboxes import own_quotas, userdbs
from gateway.render.names import outbound_hostname
from gateway.render.templates import fill
from gateway.render.tls import chain
from gateway.settings.accounts import FILES
from gateway.settings.grammar import SocketAddress
from gateway.settings.load import Configuration
from gateway.settings.models import Settings
from gateway.settings.topology import AUTH_PORT, MAILSTORE_PORTS, Topology

SITE_SCRIPT = "site.sieve"  # [mailstore] sieve, as it is
LOGIN_CHARACTERS = f"{string.ascii_letters}{string.digits}.@_+=~&'-"  # of grammar.address, and capitals


@dataclass(frozen=True)
class Listener:
    """A socket of Dovecot's, and what it says before it is asked anything."""

    name: str
    address: SocketAddress
    greeting: str


def wanted(settings: Settings) -> bool:
    """Tell whether Dovecot runs: people log in to submit, or to read what is in the mailstore."""
    return settings.mailstore.enabled or any(listener.auth for listener in settings.listen.values())


def asks_bind(settings: Settings) -> bool:
    """Tell whether its database is a server by a name that bind resolves; without a dot it is a container's."""
    url = settings.directory.url
    if url is None or "." not in url.host or not wanted(settings):
        return False
    try:
        ip_address(url.host)
    except ValueError:
        return True
    return False


def auth(topology: Topology) -> SocketAddress:
    """Return where gate 1 asks about logins."""
    return SocketAddress(topology.address("dovecot", "directory"), AUTH_PORT)


def render_dovecot(configuration: Configuration) -> dict[str, str]:
    """Return Dovecot's files: name -> text; none where it is not wanted."""
    settings, topology = configuration.settings, configuration.topology
    if not wanted(settings):
        return {}
    stored = settings.mailstore.enabled
    values = {
        "gateway": settings.gateway,
        "hostname": outbound_hostname(settings),
        "topology": topology,
        "mailstore": settings.mailstore,
        **_directory(configuration),
        "characters": LOGIN_CHARACTERS,
        "addresses": settings.mailboxes.addresses,
        "userdbs": userdbs(settings) if stored else [],
        "own_quotas": own_quotas(settings),
        "auth": auth(topology),
        "edge": _edge(topology),
        "ports": MAILSTORE_PORTS,
        "tls_chain": chain(configuration),
        "listeners": list(_listeners(settings, topology)),
    }
    names = ["dovecot.conf", "listeners"]
    if stored:
        names += ["mailstore.conf", "mailboxes"]
    if values["directory"]:
        names.append("directory.conf")
    files = {name: fill(f"dovecot/{name}", values) for name in names}
    return files | ({SITE_SCRIPT: configuration.site_sieve} if settings.mailstore.sieve else {})


def _directory(configuration: Configuration) -> dict[str, Any]:
    """Return what is asked of a database beside the files; `logins` is None where tables of others have none."""
    url, given = configuration.settings.directory.url, configuration.settings.directory.queries
    if url is None:
        return {"directory": False, "logins": None}
    return {
        "directory": configuration.settings.mailstore.enabled or logins(given) is not None,
        "logins": logins(given),
        "database": url,
        "file": f"{FILES}/{url.name}",
        "host": directory.host(configuration.topology, url),
        "outside": directory.outside(url),
        "connect_s": directory.CONNECT_S,
    }


def _listeners(settings: Settings, topology: Topology) -> Iterator[Listener]:
    yield Listener("auth", auth(topology), "VERSION\t1")
    if settings.mailstore.enabled:
        edge = topology.address("dovecot", "edge")
        yield Listener("lmtp", topology.lmtp, "220 ")
        yield Listener("imaps", SocketAddress(edge, MAILSTORE_PORTS["imaps"]), "* OK ")
        yield Listener("managesieve", SocketAddress(edge, MAILSTORE_PORTS["managesieve"]), '"IMPLEMENTATION" ')


def _edge(topology: Topology) -> list[str]:
    """Return where people reach it."""
    addresses = [str(topology.address("dovecot", "edge"))]
    return [*addresses, str(topology.edge6_address("dovecot"))] if topology.ipv6 else addresses
