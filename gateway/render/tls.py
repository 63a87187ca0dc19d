"""
TLS as the gates' settings say it: which key and certificate, and how mail leaves.

Facts of the certificate are written beside it as comments: a renewed one then makes a new generation, and so
`make apply` has gate 1 and Dovecot read it.  Those of one that signs itself are not, for it is made once and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.render.routes import Entry
from gateway.settings.load import Configuration
from gateway.settings.models import Settings

SECRETS = "/secrets"  # in both gates and in dovecot: config/secrets of the host, read-only
SELF_SIGNED = "self-signed"  # directory in the rendered volume, whose files root alone may read
PUBLIC_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
LEVELS = {"secure": "secure match=nexthop"}  # of tls.policies that Postfix has another word for


@dataclass(frozen=True)
class Chain:
    """What a daemon is told of our certificate."""

    certificate: str  # path; ours, then intermediates
    key: str  # path
    facts: list[str]  # about it, for people and for the next comparison

    @property
    def files(self) -> list[str]:
        """Return the files as smtpd_tls_chain_files wants them: key first, each once."""
        return list(dict.fromkeys([self.key, self.certificate]))


def self_signed_name(hostname: str) -> str:
    """Return the file, below the rendered volume, of the certificate that signs itself, its key before it."""
    return f"{SELF_SIGNED}/{hostname}.pem"


def chain(configuration: Configuration) -> Chain:
    """Return which certificate the listeners show."""
    tls, certificate = configuration.settings.tls, configuration.certificate
    if certificate is None:
        path = f"/rendered/{self_signed_name(configuration.settings.gateway.hostname)}"
        return Chain(path, path, ["Made by itself and signed by nobody: [tls] names no certificate."])
    until = certificate.not_after.strftime("%Y-%m-%d")
    facts = [f"For {', '.join(certificate.names) or 'no name'}, until {until}; SHA-256", certificate.fingerprint]
    return Chain(f"{SECRETS}/{tls.certificate}", f"{SECRETS}/{tls.key}", facts)


def outbound(settings: Settings) -> dict[str, Any]:
    """Return what gate 2 is told of how mail leaves."""
    policies = settings.tls.policies
    authorities = f"{SECRETS}/{settings.tls.authorities}" if settings.tls.authorities else PUBLIC_AUTHORITIES
    return {
        "tls_policies": [Entry(hop, LEVELS.get(level, level)) for hop, level in policies.items()],
        "authorities": authorities if "secure" in policies.values() else "",
        "dnssec": "dane" in policies.values(),
    }
