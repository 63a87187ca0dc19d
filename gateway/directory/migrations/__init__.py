"""Alembic's migrations of the tables, run by gateway.directory.migrate."""
