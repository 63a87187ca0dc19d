"""Run the migrations on the connection that gateway.directory.migrate hands over, in one transaction."""

from alembic import context

from gateway.directory.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table="sallyport_version"
)
with context.begin_transaction():
    context.run_migrations()
