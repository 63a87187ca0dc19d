"""
The tables of a directory that is ours.

Addresses and names are kept folded, as gateway.settings.grammar folds them and as Postfix folds what it asks for, and
MariaDB compares them octet by octet: under its default collation a look-up of one address finds its neighbour with an
accent.  No table refers to another: people may be kept here of a domain that gateway.toml has.

This is the state after the last migration (migrations/versions); a test holds the two against each other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, MetaData, String, Table

MAX_DOMAIN, MAX_ADDRESS = 253, 254  # octets, RFC 5321 section 4.5.3.1
OCTETS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}

metadata = MetaData()

domains = Table(
    "domains",
    metadata,
    Column("name", String(MAX_DOMAIN), primary_key=True),
    Column("deliver", String(7), nullable=False),
    Column("next_hop", String(300)),  # of relay domains, as in [domains.*]
    Column("recipients", String(6)),  # of relay domains: verify or any
    CheckConstraint("deliver IN ('mailbox', 'alias', 'relay')", name="domains_deliver"),
    CheckConstraint("(deliver = 'relay') = (next_hop IS NOT NULL)", name="domains_next_hop"),
    **OCTETS,
)
mailboxes = Table(
    "mailboxes",
    metadata,
    Column("address", String(MAX_ADDRESS), primary_key=True),
    Column("domain", String(MAX_DOMAIN), nullable=False, index=True),
    Column("password", String(255)),  # {SCHEME}hash, as Dovecot reads it; none: nobody can log in
    Column("quota", BigInteger),  # octets; none: [mailstore] quota
    **OCTETS,
)
aliases = Table(
    "aliases",
    metadata,
    Column("address", String(MAX_ADDRESS), primary_key=True),  # or @domain: whoever is not a mailbox or alias there
    Column("target", String(MAX_ADDRESS), primary_key=True),
    **OCTETS,
)
