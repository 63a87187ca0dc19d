"""
Dovecot's files: dovecot.conf, and the list of its listeners, which its health check asks.

It runs only where the file wants it: for logins at gate 1 ([listen.*] auth), or for the mailstore.  Whatever it
runs for, gate 1 finds logins at the same address, and mail is where Postfix would have put it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.render.templates import fill
from gateway.settings.grammar import SocketAddress
from gateway.settings.load import Configuration
from gateway.settings.models import Settings
from gateway.settings.topology import AUTH_PORT, Topology


@dataclass(frozen=True)
class Listener:
    """A socket of Dovecot's, and what it says before it is asked anything."""

    name: str
    address: SocketAddress
    greeting: str


def wanted(settings: Settings) -> bool:
    """Tell whether Dovecot runs: people log in to submit, or to read what is in the mailstore."""
    return settings.mailstore.enabled or any(listener.auth for listener in settings.listen.values())


def auth(topology: Topology) -> SocketAddress:
    """Return where gate 1 asks about logins."""
    return SocketAddress(topology.address("dovecot", "directory"), AUTH_PORT)


def render_dovecot(configuration: Configuration) -> dict[str, str]:
    """Return Dovecot's files: name -> text; none where it is not wanted."""
    settings, topology = configuration.settings, configuration.topology
    if not wanted(settings):
        return {}
    values = {
        "mailstore": settings.mailstore,
        "auth": auth(topology),
        "listeners": [Listener("auth", auth(topology), "VERSION\t1")],
    }
    return {name: fill(f"dovecot/{name}", values) for name in ("dovecot.conf", "listeners")}
