"""
A next hop whose TLS is of before 2008: tls_sink.py with TLS 1.1 at most.

    python3 -m tests.stack.old_tls_sink DIRECTORY [PORT]
"""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.stack.sink import Session, Sink, listen
from tests.stack.tls_sink import certified


def old(directory: Path) -> Session:
    """Make what holds one session."""
    context = certified()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return Sink(directory, context).serve


if __name__ == "__main__":
    listen(old)
