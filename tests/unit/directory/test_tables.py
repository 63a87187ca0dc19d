"""The tables as they are declared, against those that the migrations make."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect

from gateway.directory import migrate
from gateway.directory.tables import metadata


def test_migrations_make_the_tables_that_are_declared(connection):
    """A table or column that one side alone knows would show, and so would another type or key."""
    context = MigrationContext.configure(
        connection, opts={"version_table": migrate.VERSION_TABLE, "compare_type": True}
    )
    assert compare_metadata(context, metadata) == []
    inspector = inspect(connection)
    for table in metadata.sorted_tables:
        made = {check["name"] for check in inspector.get_check_constraints(table.name)}
        assert made == {check.name for check in table.constraints if isinstance(check, CheckConstraint)}
        assert inspector.get_pk_constraint(table.name)["constrained_columns"] == list(table.primary_key.columns.keys())
