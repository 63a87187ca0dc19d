"""
A next hop that offers STARTTLS, under a certificate that it makes for the name "safe" and signs itself.

    python3 -m tests.stack.tls_sink DIRECTORY [PORT]

The certificate is /tmp/certificate.pem.  For the rest it is sink.py; old_tls_sink.py knows TLS 1.1 at most.
"""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from tests.stack.sink import Session, Sink, listen

CERTIFICATE, KEY = "/tmp/certificate.pem", "/tmp/key.pem"


def certified() -> ssl.SSLContext:
    """Make a certificate, and a context under it."""
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=safe"
    command = [*words.split(), "-addext", "subjectAltName=DNS:safe", "-keyout", KEY, "-out", CERTIFICATE]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


def safe(directory: Path) -> Session:
    """Make what holds one session."""
    return Sink(directory, certified()).serve


if __name__ == "__main__":
    listen(safe)
