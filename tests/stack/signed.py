"""Zones on a server of their own, signed or not: what bind asks for others is answered here."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from tests.stack.appliance import Appliance
from tests.stack.client import Client

CONFIG = """
options {
	directory "/tmp"; pid-file none; session-keyfile none;
	listen-on { any; }; listen-on-v6 { none; }; recursion no; dnssec-validation no;
};
"""
HEAD = """
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 300
@ IN NS ns
ns IN A 192.0.2.53
"""


def zone(name: str, records: str) -> str:
    """Write a zone file; names in *records* are relative."""
    return f"$ORIGIN {name}.\n{HEAD}{records}\n"


def sign(name: str, text: str) -> tuple[str, str]:
    """Sign a zone file by a key made for it; return it, and the data of its DS record."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    made = dns.zone.from_text(text, name, relativize=False)
    with made.writer() as writer:
        dns.dnssec.sign_zone(made, writer, keys=[(key, public)], dnskey_ttl=300, lifetime=86_400)
    ds = dns.dnssec.make_ds(dns.name.from_text(name), public, "SHA256")
    return made.to_text(relativize=False), ds.to_text()


def serve(appliance: Appliance, zones: dict[str, str]) -> Client:
    """Start a server for zone files, by name, on the network where bind asks."""
    server = appliance.client("names", network="egress", image=f"sallyport-bind:{appliance.project}")
    statements = "".join(f'zone "{name}" {{ type primary; file "/tmp/{name}"; }};\n' for name in zones)
    for path, text in {"named.conf": CONFIG + statements, **zones}.items():
        server.sh(f"cat >/tmp/{path}", stdin=text)
    server.sh("named -c /tmp/named.conf")
    return server
