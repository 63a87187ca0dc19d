"""Migrations: from nothing, from each version with data in it, and from a version that is ahead."""

import pytest
from sqlalchemy import text

from gateway.directory import migrate

PEOPLE = (
    "INSERT INTO domains (name, deliver) VALUES ('dir.test', 'mailbox')",
    "INSERT INTO mailboxes (address, domain, password) VALUES ('anna@dir.test', 'dir.test', '{ARGON2ID}x')",
    "INSERT INTO aliases (address, target) VALUES ('sales@dir.test', 'anna@dir.test')",
)


def test_upgrade_of_nothing_makes_the_newest(engine):
    """A fresh database has no version, and a second run has nothing to do."""
    with engine.begin() as connection:
        assert migrate.version(connection) is None
        assert migrate.upgrade(connection) == (None, migrate.newest())
    with engine.begin() as connection:
        assert migrate.upgrade(connection) == (migrate.newest(), migrate.newest())


def test_upgrade_from_the_version_before_keeps_what_is_there(engine):
    """Each row is as it was, and what is new of it is empty."""
    with engine.begin() as connection:
        migrate.upgrade(connection, to="0001")
        for statement in PEOPLE:
            connection.execute(text(statement))
    with engine.begin() as connection:
        assert migrate.upgrade(connection) == ("0001", "0002")
        assert connection.execute(text("SELECT * FROM domains")).all() == [("dir.test", "mailbox", None, None)]
        assert connection.execute(text("SELECT address, domain, password, quota FROM mailboxes")).all() == [
            ("anna@dir.test", "dir.test", "{ARGON2ID}x", None)
        ]
        assert connection.execute(text("SELECT * FROM aliases")).all() == [("sales@dir.test", "anna@dir.test")]


def test_newer_tables_are_refused_and_left_alone(connection):
    """An older appliance does not know what is in them."""
    connection.execute(text("UPDATE sallyport_version SET version_num = '9999'"))
    with pytest.raises(migrate.NewerTablesError, match=r"version 9999, this appliance at 0002; expected a newer one"):
        migrate.upgrade(connection)
    assert migrate.version(connection) == "9999"
