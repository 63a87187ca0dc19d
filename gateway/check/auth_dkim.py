"""
DKIM and ARC, verified by dkimpy within limits that it does not have.

dkimpy splits the message into lines, takes quadratic time on runs of blanks, and raises keys of any size to a power;
so it gets the header fields without the body, whose hash is ours (message/body_hash.py), signature fields and header
sections of a sane size, and no key over 4096 bits or with a large exponent.

Not passed though the signature is right: rsa-sha1 (RFC 8301 forbids it), and l= that leaves out a part of the body,
to which anybody may add (RFC 6376 section 8.2): `policy`.
"""

import base64
import binascii
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import dkim
from dkim.crypto import UnparsableKeyError, parse_public_key
from dkim.util import InvalidTagValueList, parse_tag_value

from gateway.check.auth_dns import Lookups, TemporaryError
from gateway.message.body_hash import BodyHash
from gateway.message.content import MAX_CHUNK
from gateway.message.mail import MailObject

MAX_SIGNATURES = 8  # of DKIM that are verified, the first ones
MAX_SETS = 10  # of ARC; a longer chain fails
MAX_HEADER = 262_144  # octets of a header section; with more nothing is verified
MAX_FIELDS = 1_000
MAX_SIGNATURE = 8_192  # octets of one signature field
MAX_NAMES = 200  # in h=
MAX_KEY_BITS = 4_096
MAX_EXPONENT = 2**32
_BLANKS = re.compile(rb"\s{200}")  # of which dkimpy's pattern for b= takes quadratic time
_SILENT = logging.getLogger("gateway.check.auth_dkim.dkimpy")  # says of each bad signature what the result says
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass(frozen=True, slots=True)
class Signature:
    """The result of one DKIM signature."""

    result: str  # a word of RFC 8601 section 2.7.1
    domain: str = ""  # d=, in lower case
    selector: str = ""
    start: str = ""  # the first octets of b=, to tell signatures apart (RFC 6008)


@dataclass(frozen=True, slots=True)
class Seal:
    """One set of an ARC chain."""

    domain: str  # that sealed, in lower case
    results: str  # its ARC-Authentication-Results


@dataclass(frozen=True, slots=True)
class Chain:
    """The result of ARC."""

    result: str = "none"  # none, pass, fail or temperror
    seals: tuple[Seal, ...] = field(default=())  # newest first; of a chain that passes


class _Policy(dkim.DKIMException):  # type: ignore[misc]  # dkimpy has no types
    """A signature that we do not go by."""


class _Mismatch(dkim.DKIMException):  # type: ignore[misc]  # dkimpy has no types
    """The body is not the one that was signed."""


class Signatures:
    """All signatures of one message; one thread at a time."""

    def __init__(self, mail: MailObject, lookups: Lookups) -> None:
        self._mail = mail
        self._lookups = lookups
        self._hashes: dict[bool, tuple[bytes, int]] = {}
        self._unanswered = False  # a key could not be asked for
        self._fields = [(each.name, each.raw.partition(b":")[2]) for each in mail.header.fields]
        self._sane = mail.header.stop <= MAX_HEADER and len(self._fields) <= MAX_FIELDS

    def dkim(self) -> list[Signature]:
        """Verify the DKIM signatures; never fails."""
        found = [value for name, value in self._fields if name.lower() == b"dkim-signature"]
        return [self._one(number, value) for number, value in enumerate(found[:MAX_SIGNATURES])]

    def _one(self, number: int, value: bytes) -> Signature:
        tags = _tags(value)
        domain, selector, start = (_word(tags.get(tag, b"")) for tag in (b"d", b"s", b"b"))
        result = self._verify(number, value, tags) if tags else "permerror"
        return Signature(result, domain.lower(), selector, start[:8])

    def _verify(self, number: int, value: bytes, tags: dict[bytes, bytes]) -> str:
        if not self._sane or not _is_sane(value, tags):
            return "permerror"
        try:
            return "pass" if self._make(_Dkim).verify(idx=number, dnsfunc=self._key) else "fail"
        except _Policy:
            return "policy"
        except _Mismatch:
            return "fail"
        except dkim.DnsTimeoutError:
            return "temperror"
        except Exception:
            return "permerror"

    def arc(self) -> Chain:
        """Verify the chain of ARC; never fails."""
        values = [value for name, value in self._fields if name.lower() in dkim.ARC.ARC_HEADERS]
        if not values:
            return Chain()
        sane = self._sane and len(values) <= 3 * MAX_SETS
        if not sane or not all(len(value) <= MAX_SIGNATURE and not _BLANKS.search(value) for value in values):
            return Chain("fail")
        self._unanswered = False
        try:
            verdict, sets, _ = self._make(_Arc).verify(dnsfunc=self._key)
            seals = tuple(Seal(_word(each["as-domain"]).lower(), each["aar-value"].decode("latin-1")) for each in sets)
        except Exception:
            verdict, seals = dkim.CV_Fail, ()
        if verdict == dkim.CV_Pass:
            return Chain("pass", seals)
        return Chain("temperror" if self._unanswered else "fail")

    def _make(self, kind: "type[_Verifier]") -> "_Verifier":
        made = kind(self._fields, logger=_SILENT)
        made.hash_of_body = self._hash
        return made

    def _hash(self, *, relaxed: bool) -> tuple[bytes, int]:
        """Give hash and length of the canonical body."""
        if relaxed not in self._hashes:
            content, body = self._mail.content, BodyHash(relaxed=relaxed)
            for place in range(self._mail.header.body, len(content), MAX_CHUNK):
                body.update(content[place : place + MAX_CHUNK])
            digest = body.digest()
            self._hashes[relaxed] = digest, body.octets
        return self._hashes[relaxed]

    def _key(self, name: bytes, timeout: float = 0) -> bytes:
        """Give the record of a public key; b"" for one that is not there, or that nobody needs to compute with."""
        del timeout
        try:
            found = self._lookups.text(name.decode("ascii").rstrip("."))
        except TemporaryError as error:
            self._unanswered = True
            raise dkim.DnsTimeoutError(str(error)) from None
        except UnicodeDecodeError:
            return b""
        return found[0] if found and _is_sane_key(found[0]) else b""


class _Verifier(dkim.DomainSigner):  # type: ignore[misc]  # dkimpy has no types
    """dkimpy's verification, given the header fields and a way to hash the body."""

    hash_of_body: Callable[..., tuple[bytes, int]]

    def set_message(self, message: list[tuple[bytes, bytes]]) -> None:
        self.headers, self.body = message, b""
        self.signed_headers: list[object] = []
        self.keysize = 0

    def verify_sig(
        self, sig: dict[bytes, bytes], include_headers: list[bytes], sig_header: object, dnsfunc: Callable[..., bytes]
    ) -> bool:
        """Compare the hash of the body, then let dkimpy verify the header fields."""
        if sig[b"a"] == b"rsa-sha1":
            raise _Policy("rsa-sha1")
        if len(include_headers) > MAX_NAMES:
            raise dkim.ValidationError("too many names in h=")
        if b"bh" in sig:
            digest, octets = self.hash_of_body(relaxed=sig.get(b"c", b"").endswith(b"/relaxed"))
            if b"l" in sig and int(sig[b"l"]) != octets:
                raise _Policy("l=")
            if base64.b64decode(re.sub(rb"\s+", b"", sig[b"bh"])) != digest:
                raise _Mismatch("body hash")
        name = sig[b"s"] + b"._domainkey." + sig[b"d"] + b"."
        self.pk, self.keysize, self.ktag, self.seqtlsrpt = dkim.load_pk_from_dns(name, dnsfunc)
        rest = {tag: value for tag, value in sig.items() if tag not in (b"bh", b"l")}
        return bool(self.verify_sig_process(rest, include_headers, sig_header, dnsfunc))


class _Dkim(_Verifier, dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    pass


class _Arc(_Verifier, dkim.ARC):  # type: ignore[misc]  # dkimpy has no types
    pass


def _tags(value: bytes) -> dict[bytes, bytes]:
    """Read the tags of a signature; empty when they are not well-formed."""
    try:
        return dict(parse_tag_value(value[:MAX_SIGNATURE]))
    except (InvalidTagValueList, IndexError):
        return {}


def _is_sane(value: bytes, tags: dict[bytes, bytes]) -> bool:
    return len(value) <= MAX_SIGNATURE and not _BLANKS.search(value) and tags.get(b"h", b"").count(b":") < MAX_NAMES


def _is_sane_key(record: bytes) -> bool:
    """Tell whether a key is cheap to compute with; what is none dkimpy tells."""
    try:
        tags = parse_tag_value(record)
        if tags.get(b"k", b"rsa") != b"rsa":
            return True
        key = parse_public_key(base64.b64decode(tags.get(b"p", b"")))
    except (InvalidTagValueList, UnparsableKeyError, binascii.Error, ValueError, IndexError, AssertionError):
        return True
    return bool(key["modulus"].bit_length() <= MAX_KEY_BITS and key["publicExponent"] < MAX_EXPONENT)


def _word(octets: bytes) -> str:
    """Give a tag's value without what has no place in Authentication-Results."""
    return re.sub(rb"[^A-Za-z0-9._/+=-]", b"", octets[:255]).decode("ascii")
