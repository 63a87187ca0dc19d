"""
Where an address leads: what gate 2 makes of it by the aliases of the tables and those of gateway.toml.

Gate 1 takes mail for each alias, so a target that is nobody bounces, and one that leads back defers mail until it
expires.  Both are found here before they are so: when an alias is added, and when something goes that others lead to.

Source: virtual(5), TABLE SEARCH ORDER; the order of virtual_alias_maps is gateway.render.postfix's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from gateway.directory.tables import aliases, domains, mailboxes
from gateway.settings.lookup import lookup_keys

FILE = "gateway.toml"
MAX_ALIASES = 1000  # followed from one address: Postfix's virtual_alias_expansion_limit


@dataclass(frozen=True)
class OfFile:
    """What gateway.toml has beside the tables."""

    domains: Mapping[str, str] = field(default_factory=dict)  # name -> deliver
    own_names: Sequence[str] = ()  # of the gates, where they are no domains; they have a postmaster and aliases
    mailboxes: frozenset[str] = frozenset()
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)  # address or @domain -> targets
    others: Sequence[tuple[str, str]] = ()  # key of the file, and the address that it sends mail to
    postmaster: str = ""
    delimiter: str = ""  # [gateway] recipient_delimiter
    message_size_limit: int = 0  # octets

    def holds(self, address: str) -> bool:
        """Return whether an address is a mailbox or an alias of the file."""
        return address in self.mailboxes or address in self.aliases


def kind(connection: Connection, of_file: OfFile, domain: str) -> str | None:
    """Return how a domain of ours is delivered; None for those of others."""
    if domain in of_file.domains:
        return of_file.domains[domain]
    if domain in of_file.own_names:
        return "alias"
    return connection.scalar(select(domains.c.deliver).where(domains.c.name == domain))


def known(connection: Connection, of_file: OfFile, address: str) -> bool:
    """
    Return whether mail to a target comes to somebody, or leaves this site.

    Where it goes on to other aliases, those are not followed: their own targets were looked at when they were added.
    """
    return _look_up(connection, of_file, address).somebody


def leads_back(connection: Connection, of_file: OfFile, alias: str, targets: Sequence[str]) -> bool:
    """Return whether targets of an alias lead to it again; one that names itself ends there."""
    seen: set[str] = set()
    waiting = [target for target in targets if target != alias]
    while waiting and len(seen) < MAX_ALIASES:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            step = _look_up(connection, of_file, current)
            if step.key == alias:
                return True
            waiting += step.onward
    return False


def left_alone(connection: Connection, of_file: OfFile, gone: str) -> dict[str, list[str]]:
    """
    Return the targets that are nobody now that a mailbox, an alias or @domain is gone, and what names each.

    Somebody whom nothing but @domain would take counts as nobody: it was not meant for that mail.
    """
    found: dict[str, list[str]] = {}
    for where, target in _named(connection, of_file, gone.rpartition("@")[2]):
        if gone in lookup_keys(target, of_file.delimiter):
            found.setdefault(target, []).append(where)
    return {target: where for target, where in found.items() if not _stays(connection, of_file, target, gone)}


def _stays(connection: Connection, of_file: OfFile, target: str, gone: str) -> bool:
    step = _look_up(connection, of_file, target)
    return step.somebody and (gone.startswith("@") or not step.key.startswith("@"))


def _named(connection: Connection, of_file: OfFile, domain: str) -> Iterator[tuple[str, str]]:
    """Yield what sends mail to addresses of a domain, and to which."""
    within = aliases.c.target.endswith(f"@{domain}", autoescape=True)
    yield from connection.execute(select(aliases).where(within).order_by(aliases.c.address))
    yield from ((f'aliases."{name}" of {FILE}', target) for name, to in of_file.aliases.items() for target in to)
    yield from ((f"{key} of {FILE}", target) for key, target in of_file.others)


@dataclass(frozen=True)
class _Step:
    """What one look-up makes of an address."""

    key: str  # under which it was found; empty where it was not
    onward: Sequence[str]  # where its mail goes on to
    somebody: bool  # whether all of it comes to somebody or goes on


def _look_up(connection: Connection, of_file: OfFile, address: str) -> _Step:
    """Look an address up as gate 2 does: the first key that anything has, and there the file before the tables."""
    keys = lookup_keys(address, of_file.delimiter)
    in_tables = _aliases(connection, keys)
    boxes = {*of_file.mailboxes, *connection.scalars(select(mailboxes.c.address).where(mailboxes.c.address.in_(keys)))}
    ours = kind(connection, of_file, address.rpartition("@")[2])
    for key in keys:
        itself = address if key.startswith("@") else key
        if key in of_file.mailboxes and key not in of_file.aliases:
            return _Step(key, (), True)
        if targets := of_file.aliases.get(key) or in_tables.get(key):
            onward = [target for target in targets if target != itself]
            ends = itself not in targets or itself in boxes or ours == "relay"
            return _Step(key, onward, ends)
        if key in boxes:
            return _Step(key, (), True)
        if key.startswith("postmaster@") and ours in {"mailbox", "alias"}:
            return _Step(key, [of_file.postmaster], True)
    return _Step("", (), ours in {None, "relay"})


def _aliases(connection: Connection, keys: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for address, target in connection.execute(select(aliases).where(aliases.c.address.in_(keys))):
        found.setdefault(address, []).append(target)
    return found
