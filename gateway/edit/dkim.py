"""
dkim: sign what leaves, as it leaves, with the key of its author's domain.

Only mail of clients that may relay, or have authenticated, is signed: what a stranger sends in our name would be our
word for a forgery.  So mail of a list is signed when the list's server is such a client and From names a domain with
a key.  From must be one field with one domain, else there is nobody to sign for.

relaxed/relaxed, for the hops behind us fold and strip; From, Subject, Date and To are signed once more than they are
there, so that nobody adds another.  dkimpy signs; the body's hash is ours (message/body_hash.py says why), and what
dkimpy would split into lines, the whole message, it never gets.

Keys are read when the settings are: PEM, RSA of 1024 to 4096 bits or Ed25519 (RFC 8463), readable by the filter's
user alone.  dkimpy's RSA is Python's pow(): its time tells something of the key to whoever can measure it closely,
which nobody can through two queues.

Source: RFC 6376 sections 5.4 and 5.5; RFC 8301 for the size of keys.
"""

import base64
import binascii
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dkim
import nacl.signing
from dkim.asn1 import ASN1FormatError
from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import UnparsableKeyError, parse_private_key

from gateway.message.author import author
from gateway.message.body_hash import BodyHash
from gateway.message.edit import Splice
from gateway.message.failure import Deferral
from gateway.message.header import Header, read_header
from gateway.message.mail import MailObject
from gateway.message.reply import own_fault

NOT_SIGNED = own_fault(451, "4.7.5", "message cannot be signed now")
MAX_TIMES = 20  # fields of one name that are signed, the last ones
_OVERSIGNED = frozenset({b"from", b"subject", b"date", b"to"})
_SIGNED = (*sorted(dkim.DKIM.SHOULD), b"list-unsubscribe-post", b"archived-at", b"message-id-hash")
_PEM = re.compile(rb"-----BEGIN (?:RSA )?PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END")
_ED25519 = bytes.fromhex("302e020100300506032b657004220420")  # PKCS #8 before the 32 octets, RFC 8410 section 7


@dataclass(frozen=True, slots=True)
class Key:
    """What signs for a domain."""

    domain: bytes
    selector: bytes
    algorithm: bytes  # as in a=
    private: Any  # of dkimpy for RSA, of PyNaCl for Ed25519; None for `gateway explain`, which signs nothing

    def __repr__(self) -> str:
        """Name it without what is secret."""
        return f"Key({self.selector!r}, {self.domain!r}, {self.algorithm!r})"


def load_key(domain: str, selector: str, path: Path) -> Key:
    """
    Read a private key.

    Raises:
        ValueError: what was expected of the file; nothing of what is in it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ValueError(f"{path} for its owner alone (chmod 400)")
        pem = _PEM.search(path.read_bytes())
        der = base64.b64decode(pem[1]) if pem else b""
    except OSError as error:
        raise ValueError(f"{path} readable by the filter's user ({error.strerror})") from None
    except binascii.Error:
        der = b""
    if der.startswith(_ED25519) and len(der) == len(_ED25519) + 32:
        private: Any = nacl.signing.SigningKey(der[len(_ED25519) :])
        algorithm = b"ed25519-sha256"
    else:
        private, algorithm = _rsa(path, der), b"rsa-sha256"
    return Key(domain.encode("ascii"), selector.encode("ascii"), algorithm, private)


def _rsa(path: Path, der: bytes) -> Any:  # noqa: ANN401 - a dictionary of dkimpy's
    try:
        private = parse_private_key(der)
    except (UnparsableKeyError, ASN1FormatError, AssertionError, IndexError):
        raise ValueError(f"{path} to be a private key without a password in PEM, RSA or Ed25519") from None
    if not 1024 <= private["modulus"].bit_length() <= 4096:
        raise ValueError(f"{path} to have 1024 to 4096 bits")
    if private["prime1"] * private["prime2"] != private["modulus"]:
        raise ValueError(f"{path} to be a whole key")
    return private


class Signer:
    """Signs for the domains that have a key."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = keys  # by domain, in lower case

    def key_for(self, header: Header, *, inside: bool) -> Key | None:
        """Give the key that a message is to be signed with, if any."""
        domain = author(header).domain if inside else None
        return self._keys.get(domain) if domain else None


def sign(key: Key, mail: MailObject, content: Iterable[bytes]) -> Splice:
    """
    Sign a message; takes milliseconds of processor time for RSA.

    Args:
        key: Of Signer.key_for().
        mail: As the splices found it.
        content: As it will leave, in slices.

    Returns:
        The splice that puts DKIM-Signature before all else.

    Raises:
        Deferral: it could not be signed; it must not leave as if there were no key.
    """
    try:
        return Splice(0, 0, _signature(key, content))
    except Exception as error:
        cause = f"not signed for {key.domain.decode('ascii')}: {type(error).__name__}"
        raise Deferral(NOT_SIGNED, cause=cause) from error


class _Signing(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """dkimpy's signer, given the header fields without the rest of the message."""

    def set_message(self, message: list[tuple[bytes, bytes]]) -> None:
        self.headers, self.body = message, b""
        self.signed_headers: list[object] = []


def _signature(key: Key, content: Iterable[bytes]) -> bytes:
    head, body = bytearray(), BodyHash(relaxed=True)
    header: Header | None = None
    for octets in content:
        if header is not None:
            body.update(octets)
            continue
        at = max(len(head) - 3, 0)
        head += octets
        if head.find(b"\r\n\r\n", at) >= 0 or head.startswith(b"\r\n"):
            header = read_header(bytes(head))
            body.update(bytes(head[header.body :]))
    if header is None:
        header = read_header(bytes(head))
        body.update(bytes(head[header.body :]))
    return _sign_fields(key, header, body.digest())


def _sign_fields(key: Key, header: Header, body_hash: bytes) -> bytes:
    """Give the field, its line end included."""
    fields = [(field.name, field.raw.partition(b":")[2]) for field in header.fields]
    present = [name.lower() for name, _ in fields]
    names = [name for name in _SIGNED for _ in range(min(present.count(name), MAX_TIMES) + (name in _OVERSIGNED))]
    signing = _Signing(fields, signature_algorithm=key.algorithm)
    signing.hasher = dkim.HASH_ALGORITHMS[key.algorithm]
    tags = [
        (b"v", b"1"),
        (b"a", key.algorithm),
        (b"c", b"relaxed/relaxed"),
        (b"d", key.domain),
        (b"s", key.selector),
        (b"t", str(int(time.time())).encode("ascii")),
        (b"h", b" : ".join(names)),
        (b"bh", base64.b64encode(body_hash)),
        (b"b", b"0" * 60),
    ]
    policy = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    value: bytes = signing.gen_header(tags, names, policy, b"DKIM-Signature", key.private)
    return b"DKIM-Signature: " + value
