"""
Who may send as whom: the logins that own each address, as reject_sender_login_mismatch asks.

A mailbox owns itself; an alias, also one that takes all of a domain, belongs to the mailboxes it leads to, however
many aliases lie between.  What leads to nobody here belongs to NOBODY, so that no alias @domain above it gives it away.
Those of a directory in a database are not in this table: Postfix asks for them live.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.render.routes import Entry
from gateway.settings.lookup import lookup_keys
from gateway.settings.models import Settings

NOBODY = "!"  # no login: Dovecot takes no such character in a user's name (auth_username_chars)


def sender_logins(settings: Settings) -> list[Entry]:
    """Return sender or @domain -> logins, in the order of the file."""
    people = _people(settings)
    names = dict.fromkeys([*people, *settings.aliases])
    return [Entry(name, " ".join(_owners(settings, people, name)) or NOBODY) for name in names]


def _people(settings: Settings) -> dict[str, None]:
    """Return all who can have a password: mailboxes, and the listed recipients of relay domains."""
    listed = [address for domain in settings.domains.values() for address in domain.recipient_list]
    return dict.fromkeys([*settings.mailboxes.addresses, *listed])


def _owners(settings: Settings, people: dict[str, None], name: str) -> list[str]:
    """Follow aliases from an address or @domain to people; each address once, for aliases may go in circles."""
    seen: dict[str, None] = {}
    waiting = [name]
    while waiting:
        address = waiting.pop(0)
        if address not in seen:
            seen[address] = None
            waiting += _targets(settings, people, address)
    return [address for address in seen if address in people]


def _targets(settings: Settings, people: dict[str, None], address: str) -> Iterator[str]:
    """Yield where an address leads, by the keys Postfix tries: itself, without its extension, @domain."""
    for key in lookup_keys(address, settings.gateway.recipient_delimiter):
        if key in settings.aliases:
            yield from settings.aliases[key]
            return
        if key in people:
            yield key
            return
