"""
The way to the tables: an engine for the database that gateway.toml names.

A file is written with a rollback journal and never with a write-ahead log: the gates read it from a mount that they
cannot write to, where a log would be lost on them.  Pages stay in memory until the commit, so that an import of many
locks the gates out for the moment of its commit only.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.settings.accounts import FILES
from gateway.settings.grammar import Database

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 30  # another command at the same file
_DRIVERS = {"mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}


def connect(database: Database, user: str = "", password: str = "", files: Path = Path(FILES)) -> Engine:
    """
    Make the engine; nothing is connected yet.

    Args:
        database: Where the tables are; its host an address, or a name that resolves here.
        user: Who may do what is to be done; not used for a file.
        password: Theirs.
        files: Where files are.
    """
    if database.scheme == "sqlite":
        engine = create_engine(
            URL.create("sqlite", database=str(files / database.name)), connect_args={"timeout": LOCK_TIMEOUT_S}
        )
        event.listen(engine, "connect", _prepare_file)
        return engine
    host = database.host.removeprefix("[").removesuffix("]")
    url = URL.create(_DRIVERS[database.scheme], user, password, host, database.port, database.name)
    options: dict[str, int | str] = {"connect_timeout": CONNECT_TIMEOUT_S}
    if database.scheme == "postgresql":
        options["client_encoding"] = "UTF8"  # else text is octets to us where the database is SQL_ASCII
    return create_engine(url, connect_args=options)


def _prepare_file(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = DELETE", "synchronous = FULL", "cache_spill = OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
