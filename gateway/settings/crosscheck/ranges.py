"""Ranges of addresses that the rules tell apart."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from gateway.settings.grammar import Network

# What a site may number its own hosts with: RFC 1918, RFC 6598, RFC 2544 and RFC 4193.
PRIVATE: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("198.18.0.0/15"),
    IPv6Network("fc00::/7"),
)

# What no client on a network has: this host, link-local, multicast, reserved, IPv4 in IPv6's clothes.
NO_CLIENTS: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("::/96"),
    IPv6Network("::ffff:0:0/96"),
    IPv6Network("fe80::/10"),
    IPv6Network("ff00::/8"),
)


def within(inner: Network, outer: Network) -> bool:
    """Return whether one network lies inside the other, or is it; False across IP versions."""
    return inner.version == outer.version and inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def is_private(network: Network) -> bool:
    """Return whether a whole network is of the site's own numbering."""
    return any(within(network, private) for private in PRIVATE)
