"""
Make the tables of domains, mailboxes and aliases.

What is written here stays as it is, whatever tables.py becomes: it is what databases out there were made by.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

OCTETS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "domains",
        sa.Column("name", sa.String(253), primary_key=True),
        sa.Column("deliver", sa.String(7), nullable=False),
        sa.Column("next_hop", sa.String(300)),
        sa.Column("recipients", sa.String(6)),
        sa.CheckConstraint("deliver IN ('mailbox', 'alias', 'relay')", name="domains_deliver"),
        sa.CheckConstraint("(deliver = 'relay') = (next_hop IS NOT NULL)", name="domains_next_hop"),
        **OCTETS,
    )
    op.create_table(
        "mailboxes",
        sa.Column("address", sa.String(254), primary_key=True),
        sa.Column("domain", sa.String(253), nullable=False, index=True),
        sa.Column("password", sa.String(255)),
        **OCTETS,
    )
    op.create_table(
        "aliases",
        sa.Column("address", sa.String(254), primary_key=True),
        sa.Column("target", sa.String(254), primary_key=True),
        **OCTETS,
    )
