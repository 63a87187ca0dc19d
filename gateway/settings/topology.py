"""
The container networks and addresses, cut out of [gateway] subnet.

The subnet is cut into eight equal parts; the first six become the networks of the appliance in the order of the
message's path, the seventh joins the filter with the scanners it asks, the eighth the gates with those who know the
people.  In each part the lower half holds the static addresses and the upper half is what Docker may hand out by
itself, so that a container attached later never takes the address of a gate that is down.
Next hops inside the appliance are these literals, never names: the name of a stopped container is NXDOMAIN to
Postfix, and NXDOMAIN bounces mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from gateway.settings.grammar import SocketAddress
from gateway.settings.models import Listener, Settings

NETWORKS = ("edge", "scan", "reinject", "direct", "resolver", "egress", "scanners", "directory")
INTERNAL = ("scan", "reinject", "direct", "resolver", "scanners", "directory")  # no route out of the appliance
HOSTS = {  # offset in each network; those of the scanners' and of the directory's never meet
    "gateway": 1,
    "bind": 2,
    "postfix-pre": 3,
    "filter": 4,
    "postfix-post": 5,
    "clamav": 6,
    "rspamd": 7,
    "dovecot": 6,
    "database": 7,
}
ATTACHED = {
    "bind": ("resolver", "egress"),
    "postfix-pre": ("edge", "scan", "direct", "resolver", "directory"),
    "filter": ("scan", "reinject", "resolver", "scanners"),
    "postfix-post": ("reinject", "direct", "resolver", "egress", "directory"),
    "clamav": ("resolver", "egress", "scanners"),  # egress: for its signatures
    "rspamd": ("resolver", "egress", "scanners"),  # and for its maps
    "dovecot": ("edge", "directory"),  # edge: people read their mail
    "database": ("directory",),
}
FILTER_PORT = 10025
REINJECT_PORT = 10026
AUTH_PORT = 12345  # dovecot's, for gate 1: no login is asked for, so it is on the inner network alone
LMTP_PORT = 24
MAILSTORE_PORTS = {"imaps": 993, "managesieve": 4190}  # in dovecot, on the edge
SCANNER_PORTS = {"clamav": 3310, "rspamd": 11333}
MIN_PREFIX, MAX_PREFIX = 16, 25  # of the subnet: eight parts of at least 16 addresses
NEXT_PORT = 1000  # added where two listeners would want one port of the container


@dataclass(frozen=True)
class Topology:
    """Addresses derived from the subnet; `ipv6` is True where somebody is listened to at an IPv6 address."""

    subnet: IPv4Network
    ipv6: bool
    container_ports: dict[str, int]  # listener -> port inside postfix-pre

    @classmethod
    def of(cls, settings: Settings) -> Topology:
        """Derive the topology of a loaded file."""
        addresses = [address for listener in settings.listen.values() for address in listener.addresses]
        addresses += [*settings.mailstore.imaps, *settings.mailstore.managesieve]
        ipv6 = any(address.ip.version == 6 for address in addresses)
        return cls(settings.gateway.subnet, ipv6, _container_ports(settings.listen))

    @cached_property
    def networks(self) -> dict[str, IPv4Network]:
        """Return the eight networks by name."""
        return dict(zip(NETWORKS, self.subnet.subnets(prefixlen_diff=3), strict=False))

    @cached_property
    def edge6(self) -> IPv6Network:
        """
        Return the IPv6 network of the edge: a unique local /64 that repeats the subnet's four octets.

        Source: RFC 4193.  Only clients' addresses matter there, so that it is never routed is fine.
        """
        return IPv6Network((0xFD53_616C << 96 | int(self.subnet.network_address) << 64, 64))

    def address(self, service: str, network: str) -> IPv4Address:
        """Return the static address of a service (or `gateway`, the bridge) in a network it is attached to."""
        if service != "gateway" and network not in ATTACHED[service]:
            raise KeyError(f"{service} is not attached to {network}")
        return self.networks[network][HOSTS[service]]

    def edge6_address(self, service: str) -> IPv6Address:
        """Return the IPv6 address of a service, or of the bridge (`gateway`), in the edge network."""
        return self.edge6[HOSTS[service]]

    def dynamic_range(self, network: str) -> IPv4Network:
        """Return the half of a network that Docker may hand out by itself."""
        return list(self.networks[network].subnets(prefixlen_diff=1))[1]

    @property
    def filter(self) -> SocketAddress:
        """Return where gate 1 hands mail to the filter."""
        return SocketAddress(self.address("filter", "scan"), FILTER_PORT)

    @property
    def post_reinject(self) -> SocketAddress:
        """Return where the filter hands mail to gate 2."""
        return SocketAddress(self.address("postfix-post", "reinject"), REINJECT_PORT)

    @property
    def post_direct(self) -> SocketAddress:
        """Return where gate 1 hands unfiltered mail, bounces and probes to gate 2."""
        return SocketAddress(self.address("postfix-post", "direct"), REINJECT_PORT)

    @property
    def lmtp(self) -> SocketAddress:
        """Return where gate 2 brings mail to the mailstore."""
        return SocketAddress(self.address("dovecot", "directory"), LMTP_PORT)

    @property
    def post_sieve(self) -> SocketAddress:
        """Return where the mailstore brings what a Sieve script sends: to gate 2."""
        return SocketAddress(self.address("postfix-post", "directory"), REINJECT_PORT)

    def scanner(self, service: str) -> SocketAddress:
        """Return where the filter asks a scanner of the appliance's own."""
        return SocketAddress(self.address(service, "scanners"), SCANNER_PORTS[service])


def _container_ports(listeners: dict[str, Listener]) -> dict[str, int]:
    """
    Give each listener a port of its own inside postfix-pre.

    That is the port of its first address, so that `docker ps` reads 25->25; a second listener on the same port of
    another address gets it plus NEXT_PORT.  The filter's ports are never taken.
    """
    ports: dict[str, int] = {}
    for name, listener in listeners.items():
        port = listener.addresses[0].port if listener.addresses else 25
        while port in (*ports.values(), FILTER_PORT, REINJECT_PORT):
            port = (port + NEXT_PORT - 1) % 65535 + 1
        ports[name] = port
    return ports
