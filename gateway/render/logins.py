"""
Who may send as whom: the logins that own each address, as reject_sender_login_mismatch asks.

A mailbox owns itself; an alias, also one that takes all of a domain, belongs to the mailboxes it leads to, however
many aliases lie between.  What leads to nobody here belongs to NOBODY, so that no alias @domain above it gives it away.
The aliases and mailboxes of a directory in a database are not in this table: Postfix asks for them live.  But where an
alias of the file leads out of the file, its target may be a mailbox there, and stays among the owners: it is a login
if it is one.  What that target leads to as an alias of the tables, the file cannot know.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.render.routes import Entry
from gateway.settings.lookup import lookup_keys, without_extension
from gateway.settings.models import Settings

NOBODY = "!"  # no login: Dovecot takes no such character in a user's name (auth_username_chars)


def sender_logins(settings: Settings) -> list[Entry]:
    """Return sender or @domain -> logins, in the order of the file."""
    listed = people(settings)
    names = dict.fromkeys([*listed, *settings.aliases])
    return [Entry(name, " ".join(_owners(settings, listed, name)) or NOBODY) for name in names]


def people(settings: Settings) -> dict[str, None]:
    """Return all who can have a password: mailboxes, and the listed recipients of relay domains."""
    listed = [address for domain in settings.domains.values() for address in domain.recipient_list]
    return dict.fromkeys([*settings.mailboxes.addresses, *listed])


def _owners(settings: Settings, listed: dict[str, None], name: str) -> list[str]:
    """Follow aliases from an address or @domain to people; each address once, for aliases may go in circles."""
    owners: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        address = waiting.pop(0)
        if address in seen:
            continue
        seen.add(address)
        targets = list(_targets(settings, listed, address))
        waiting += targets
        if address in listed:
            owners[address] = None
        elif not targets and _may_be_in_tables(settings, address):
            owners[without_extension(address, settings.gateway.recipient_delimiter)] = None
    return list(owners)


def _may_be_in_tables(settings: Settings, address: str) -> bool:
    """Return whether an address that the file leads to may be a mailbox of a directory."""
    domain = settings.domains.get(address.rpartition("@")[2])
    return settings.directory.url is not None and (domain is None or domain.deliver == "mailbox")


def _targets(settings: Settings, listed: dict[str, None], address: str) -> Iterator[str]:
    """Yield where an address leads, by the keys Postfix tries: itself, without its extension, @domain."""
    for key in lookup_keys(address, settings.gateway.recipient_delimiter):
        if key in settings.aliases:
            yield from settings.aliases[key]
            return
        if key in listed:
            yield key
            return
