"""
urls: host names of links in text and HTML, asked about in domain blocklists.

Asked are the registered domain (by the public suffix list) and the full name; of an address its reversed form.

Findings: listed; detail: the name, the list, and its answer.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import dns.asyncresolver
from publicsuffixlist import PublicSuffixList

from gateway.check.base import LARGE, CheckFailed
from gateway.check.domainlists import Lists, Unanswered
from gateway.check.links import hosts, linked_hosts, reversed_address
from gateway.message.decoding import decoded, texts
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Report
from gateway.message.visible import is_html, is_text, unescape, visible

MAX_TEXT = 2 * 2**20  # octets of decoded text of one message
MAX_TOLD = 10  # findings of one message

Reason = Literal["listed"]  # name, list and answer are the detail of a finding
LISTED: Reason = "listed"


@dataclass(frozen=True, slots=True)
class Options:
    """Keys of [checks.urls]."""

    lists: Sequence[str] = ()  # zone, or zone=answers
    max_names: int = 100  # of one message that are asked about
    ignore: Sequence[str] = ()  # domains never asked about, with their sub-domains


class Urls:
    """Ask lists about the hosts a message links to."""

    def __init__(self, name: str, options: Options, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._name = name
        self._lists = Lists(options.lists, resolver)
        self._asks = bool(options.lists)
        self._max_names = options.max_names
        self._ignored = frozenset(options.ignore)
        self._suffixes = PublicSuffixList()

    async def examine(self, mail: MailObject) -> Report:
        """
        Report what is listed.

        Raises:
            CheckFailed: no list has answered.
        """
        if not self._asks:
            return Report()
        if len(mail.content) < LARGE:
            names = self.names(mail)
        else:
            names = await asyncio.to_thread(self.names, mail)
        try:
            hits = await self._lists.ask(names)
        except Unanswered as error:
            raise CheckFailed(str(error)) from None
        told = [f"{hit.name} in {hit.zone}: {hit.answer}" for hit in hits[:MAX_TOLD]]
        return Report([Finding(self._name, LISTED, detail) for detail in told])

    def names(self, mail: MailObject) -> list[str]:
        """Give the names to ask about, each once, in their order, at most max_names."""
        found: dict[str, None] = {}
        for host in dict.fromkeys(_hosts(mail)):
            for name in self._asked(host):
                found[name] = None
            if len(found) >= self._max_names:
                break
        return list(found)[: self._max_names]

    def _asked(self, host: str) -> list[str]:
        if address := reversed_address(host):
            return [address]
        labels = host.split(".")
        if any(".".join(labels[place:]) in self._ignored for place in range(len(labels))):
            return []
        registered = self._suffixes.privatesuffix(host)
        if registered is None:
            return []  # a public suffix, which nobody registered
        return [registered] if registered == host else [registered, host]


def _hosts(mail: MailObject) -> Iterator[str]:
    left = MAX_TEXT
    for part in mail.mime.leaves:
        if left <= 0 or not is_text(part):
            continue
        octets = decoded(mail.content, part, left)
        left -= len(octets)
        for source in texts(octets, part):
            if is_html(part):
                yield from linked_hosts(source, unescape)
                yield from hosts(visible(source))
            else:
                yield from hosts(source)
