"""
DMARC: whether one of the domains that SPF or DKIM authenticated is that of the author, and what its owner asks for.

Source: RFC 7489 sections 3.1 (alignment), 3.2 (organisational domain), 6.3 and 6.6 (record, discovery, sampling).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from publicsuffixlist import PublicSuffixList

from gateway.check.auth_dkim import Signature
from gateway.check.auth_dns import Lookups, TemporaryError
from gateway.check.auth_spf import Spf

_POLICIES = ("none", "quarantine", "reject")  # the mildest first
_suffixes = PublicSuffixList()


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain's owner asks for."""

    policy: str  # one of _POLICIES
    strict_dkim: bool = False
    strict_spf: bool = False
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Dmarc:
    """The result for one domain of From."""

    domain: str
    result: str  # none, pass, fail, temperror or permerror
    policy: str = "none"  # asked for by the owner, before sampling
    disposition: str = "none"  # what is asked for this message when the result is fail


def organisational(domain: str) -> str:
    """Give the domain that somebody registered, or the domain itself where nobody can."""
    found = _suffixes.privatesuffix(domain)
    return str(found) if found else domain


def evaluate(domain: str, spf: Spf, signatures: Iterable[Signature], lookups: Lookups, sample: bytes) -> Dmarc:
    """
    Evaluate DMARC for one domain; never fails.

    Args:
        domain: Of From, as A-labels in lower case.
        spf: Its result.
        signatures: The results of DKIM.
        lookups: For the record.
        sample: What decides whether a message is among the percent it is asked for: the same for each attempt.
    """
    try:
        record = discover(domain, lookups)
    except TemporaryError:
        return Dmarc(domain, "temperror")
    if record is None:
        return Dmarc(domain, "none")
    results = [spf.result] if aligned(spf.domain, domain, strict=record.strict_spf) else []
    results += [each.result for each in signatures if aligned(each.domain, domain, strict=record.strict_dkim)]
    if "pass" in results:
        return Dmarc(domain, "pass", record.policy)
    if "temperror" in results:
        return Dmarc(domain, "temperror", record.policy)
    return Dmarc(domain, "fail", record.policy, _sampled(record, domain, sample))


def aligned(authenticated: str, author: str, *, strict: bool) -> bool:
    """Tell whether an authenticated domain speaks for the author's."""
    if strict or not authenticated:
        return authenticated == author
    return organisational(authenticated) == organisational(author)


def discover(domain: str, lookups: Lookups) -> Record | None:
    """
    Find the record for a domain: its own, else that of its organisational domain, whose sp= then counts.

    Raises:
        TemporaryError: DNS has no answer now.
    """
    organisation = organisational(domain)
    for name in dict.fromkeys((domain, organisation)):
        found = [text for text in lookups.text(f"_dmarc.{name}") if _tags(text)]
        if found:
            return _record(_tags(found[0]), of_parent=name != domain) if len(found) == 1 else None
    return None


def _tags(text: bytes) -> dict[str, str]:
    """Read the tags of a record; empty when it is not one of DMARC, which v= must be first to say."""
    pairs = [tag.partition("=") for tag in text.decode("latin-1").split(";")]
    if pairs[0][0].strip() != "v" or pairs[0][2].strip() != "DMARC1":
        return {}
    return {name.strip().lower(): value.strip() for name, equals, value in reversed(pairs) if equals}


def _record(tags: dict[str, str], *, of_parent: bool) -> Record | None:
    """Make a record of its tags; without a policy it counts only when it asks for reports (section 6.6.3)."""
    policy = tags.get("p", "").lower()
    if policy not in _POLICIES:
        return Record("none") if "rua" in tags else None
    if of_parent and tags.get("sp", "").lower() in _POLICIES:
        policy = tags["sp"].lower()
    percent = int(tags["pct"]) if tags.get("pct", "").isascii() and tags.get("pct", "").isdigit() else 100
    return Record(policy, tags.get("adkim", "").lower() == "s", tags.get("aspf", "").lower() == "s", min(percent, 100))


def _sampled(record: Record, domain: str, sample: bytes) -> str:
    """Give what is asked for one message; beyond the percent it is the next milder policy (section 6.6.4)."""
    number = int.from_bytes(hashlib.sha256(sample + domain.encode("ascii")).digest()[:8]) % 100
    if number < record.percent:
        return record.policy
    return _POLICIES[max(_POLICIES.index(record.policy) - 1, 0)]
