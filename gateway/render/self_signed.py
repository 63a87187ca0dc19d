"""
The certificate that signs itself, for a file that names none: made once, and then kept in the rendered volume.

It is there before any daemon starts, since rendering is, and it survives what the volume survives.  Whoever trusts
it trusts it for good, so it lasts long and is made anew for another hostname only.  Key and certificate are in one
file, which root alone may read: bind and the filter, which see the volume too, run as others and without a capability.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.render.tls import self_signed_name
from gateway.settings.load import Configuration

LIFETIME = timedelta(days=3650)
MAX_COMMON_NAME = 64  # characters; X.520 ub-common-name


def keep(configuration: Configuration, rendered: Path) -> None:
    """
    Make the certificate of this file, unless it names one, or it was made before.

    Args:
        configuration: The loaded file.
        rendered: Root of the volume.

    Raises:
        OSError: It could not be written whole; nothing is left of it then.
    """
    path = rendered / self_signed_name(configuration.settings.gateway.hostname)
    if configuration.certificate is not None or path.exists():
        return
    path.parent.mkdir(mode=0o700, exist_ok=True)
    hidden = path.with_name(f".{os.getpid()}.pem")
    try:
        with os.fdopen(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made(configuration.settings.gateway.hostname, datetime.now(UTC)))
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)


def made(hostname: str, now: datetime) -> bytes:
    """Return a key (P-256) and a certificate for one name, as PEM, the key first."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:MAX_COMMON_NAME])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # for clients whose clock is behind
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
