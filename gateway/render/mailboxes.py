"""
Who has a mailbox, as Dovecot looks it up: by its userdbs, one after the other.

It asks the lists and tables that gate 2 asks, and by the keys that Postfix tries: the whole address, then what is left
without an extension.  Dovecot's own recipient_delimiter cuts every address, so that mail for jean-luc, a mailbox, would
come to jean; it is empty, and set for the user who was found, for the scripts to know what an extension is.

With a rule that everybody has a mailbox, whatever comes past gate 2's own check, mail for an alias to somebody who has
gone say, would make a Maildir that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.directory.queries import for_dovecot, quotas
from gateway.settings.accounts import Queries
from gateway.settings.models import Settings

USER = "%{user | lower | safe}"  # without `safe` it would be \' for each '
_DOWN = {"result_internalfail": "return"}


@dataclass(frozen=True)
class Userdb:
    """A look-up: its name, which no other has, and how it is made."""

    name: str
    what: str
    query: str  # empty for the list of the file
    results: dict[str, str]  # what follows from an answer, where that is not the default
    fields: dict[str, str]  # of the user who is found
    user: str = USER  # what is looked up in the list


def userdbs(settings: Settings) -> list[Userdb]:
    """Return the look-ups of the mailstore, in order."""
    delimiter = settings.gateway.recipient_delimiter
    if not delimiter:
        return list(_exact(settings, {}))
    exact = list(_exact(settings, {"recipient_delimiter": delimiter}))
    return [*exact, *(_without_extension(userdb, delimiter) for userdb in exact)]


def own_quotas(settings: Settings) -> bool:
    """Tell whether a mailbox may have a quota of its own."""
    return settings.directory.url is not None and quotas(settings.directory.queries) is not None


def _exact(settings: Settings, of_user: dict[str, str]) -> Iterator[Userdb]:
    if settings.directory.url is not None:
        yield from (_theirs if settings.directory.queries.given else _ours)(settings.directory.queries, of_user)
    yield Userdb("file", "Mailboxes of gateway.toml.", "", {}, of_user)


def _ours(given: Queries, of_user: dict[str, str]) -> Iterator[Userdb]:
    """Yield one look-up for both; of the file's mailboxes too, which may have a row and with it a quota."""
    what = "Mailboxes of the tables, and their quotas. Mail waits for a database that is down, for all may have one."
    yield Userdb("tables", what, quotas(given) or "", _DOWN, of_user)


def _theirs(given: Queries, of_user: dict[str, str]) -> Iterator[Userdb]:
    """Yield the look-up of a quota, if there is one, and that of a mailbox, which alone makes one."""
    if of_tables := quotas(given):
        what = "Quotas of the tables. Mail waits for a database that is down, for all may have one."
        yield Userdb("quotas", what, of_tables, {"result_success": "continue"} | _DOWN, {})
    query = for_dovecot(given.mailboxes or "")
    # Without its columns, which would be settings, and one row, for Dovecot takes no more.
    row = f"SELECT '%{{user}}' AS user FROM ({query}) AS theirs LIMIT 1"  # noqa: S608 - the operator's own words
    yield Userdb("tables", "Mailboxes of the tables. Mail waits for a database that is down.", row, {}, of_user)


def _without_extension(userdb: Userdb, delimiter: str) -> Userdb:
    """Return the same look-up by the address up to the first delimiter; whoever is found is that user from then on."""
    rest = f'user | lower | regexp("^([^@{delimiter}]+)[{delimiter}][^@]*@(.*)$", "\\\\1@\\\\2")'
    return Userdb(
        f"{userdb.name}-without-extension",
        userdb.what,
        userdb.query.replace("%{user", f"%{{{rest}"),
        userdb.results,
        userdb.fields and {"user": f"%{{{rest}}}"} | userdb.fields,
        f"%{{{rest} | safe}}",
    )
