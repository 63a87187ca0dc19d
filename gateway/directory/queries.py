"""
What the gates and Dovecot ask: a few queries, each of which a database answers from an index.

A query is Postfix's: %s is what is asked for, %u and %d its local part and domain; Postfix escapes each.  With %u or %d
in it, a query is not made at all where there is none: "@example.test" has no local part.

Each question is a table of its own, asked in the order in which they stand in main.cf, and the first answer counts.
So an alias goes before the mailbox of the same address, and a mailbox before the catch-all of its domain, whose key
Postfix tries last of all.

Aliases are followed here for one question only, whose an address is (senders): there nobody asks again for what was
found, as gate 2 does when it expands them.  A UNION of joins, one for each number of aliases in a row, is what all
three databases plan as look-ups by key; a recursive query would have to end its circles by itself.

Source: mysql_table(5), pgsql_table(5), sqlite_table(5), virtual(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.settings.accounts import Queries

MAX_IN_A_ROW = 5  # aliases between an address and the mailboxes that may send as it


@dataclass(frozen=True)
class Asked:
    """The queries of a directory; None where its tables have no such thing."""

    domains: str  # %s is a domain: a row if it is one of ours, of any kind
    mailbox_domains: str
    alias_domains: str | None
    relay_domains: str | None
    verified: str | None  # a row for relay domains whose next hop knows the recipients
    relayed: str | None  # %s is an address: a row if it is in a relay domain
    transport: str | None  # the next hop of a relay domain
    aliases: str  # %s is an address or @domain: a row for each target
    mailboxes: str  # %s is an address: a row if it is a mailbox
    postmasters: str  # %s is an address: a row if it is the postmaster of a domain that is delivered here
    senders: str | None  # %s is an address or @domain: itself if a mailbox, and whatever it leads to


def _senders() -> str:
    """Return the query for all that an address leads to; who of them has no login is not asked for here."""
    selects = ["SELECT address FROM mailboxes WHERE address = '%s'"]
    for last in range(1, MAX_IN_A_ROW + 1):
        joins = [f"JOIN aliases a{n} ON a{n}.address = a{n - 1}.target" for n in range(2, last + 1)]
        selects.append(" ".join([f"SELECT a{last}.target FROM aliases a1", *joins, "WHERE a1.address = '%s'"]))  # noqa: S608 - no word of anybody's
    return " UNION ".join(selects)


OURS = Asked(
    domains="SELECT name FROM domains WHERE name = '%s'",
    mailbox_domains="SELECT name FROM domains WHERE name = '%s' AND deliver = 'mailbox'",
    alias_domains="SELECT name FROM domains WHERE name = '%s' AND deliver = 'alias'",
    relay_domains="SELECT name FROM domains WHERE name = '%s' AND deliver = 'relay'",
    verified="SELECT name FROM domains WHERE name = '%s' AND deliver = 'relay' AND recipients = 'verify'",
    relayed="SELECT name FROM domains WHERE name = '%d' AND deliver = 'relay'",
    transport="SELECT next_hop FROM domains WHERE name = '%s' AND deliver = 'relay'",
    aliases="SELECT target FROM aliases WHERE address = '%s' ORDER BY target",
    mailboxes="SELECT address FROM mailboxes WHERE address = '%s'",
    postmasters="SELECT name FROM domains WHERE name = '%d' AND '%u' = 'postmaster' AND deliver <> 'relay'",
    senders=_senders(),
)


def logins(given: Queries) -> str | None:
    """
    Return the query of Dovecot's passdb, with its own variables; None where tables of others have no query for it.

    Source: Dovecot 2.4, "SQL Authentication" and "Variables".
    """
    if not given.given:
        return "SELECT address AS user, password FROM mailboxes WHERE address = '%{user}'"
    return None if given.passwords is None else for_dovecot(given.passwords)


def quotas(given: Queries) -> str | None:
    """
    Return the query of Dovecot's userdb for a mailbox's own quota; None where tables of others have no query for it.

    No octets, NULL, is no answer: that of [mailstore] then holds.
    """
    if not given.given:
        return "SELECT quota AS quota_storage_size FROM mailboxes WHERE address = '%{user}'"
    if given.quotas is None:
        return None
    return f"SELECT quota AS quota_storage_size FROM ({for_dovecot(given.quotas)}) AS theirs"  # noqa: S608 - the operator's own words


def for_dovecot(query: str) -> str:
    """Return a query of Postfix's about an address as one of Dovecot's about a user, with its own variables."""
    parts = {"%s": "%{user}", "%u": "%{user | username}", "%d": "%{user | domain}"}
    return re.sub("%[sud]", lambda match: parts[match[0]], query)


def asked(given: Queries) -> Asked:
    """Return the queries that [directory.queries] gives, or ours; tables of others have mailbox domains only."""
    if not (given.domains and given.aliases and given.mailboxes):
        return OURS
    ours = given.domains.replace("%s", "%d")
    postmasters = f"SELECT 1 FROM ({ours}) AS ours WHERE '%u' = 'postmaster'"  # noqa: S608 - the operator's own words
    return Asked(
        domains=given.domains,
        mailbox_domains=given.domains,
        alias_domains=None,
        relay_domains=None,
        verified=None,
        relayed=None,
        transport=None,
        aliases=given.aliases,
        mailboxes=given.mailboxes,
        postmasters=postmasters,
        senders=None,
    )
