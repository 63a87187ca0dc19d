"""Pairs of key and certificate for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.render.self_signed import LIFETIME, made


def pair(hostname="mx.example.test", *, lasts=timedelta(days=365)):
    """Return certificate and key, as PEM."""
    both = made(hostname, datetime.now(UTC) - LIFETIME + lasts)
    key, marker, certificate = both.partition(b"-----BEGIN CERTIFICATE-----")
    return marker + certificate, key


def put(folder, certificate, key):
    """Write a pair where [tls] looks for it, beside gateway.toml."""
    (folder / "secrets").mkdir(exist_ok=True)
    for name, octets in (("cert.pem", certificate), ("key.pem", key)):
        (folder / "secrets" / name).write_bytes(octets)
        (folder / "secrets" / name).chmod(0o400)


TLS = '[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n'
