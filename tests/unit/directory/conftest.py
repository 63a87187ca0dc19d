"""A directory in a file, at the newest version, empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from gateway.directory import migrate
from gateway.directory.engine import connect
from gateway.settings.grammar import Database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return the engine of a file that does not exist yet."""
    made = connect(Database("sqlite", "mail.sqlite"), files=tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """Return a connection, in a transaction, to tables of the newest version."""
    with engine.begin() as connected:
        migrate.upgrade(connected)
        yield connected
