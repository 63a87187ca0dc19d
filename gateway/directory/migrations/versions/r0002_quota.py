"""Give mailboxes a quota of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; nobody has one yet."""
    op.add_column("mailboxes", sa.Column("quota", sa.BigInteger))
