"""
Certificate and key of [tls], in the directory secrets beside gateway.toml: read, and held against each other.

A pair that does not fit is a mistake of the file like any other.  One that has expired is not, though it is refused
where the file changes: time alone must not keep an appliance that starts from starting, and mail by port 25 from
coming in, for most senders look at no date.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from gateway.settings.accounts import Tls
from gateway.settings.mistakes import Problem

FOLDER = "secrets"
MAX_OCTETS = 2**18  # a chain is a few kilobytes


@dataclass(frozen=True)
class Certificate:
    """What there is to know of a certificate."""

    names: tuple[str, ...]  # that it is for; subjectAltName
    not_after: datetime
    fingerprint: str  # SHA-256, upper-case hexadecimal with colons, as openssl prints it
    self_signed: bool


def problems(folder: Path, tls: Tls) -> Iterator[Problem]:
    """
    Look for a pair with which no client could be served.

    Args:
        folder: Of gateway.toml.
        tls: [tls].
    """
    if tls.authorities is not None:
        yield from _authorities(folder / FOLDER / tls.authorities, tls.authorities)
    if tls.certificate is None or tls.key is None:
        return  # a rule across tables says that both belong together
    texts = {}
    for key, name in (("certificate", tls.certificate), ("key", tls.key)):
        try:
            texts[key] = _octets(folder / FOLDER / name)
        except OSError as error:
            yield Problem(("tls", key), f"{FOLDER}/{name} cannot be read ({error.strerror})")
    if len(texts) == 2:
        yield from _pair(tls, texts["certificate"], texts["key"])


def read(folder: Path, tls: Tls) -> Certificate | None:
    """Return what [tls] certificate is, of a file without problems; None where none is given."""
    return None if tls.certificate is None else facts(_octets(folder / FOLDER / tls.certificate))


def facts(pem: bytes) -> Certificate:
    """
    Return what there is to know of the first certificate of a chain.

    Raises:
        ValueError: There is none.
    """
    found = _first(pem)
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(alternatives.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    digest = found.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(names, found.not_valid_after_utc, digest, found.issuer == found.subject)


def refuse_expired(certificate: Certificate | None, now: datetime) -> None:
    """
    Refuse a certificate that no client would take any more.

    Raises:
        ValueError: It has expired.
    """
    if certificate is not None and certificate.not_after <= now:
        when = certificate.not_after.strftime("%Y-%m-%d %H:%M UTC")
        raise ValueError(f"[tls] certificate expired {when}; expected one that is valid")


def _authorities(path: Path, name: str) -> Iterator[Problem]:
    """Look into the certificates of those who may sign; without any all that is `secure` would wait."""
    try:
        _first(_octets(path))
    except OSError as error:
        yield Problem(("tls", "authorities"), f"{FOLDER}/{name} cannot be read ({error.strerror})")
    except ValueError:
        yield Problem(("tls", "authorities"), f"{FOLDER}/{name} holds no certificate; expected PEM in {FOLDER}/")


def _octets(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_OCTETS)


def _first(pem: bytes) -> x509.Certificate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities that clients take; only the key and the dates matter here
        return x509.load_pem_x509_certificates(pem)[0]


def _pair(tls: Tls, chain: bytes, key: bytes) -> Iterator[Problem]:
    """Hold a chain against a key; a key with a pass phrase is none that a server could use."""
    expected = f"expected PEM in {FOLDER}/"
    try:
        certificate = _first(chain)
    except ValueError:
        yield Problem(("tls", "certificate"), f"{FOLDER}/{tls.certificate} holds no certificate; {expected}")
        return
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except TypeError:
        yield Problem(("tls", "key"), f"{FOLDER}/{tls.key} has a pass phrase; expected a key without")
    except ValueError:
        yield Problem(("tls", "key"), f"{FOLDER}/{tls.key} holds no private key; {expected}")
    else:
        if private.public_key() != certificate.public_key():
            what = f"{FOLDER}/{tls.key} is not the key of {FOLDER}/{tls.certificate}, or other certificates stand first"
            yield Problem(("tls", "key"), f"{what}; expected its private key")
