"""
Author: the domains that a message's From names, for DKIM and DMARC.

A forger wants a program to see one domain and a reader another.  So every mailbox of every From field counts, what
stands in quotes or comments does not, and what cannot be read as an address makes the whole of it not well-formed.

Source: RFC 5322 sections 3.4 and 3.6.2; RFC 7489 section 6.6.1.
"""

import re
from dataclasses import dataclass

import idna

from gateway.message.comments import without_comments
from gateway.message.header import Header

MAX_VALUE = 16_384  # octets of one From that are read
MAX_MAILBOXES = 20  # more than one is rare
_NEXT = re.compile(r'"(?:[^"\\]|\\.)*"?|<[^<>]*>?|[,;:]|[^",;:<]+', re.DOTALL)
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Author:
    """What From says."""

    domains: tuple[str, ...]  # A-labels in lower case, each once
    well_formed: bool  # one field, and each mailbox of it has a domain

    @property
    def domain(self) -> str | None:
        """Give the one domain, None when From is not well-formed or names several."""
        return self.domains[0] if self.well_formed and len(self.domains) == 1 else None


def author(header: Header) -> Author:
    """Read From; never fails."""
    found = list(header.all(b"From"))
    domains: list[str | None] = []
    well_formed = len(found) == 1 and header.complete  # else another may stand behind all that was read
    for field in found[:MAX_MAILBOXES]:
        value = field.value
        well_formed &= len(value) <= MAX_VALUE
        domains += [_domain(text) for text in _addresses(value[:MAX_VALUE].decode("utf-8", "replace"))]
    well_formed &= 0 < len(domains) <= MAX_MAILBOXES and None not in domains
    return Author(tuple(dict.fromkeys(domain for domain in domains[:MAX_MAILBOXES] if domain)), well_formed)


def domain_of(path: str) -> str | None:
    """Give the domain of an address as A-labels in lower case, None when it has none that is a name."""
    return _domain(path)


def _addresses(value: str) -> list[str]:
    """Give the addresses of a list of mailboxes: what is in angle brackets, or all there is of a mailbox."""
    addresses, bare, in_brackets = [], "", False
    for match in _NEXT.finditer(without_comments(value)):
        piece = match[0]
        if piece.startswith("<"):
            addresses.append(piece.strip("<>"))
            in_brackets = True
        elif piece == ":":
            bare = ""  # the name of a group
        elif piece in ",;":
            if bare.strip() and not in_brackets:
                addresses.append(bare)
            bare, in_brackets = "", False
        else:
            bare += piece
    if bare.strip() and not in_brackets:
        addresses.append(bare)
    return addresses


def _domain(address: str) -> str | None:
    local, at, domain = address.rpartition("@")
    domain = domain.strip().rstrip(".").lower()
    if not at or not local.strip() or len(domain) > 253:
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return domain if _NAME.fullmatch(domain) else None
