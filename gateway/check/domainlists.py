"""
Domain blocklists, asked over DNS: side by side within a bound, and answers kept as long as they are good for.

A list that does not answer is left alone for a while, so that it costs one wait and not one for each name of each
message.  The answers 127.255.255.x say that the list refuses us (a public resolver, too many questions); they never
say that something is listed.

Source: RFC 5782; postconf(5), reject_rhsbl_client, for the form of answer patterns.

Log levels: WARNING a list that refuses us or does not answer, each once an hour.
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

log = logging.getLogger(__name__)

AT_ONCE = 20  # questions of one worker under way
MAX_KEPT = 10_000  # answers
MAX_TTL_S = 3_600.0
DEFAULT_TTL_S = 300.0  # of an answer that does not say
LIFETIME_S = 5.0  # of one question, tries included
REST_S = 10.0  # a list that did not answer is not asked for so long
WARN_S = 3_600.0
_REFUSES = (127, 255, 255)
_OCTET = re.compile(r"\[[^\]]*\]|[0-9]+")


class Unanswered(Exception):  # noqa: N818 - names what happened
    """A list does not answer."""


class DomainList:
    """A zone, and the answers that mean "listed": zone or zone=127.0.1.[2..99]."""

    def __init__(self, text: str) -> None:
        self.zone, equals, pattern = text.partition("=")
        self._octets = [_numbers(octet) for octet in _OCTET.findall(pattern)] if equals else None

    def means_listed(self, answer: tuple[int, ...]) -> bool:
        """Tell whether an address is one of those answers; without a pattern all of 127.0.0.0/8 are."""
        if answer[:3] == _REFUSES:
            return False
        if self._octets is None:
            return answer[0] == 127
        return all(number in numbers for number, numbers in zip(answer, self._octets, strict=True))


def _numbers(octet: str) -> frozenset[int]:
    found: set[int] = set()
    for piece in octet.strip("[]").split(";"):
        first, _, last = piece.partition("..")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Hit:
    """A name that a list has."""

    zone: str
    name: str
    answer: str  # its address


class Lists:
    """Some lists and what they have answered; for one loop."""

    def __init__(self, lists: Iterable[str], resolver: dns.asyncresolver.Resolver | None = None) -> None:
        """
        Prepare.

        Args:
            lists: As DomainList reads them.
            resolver: Instead of the one /etc/resolv.conf names.
        """
        self._lists = [DomainList(text) for text in lists]
        self._resolver = resolver
        self._kept: OrderedDict[str, tuple[float, list[str]]] = OrderedDict()  # question -> good until, answers
        self._resting: dict[str, float] = {}  # zone -> asked again from then on
        self._warned: dict[tuple[str, str], float] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def ask(self, names: Sequence[str]) -> list[Hit]:
        """
        Ask all lists about all names.

        Raises:
            Unanswered: none of the lists has answered, and nothing is known.
        """
        if not names or not self._lists:
            return []
        results = await asyncio.gather(*(self._ask_list(which, names) for which in self._lists))
        hits = [hit for found, _ in results for hit in found]
        if not hits and not any(complete for _, complete in results):
            raise Unanswered(f"no answer from {', '.join(which.zone for which in self._lists)}")
        return hits

    async def _ask_list(self, which: DomainList, names: Sequence[str]) -> tuple[list[Hit], bool]:
        """Ask one list; give what it has, and whether it answered about all names."""
        hits: list[Hit] = []
        answered = await asyncio.gather(*(self._ask_name(which, name, hits) for name in names))
        return hits, all(answered)

    async def _ask_name(self, which: DomainList, name: str, hits: list[Hit]) -> bool:
        try:
            answers = await self._answers(f"{name}.{which.zone}.", which.zone)
        except Unanswered as error:
            self._warn("does not answer", which.zone, str(error))
            return False
        for answer in answers:
            octets = tuple(int(octet) for octet in answer.split("."))
            if octets[:3] == _REFUSES:
                self._warn("refuses us", which.zone, answer)
            elif which.means_listed(octets):
                hits.append(Hit(which.zone, name, answer))
        return True

    def _warn(self, what: str, zone: str, cause: str) -> None:
        now = asyncio.get_running_loop().time()
        if self._warned.get((what, zone), 0.0) <= now:
            self._warned[what, zone] = now + WARN_S
            log.warning("domain list %s", what, extra={"fields": {"zone": zone, "cause": cause}})

    async def _answers(self, question: str, zone: str) -> list[str]:
        loop = asyncio.get_running_loop()
        kept = self._kept.get(question)
        if kept and kept[0] > loop.time():
            return kept[1]
        async with self._slots:
            if self._resting.get(zone, 0.0) > loop.time():
                raise Unanswered("it did not a moment ago")
            try:
                answers, ttl_s = await self._resolve(question)
            except Unanswered:
                self._resting[zone] = loop.time() + REST_S
                raise
        self._kept[question] = loop.time() + min(ttl_s, MAX_TTL_S), answers
        self._kept.move_to_end(question)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return answers

    async def _resolve(self, question: str) -> tuple[list[str], float]:
        try:
            name = dns.name.from_text(question)
        except dns.exception.DNSException:  # too long with the zone behind it: no list has it
            return [], DEFAULT_TTL_S
        try:
            if self._resolver is None:
                self._resolver = dns.asyncresolver.Resolver()
            found = await self._resolver.resolve(name, "A", search=False, lifetime=LIFETIME_S, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            return [], _negative_ttl(error, name)
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered(type(error).__name__) from None
        if found.rrset is None:
            return [], DEFAULT_TTL_S
        return [record.address for record in found.rrset], float(found.rrset.ttl)


def _negative_ttl(error: dns.resolver.NXDOMAIN, name: dns.name.Name) -> float:
    """Give the seconds a denial is good for (RFC 2308 section 5)."""
    try:
        authority = error.response(name).authority  # type: ignore[no-untyped-call]  # of dnspython
    except KeyError:
        return DEFAULT_TTL_S
    for rrset in authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return float(min(rrset.ttl, rrset[0].minimum))
    return DEFAULT_TTL_S
