"""
Bring the tables to what this version of the appliance expects: Alembic's migrations, which come with the package.

There is no way down.  A newer database is refused, not changed: an older appliance does not know what is in it.
On MariaDB each statement that changes a table stands by itself, so a migration that is cut off there may be half
done; each of ours is small, and the next run says at which statement it fails.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

VERSION_TABLE = "sallyport_version"


class NewerTablesError(ValueError):
    """The tables are of a newer version of the appliance."""


def version(connection: Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def newest() -> str:
    """Return the version that this appliance expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations: the package is not whole")
    return head


def upgrade(connection: Connection, to: str = "head") -> tuple[str | None, str]:
    """
    Run what is missing.

    Args:
        connection: Of a user who may change tables, in a transaction.
        to: A version; the newest unless given.

    Returns:
        The versions before and after.

    Raises:
        NewerTablesError: The tables are ahead of us.
        sqlalchemy.exc.SQLAlchemyError: The database refused.
    """
    before = version(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if before is not None and before not in known:
        raise NewerTablesError(
            f"the tables are at version {before}, this appliance at {newest()}; expected a newer one"
        )
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    return before, version(connection) or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
