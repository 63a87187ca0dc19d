"""Keys for DKIM signatures, made anew for each appliance: none is in the repository."""

from __future__ import annotations

import os
from pathlib import Path

from tests.stack.client import run

OWNER = 10001  # the filter's user; nobody else may read a key
MAX_STRING = 255  # octets of one string of a TXT record (RFC 1035 section 3.3.14)


def make_key(path: Path) -> str:
    """Make a private key as docs/dkim.md says, in a directory of its own; return its TXT record for a zone file."""
    path.parent.mkdir()
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(path))
    path.chmod(0o400)
    os.chown(path, OWNER, OWNER)
    pem = run("openssl", "pkey", "-in", str(path), "-pubout").stdout.splitlines()
    record = "v=DKIM1; k=rsa; p=" + "".join(line for line in pem if not line.startswith("-----"))
    return " ".join(f'"{record[at : at + MAX_STRING]}"' for at in range(0, len(record), MAX_STRING))
