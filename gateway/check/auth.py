"""
auth: SPF, DKIM, DMARC and ARC of mail from outside, told in Authentication-Results and as findings.

    spf-fail, spf-softfail              the client may not send in the reverse-path's domain
    dkim-fail                           it is signed, and no signature is right
    dmarc-quarantine, dmarc-reject      the author's domain asks for this
    arc-fail                            a chain of ARC that is broken
    from-invalid                        From is not one field with addresses that have a domain

Where DMARC passes for each domain of From, the author is known, and nothing of the rest is a finding: forwarding
breaks SPF, lists break DKIM, and either alone means little.  Where it fails, a chain of ARC that passes and was sealed
by trusted domains down to one which saw DMARC pass makes good for it.

Where DNS has no answer that would have mattered, there is no verdict, and on_error decides: a dead resolver must
neither reject nor let a forgery pass.  The results that are known are in Authentication-Results all the same, and what
claimed to be ours is gone.  Mail from inside is not examined, and loses only that.

Lookups wait, so they are made in threads, a bounded number, until a deadline before the check's own.
"""

import asyncio
import os
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import dns.resolver

from gateway.check.auth_dkim import Chain, Signature, Signatures
from gateway.check.auth_dmarc import Dmarc, evaluate
from gateway.check.auth_dns import Lookups
from gateway.check.auth_results import forged, results
from gateway.check.auth_spf import Spf, check_spf
from gateway.message.author import author
from gateway.message.comments import without_comments
from gateway.message.edit import Splice
from gateway.message.mail import MailObject
from gateway.message.verdict import ERROR, Finding, Report

THREADS = 16  # of one worker; two for each message while they wait
MAX_DOMAINS = 4  # of From that are evaluated
_GRACE = 1.2  # times the deadline of DNS: until then the results must be there

Reason = Literal[
    "spf-fail", "spf-softfail", "dkim-fail", "dmarc-reject", "dmarc-quarantine", "arc-fail", "from-invalid"
]
_OF_SPF: dict[str, Reason] = {"fail": "spf-fail", "softfail": "spf-softfail"}  # by result
_OF_DMARC: dict[str, Reason] = {"reject": "dmarc-reject", "quarantine": "dmarc-quarantine"}  # by disposition


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say."""

    authserv_id: str  # our name in Authentication-Results
    trusted_sealers: Sequence[str] = ()  # domains whose ARC may make good for DMARC
    dns_timeout_s: float = 20  # for all lookups of a message (RFC 7208 section 4.6.4: at least 20)


@dataclass(frozen=True, slots=True)
class Results:
    """All that was found out about one message."""

    spf: Spf
    signatures: Sequence[Signature]
    chain: Chain
    dmarc: Sequence[Dmarc]  # for each domain of From
    well_formed: bool  # From is


class Auth:
    """Authenticate messages."""

    def __init__(self, name: str, options: Options, resolver: dns.resolver.Resolver | None = None) -> None:
        self._name = name
        self._options = options
        self._resolver = resolver  # of the system, read when first needed, unless given
        self._trusted = frozenset(domain.lower() for domain in options.trusted_sealers)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=name)

    async def examine(self, mail: MailObject) -> Report:
        """Report on a message; DNS that is out of reach is a finding, so that the edits are made all the same."""
        removed = await self._forged(mail)
        if mail.inside:
            return Report(splices=removed)
        try:
            async with asyncio.timeout(self._options.dns_timeout_s * _GRACE):
                found = await self._results(mail)
        except TimeoutError:
            return Report([Finding(self._name, ERROR, "no results in time")], removed)
        path = mail.envelope.reverse_path.path.decode("latin-1")
        told = results(self._options.authserv_id, path, found.spf, found.signatures, found.chain, found.dmarc)
        reasons: Sequence[str] = [ERROR] if unsure(found, self._trusted) else judge(found, self._trusted)
        detail = re.sub(r"\s+", " ", told.octets.decode("ascii").partition(";")[2]).strip()
        return Report([Finding(self._name, reason, detail) for reason in reasons], [*removed, told])

    async def _forged(self, mail: MailObject) -> Sequence[Splice]:
        authserv_id = self._options.authserv_id
        if mail.header.complete:
            return forged(mail.content, mail.header, authserv_id)
        return await asyncio.to_thread(forged, mail.content, mail.header, authserv_id)

    async def _results(self, mail: MailObject) -> Results:
        if self._resolver is None:
            self._resolver = dns.resolver.Resolver()
        deadline = time.monotonic() + self._options.dns_timeout_s
        loop, from_ = asyncio.get_running_loop(), author(mail.header)

        def ask_spf() -> Spf:
            return check_spf(mail, self._lookups(deadline))

        def verify() -> tuple[list[Signature], Chain]:
            signatures = Signatures(mail, self._lookups(deadline))
            return signatures.dkim(), signatures.arc()

        spf, (signatures, chain) = await asyncio.gather(
            loop.run_in_executor(self._threads, ask_spf), loop.run_in_executor(self._threads, verify)
        )

        def ask_dmarc() -> list[Dmarc]:
            lookups, sample = self._lookups(deadline), mail.client.queue_id_pre or os.urandom(8)
            return [evaluate(each, spf, signatures, lookups, sample) for each in from_.domains[:MAX_DOMAINS]]

        dmarc = await loop.run_in_executor(self._threads, ask_dmarc)
        return Results(spf, signatures, chain, dmarc, from_.well_formed and len(from_.domains) <= MAX_DOMAINS)

    def _lookups(self, deadline: float) -> Lookups:
        if self._resolver is None:
            raise RuntimeError("no resolver")
        return Lookups(self._resolver, deadline)


def judge(found: Results, trusted: frozenset[str]) -> list[Reason]:
    """Give the findings that follow from results in which nothing is missing."""
    if not found.well_formed:
        return ["from-invalid", *_dmarc(found, trusted)]
    if all(each.result == "pass" for each in found.dmarc):
        return []
    failed = _dmarc(found, trusted)
    if not failed and any(each.disposition != "none" for each in found.dmarc):
        return []  # ARC makes good for it
    reasons = failed
    if found.spf.result in _OF_SPF:
        reasons.append(_OF_SPF[found.spf.result])
    if found.signatures and not any(each.result == "pass" for each in found.signatures):
        reasons.append("dkim-fail")
    if found.chain.result == "fail":
        reasons.append("arc-fail")
    return reasons


def _dmarc(found: Results, trusted: frozenset[str]) -> list[Reason]:
    """Give what the domains of From ask for, worst first, those left out that ARC makes good for."""
    asked = {
        each.disposition
        for each in found.dmarc
        if each.result == "fail" and not vouched(found.chain, each.domain, trusted)
    }
    return [reason for disposition, reason in _OF_DMARC.items() if disposition in asked]


def vouched(chain: Chain, domain: str, trusted: frozenset[str]) -> bool:
    """
    Tell whether a chain makes good for DMARC that fails.

    From the newest set back, as long as each is sealed by a trusted domain: one of these saw DMARC pass for this
    domain.  What is behind a stranger's seal may have been made up by that stranger.
    """
    for seal in chain.seals:
        if seal.domain not in trusted:
            return False
        told = without_comments(seal.results, " ")
        match = re.search(r"(?:\A|;)\s*dmarc\s*=\s*pass\b([^;]*)", told, re.IGNORECASE)
        named = re.search(r"header\.from\s*=\s*\"?([A-Za-z0-9.-]+)", match[1], re.IGNORECASE) if match else None
        if named and named[1].lower() == domain:
            return True
    return False


def unsure(found: Results, trusted: frozenset[str]) -> bool:
    """Tell whether DNS had no answer that might have made another finding, or none."""
    if any(each.result == "temperror" for each in found.dmarc):
        return True
    if found.dmarc and all(each.result == "pass" for each in found.dmarc):
        return False
    if found.chain.result == "temperror" and (trusted or not found.dmarc):
        return True
    results_of_dkim = [each.result for each in found.signatures]
    return found.spf.result == "temperror" or ("temperror" in results_of_dkim and "pass" not in results_of_dkim)
