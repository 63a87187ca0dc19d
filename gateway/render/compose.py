"""
The Compose override: what gateway.toml decides of compose.yaml, addresses, ports and the filter's memory.

compose.yaml carries the values of the default file, so that `docker compose up` alone works; for any other file
the override replaces them.  A test holds the two against each other.  A scanner, or Dovecot, is a profile there, and
has none here when the file wants it: so a plain `docker compose up` starts what the file of the last `make apply` asks
for.
"""

from __future__ import annotations

from typing import Any

from gateway.render import dovecot, scanners
from gateway.render.templates import fill
from gateway.settings.load import Configuration
from gateway.settings.sizes import memory, spool
from gateway.settings.topology import ATTACHED, MAILSTORE_PORTS, NETWORKS, Topology


def render_compose(configuration: Configuration) -> str:
    """Return the text of the override."""
    topology = configuration.topology
    ports = {
        "postfix-pre": _smtp_ports(configuration),
        "bind": _dns_ports(configuration),
        "dovecot": _mailstore_ports(configuration),
    }
    environment = scanners.environment(configuration)
    wanted = scanners.wanted(configuration.settings)
    if dovecot.wanted(configuration.settings):
        wanted.add("dovecot")
    # Nobody asks Dovecot there, so any address will do; the lower half of the network is full.
    guests = {"dovecot": [{"name": "resolver", "ipv4": None}]} if dovecot.asks_bind(configuration.settings) else {}
    secrets = scanners.secrets(configuration.settings)
    return fill(
        "compose.override.yaml",
        {
            "bind_address": topology.address("bind", "resolver"),
            "spool_mib": spool(configuration.settings) // 2**20,
            "memory_mib": memory(configuration.settings) // 2**20,
            "services": [
                {
                    "name": name,
                    "ports": ports.get(name, []),
                    "networks": [*_attachments(topology, name), *guests.get(name, [])],
                    "environment": environment.get(name, {}),
                    "wanted": name in wanted,
                    "secrets": list(secrets.get(name, {})) if name != "database" else [],  # which has them there
                }
                for name in dict.fromkeys((*ATTACHED, *environment))
            ],
            "networks": [_network(topology, name) for name in NETWORKS],
            "secrets": {name: file for files in secrets.values() for name, file in files.items()},
        },
    )


def _smtp_ports(configuration: Configuration) -> list[str]:
    ports = configuration.topology.container_ports
    listeners = configuration.settings.listen.items()
    return [f"{address}:{ports[name]}" for name, listener in listeners for address in listener.addresses]


def _dns_ports(configuration: Configuration) -> list[str]:
    addresses = configuration.settings.dns.addresses
    return [f"{address}:53/{protocol}" for address in addresses for protocol in ("udp", "tcp")]


def _mailstore_ports(configuration: Configuration) -> list[str]:
    mailstore = configuration.settings.mailstore
    return [f"{address}:{port}" for key, port in MAILSTORE_PORTS.items() for address in getattr(mailstore, key)]


def _attachments(topology: Topology, service: str) -> list[dict[str, Any]]:
    return [
        {
            "name": network,
            "ipv4": topology.address(service, network),
            "ipv6": topology.edge6_address(service) if network == "edge" and topology.ipv6 else None,
        }
        for network in ATTACHED.get(service, ())
    ]


def _network(topology: Topology, name: str) -> dict[str, Any]:
    ipv6 = name == "edge" and topology.ipv6
    return {
        "name": name,
        "subnet": topology.networks[name],
        "gateway": topology.address("gateway", name),
        "ip_range": topology.dynamic_range(name),
        "subnet6": topology.edge6 if ipv6 else None,
        "gateway6": topology.edge6_address("gateway") if ipv6 else None,
    }
