"""The way to the tables: what a URL becomes, and how a file is kept."""

import sqlite3

import pytest
from sqlalchemy import text

from gateway.directory.engine import connect
from gateway.settings.grammar import database


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://gateway@192.0.2.7/mail", "mysql+pymysql://admin:***@192.0.2.7:3306/mail"),
        ("postgresql://gateway@db.corp.test:5433/mail", "postgresql+psycopg://admin:***@db.corp.test:5433/mail"),
        ("postgresql://gateway@[2001:db8::7]/mail", "postgresql+psycopg://admin:***@[2001:db8::7]:5432/mail"),
    ],
)
def test_server_is_reached_as_the_user_given(url, expected):
    """Not as the user in the URL, who may only read; and a password never shows."""
    engine = connect(database(url), "admin", "p@ss/w:rd")
    assert str(engine.url) == expected
    assert engine.url.password == "p@ss/w:rd"


def test_file_has_no_log_beside_it(connection, tmp_path):
    """The gates read it from a mount that they cannot write to."""
    assert connection.execute(text("PRAGMA journal_mode")).scalar() == "delete"
    assert connection.execute(text("PRAGMA cache_spill")).scalar() == 0


def test_reader_is_not_locked_out_while_many_rows_are_written(engine, connection, tmp_path):
    """Pages are kept until the commit, so a gate that looks somebody up meanwhile gets its answer."""
    connection.commit()
    with engine.begin() as writing:
        writing.execute(
            text("INSERT INTO aliases VALUES (:address, :address)"),
            [{"address": f"{'x' * 180}{number}@dir.test"} for number in range(40_000)],
        )
        reader = sqlite3.connect(f"file:{tmp_path}/mail.sqlite?mode=ro", uri=True, timeout=0)
        assert reader.execute("SELECT COUNT(*) FROM aliases").fetchone() == (0,)
        reader.close()
