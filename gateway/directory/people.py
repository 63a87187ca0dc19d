"""
Domains, mailboxes and aliases in the tables: listed, added, removed.

What would make mail bounce that gate 1 has accepted is refused: an alias to nobody, a mailbox of a domain without any,
the removal of what others lead to.  Each function works in the transaction of the connection it is given, which must
not be committed after an error: some find what is wrong only when the change is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from gateway.directory.reach import OfFile, kind, known, leads_back, left_alone
from gateway.directory.tables import aliases, domains, mailboxes
from gateway.settings.sizes import quota_too_small


class DirectoryError(ValueError):
    """What was asked for would leave the directory with a mistake, or is not there."""


def all_domains(connection: Connection) -> list[dict[str, Any]]:
    """Return the domains in order of their names."""
    return _rows(connection, select(domains).order_by(domains.c.name))


def all_mailboxes(connection: Connection, domain: str | None = None) -> list[dict[str, Any]]:
    """Return the mailboxes, of one domain or of all, without their hashes."""
    has_password = (mailboxes.c.password.is_not(None)).label("has_password")
    rows = select(mailboxes.c.address, mailboxes.c.quota, has_password).order_by(
        mailboxes.c.domain, mailboxes.c.address
    )
    found = _rows(connection, rows.where(mailboxes.c.domain == domain) if domain else rows)
    return [row | {"has_password": bool(row["has_password"])} for row in found]


def all_aliases(connection: Connection) -> dict[str, list[str]]:
    """Return address -> targets."""
    found: dict[str, list[str]] = {}
    for address, target in connection.execute(select(aliases).order_by(aliases.c.address, aliases.c.target)):
        found.setdefault(address, []).append(target)
    return found


def add_domain(
    connection: Connection, of_file: OfFile, name: str, deliver: str, next_hop: str | None, recipients: str | None
) -> bool:
    """
    Add a domain.

    Returns:
        False if it was there already, just like this.

    Raises:
        DirectoryError: It is in gateway.toml, or here with other values, or a gate's own name; or next hop and kind do
            not fit.
    """
    if name in of_file.own_names:
        raise DirectoryError(f"{name} is this gateway's own name: its mail goes to the postmaster without being added")
    if name in of_file.domains:
        raise DirectoryError(f'{name} is in gateway.toml: [domains."{name}"]; a domain is in one place')
    if (deliver == "relay") != (next_hop is not None):
        raise DirectoryError("a relay domain has a next hop, such as --next-hop [192.0.2.25]:25, and no other has one")
    if recipients and deliver != "relay":
        raise DirectoryError(f"recipients are for relay domains; those of {name} are its mailboxes and aliases")
    row = {
        "name": name,
        "deliver": deliver,
        "next_hop": next_hop,
        "recipients": (recipients or "verify") if deliver == "relay" else None,
    }
    there = _rows(connection, select(domains).where(domains.c.name == name))
    if there and there[0] != row:
        raise DirectoryError(f"{name} is there already with deliver = {there[0]['deliver']}; remove it first")
    if not there:
        connection.execute(insert(domains).values(row))
    return not there


def remove_domain(connection: Connection, of_file: OfFile, name: str) -> None:
    """
    Remove a domain; what is in its Maildirs stays.

    Raises:
        DirectoryError: It is not there, or somebody is in it, in the tables or in gateway.toml.
    """
    boxes = _count(connection, select(func.count()).select_from(mailboxes).where(mailboxes.c.domain == name))
    ending = aliases.c.address.endswith(f"@{name}", autoescape=True)
    names = _count(connection, select(func.count(aliases.c.address.distinct())).where(ending))
    if boxes or names:
        raise DirectoryError(f"{name} has {boxes} mailboxes and {names} aliases; remove these first")
    listed = [address for address in (*of_file.mailboxes, *of_file.aliases) if _domain(address) == name]
    if listed and name not in of_file.domains:
        raise DirectoryError(f"{name} has {_some(listed)} of gateway.toml; take that out there first")
    if not connection.execute(delete(domains).where(domains.c.name == name)).rowcount:
        raise DirectoryError(f"{name} is not in the directory")


def no_mailboxes(domain: str) -> str:
    """Say why a mailbox cannot be there."""
    return f"{domain} has no mailboxes; expected a domain with deliver = mailbox"


def add_mailbox(connection: Connection, of_file: OfFile, address: str, quota: int | None) -> bool:
    """
    Add a mailbox, with which nobody can log in until it has a password.

    Returns:
        False if it was there already, just like this.

    Raises:
        DirectoryError: Its domain has no mailboxes, or it is there with another quota; or see set_quota.
    """
    _check_quota(of_file, quota)
    domain = _domain(address)
    if kind(connection, of_file, domain) != "mailbox":
        raise DirectoryError(no_mailboxes(domain))
    there = connection.execute(select(mailboxes.c.quota).where(mailboxes.c.address == address)).one_or_none()
    if there is not None and there.quota != quota:
        raise DirectoryError(f"{address} is there already with another quota")
    if there is None:
        connection.execute(insert(mailboxes).values(address=address, domain=domain, quota=quota))
    return there is None


def remove_mailbox(connection: Connection, of_file: OfFile, address: str) -> None:
    """
    Remove a mailbox; what is in its Maildir stays.

    Raises:
        DirectoryError: It is not there, or mail of others, or its own copy of an alias, would come to nobody.
    """
    if not connection.execute(delete(mailboxes).where(mailboxes.c.address == address)).rowcount:
        raise DirectoryError(f"{address} is no mailbox of the directory")
    _refuse_if_missed(connection, of_file, address)


def set_quota(connection: Connection, of_file: OfFile, address: str, quota: int | None) -> None:
    """
    Give a mailbox a quota in octets; None is that of all others.

    Raises:
        DirectoryError: It is not there, or the largest message would not fit in.
    """
    _check_quota(of_file, quota)
    _change(connection, address, quota=quota)


def _check_quota(of_file: OfFile, quota: int | None) -> None:
    what = quota_too_small(quota, of_file.message_size_limit)
    if what:
        raise DirectoryError(f"quota: {what}")


def set_password(connection: Connection, address: str, hash_: str) -> None:
    """
    Give a mailbox a password.

    Raises:
        DirectoryError: It is not there.
    """
    _change(connection, address, password=hash_)


def _change(connection: Connection, address: str, **values: object) -> None:
    if not connection.execute(update(mailboxes).where(mailboxes.c.address == address).values(**values)).rowcount:
        raise DirectoryError(f"{address} is no mailbox of the directory")


def add_alias(connection: Connection, of_file: OfFile, address: str, targets: Sequence[str]) -> list[str]:
    """
    Add targets to an alias, or to a catch-all @domain.

    Returns:
        Those targets that it did not have.

    Raises:
        DirectoryError: Its domain is not ours, a target is nobody here, or it would lead back to itself.
    """
    domain = _domain(address)
    if kind(connection, of_file, domain) is None:
        raise DirectoryError(f"{domain} is no domain of ours; an alias there would divert mail on its way out")
    there = set(connection.scalars(select(aliases.c.target).where(aliases.c.address == address)))
    new = [target for target in dict.fromkeys(targets) if target not in there]
    if new:
        connection.execute(insert(aliases), [{"address": address, "target": target} for target in new])
    for target in targets:
        if not known(connection, of_file, target):
            raise DirectoryError(f"{target} is nobody here; expected a mailbox or alias that is there, or another site")
    if leads_back(connection, of_file, address, new):
        raise DirectoryError(f"{address} would lead back to itself by way of {_some(new)}")
    return new


def remove_alias(connection: Connection, of_file: OfFile, address: str, targets: Sequence[str]) -> None:
    """
    Take targets out of an alias; all of them unless some are given.

    Raises:
        DirectoryError: It does not have them, or has no more and mail of others would come to nobody.
    """
    chosen = delete(aliases).where(aliases.c.address == address)
    if targets:
        chosen = chosen.where(aliases.c.target.in_(targets))
    if connection.execute(chosen).rowcount < max(1, len(set(targets))):
        raise DirectoryError(f"{address} does not have {_some(targets)}" if targets else f"{address} is no alias here")
    if not _count(connection, select(func.count()).select_from(aliases).where(aliases.c.address == address)):
        _refuse_if_missed(connection, of_file, address)


def _refuse_if_missed(connection: Connection, of_file: OfFile, gone: str) -> None:
    missed = left_alone(connection, of_file, gone)
    if missed:
        names = list(dict.fromkeys(name for where in missed.values() for name in where))
        raise DirectoryError(f"{_some(list(missed))} would be nobody; take that out of {_some(names)} first")


def _rows(connection: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(statement)]


def _count(connection: Connection, statement: Select[Any]) -> int:
    return connection.scalar(statement) or 0


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(sorted(names)[:3]) + more
