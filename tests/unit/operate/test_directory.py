"""gateway directory: the tables made and brought up to date, and the passwords of the database."""

import json

import pytest
from click.testing import CliRunner

from gateway.directory import engine
from gateway.operate.cli import main
from gateway.operate.directory import DATABASE_UID
from gateway.operate.options import EXIT_MISTAKES
from gateway.operate.site import Site
from gateway.settings.load import load
from tests.configurations import minimal

MYSQL = '[directory]\nurl = "mysql://gateway@database/mail"\n'
QUERIES = "[directory.queries]\n" + "".join(
    f"{key} = \"SELECT x FROM y WHERE z = '%s'\"\n" for key in ("domains", "aliases", "mailboxes")
)


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command on a file with a [directory]."""
    (tmp_path / "secrets").mkdir()

    def command(told, *arguments, **options):
        (tmp_path / "gateway.toml").write_text(minimal(told))
        at = ["--config", str(tmp_path / "gateway.toml")]
        at += ["--secrets", str(tmp_path / "secrets")]
        return CliRunner().invoke(main, [*arguments, *at], **options)

    return command


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Keep files of sqlite:// here."""
    monkeypatch.setattr(engine.connect, "__defaults__", ("", "", tmp_path))
    return tmp_path


def test_upgrade_makes_the_tables_and_then_has_nothing_to_do(run, files):
    """And says so, to a person and to a program."""
    told = '[directory]\nurl = "sqlite:///mail"\n'
    assert run(told, "directory", "upgrade").stdout == "directory: tables at version 0002: made\n"
    assert json.loads(run(told, "directory", "upgrade", "--json").stdout) == {"before": "0002", "after": "0002"}
    assert (files / "mail").exists()


@pytest.mark.parametrize("told", ["", MYSQL + QUERIES])
def test_upgrade_leaves_alone_what_is_not_ours(run, told):
    """Without a database, and with tables of another program."""
    done = run(told, "directory", "upgrade")
    assert (done.exit_code, done.stdout) == (0, "no tables of ours to upgrade\n")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("", "none"),
        ('[directory]\nurl = "sqlite:///mail"\n', "file"),
        (MYSQL, "database"),
        ('[directory]\nurl = "postgresql://gateway@db.corp.test/mail"\n', "elsewhere"),
    ],
)
def test_kind_is_what_scripts_have_to_wait_for(run, told, kind):
    """One word."""
    assert run(told, "directory", "kind").stdout == f"{kind}\n"


def test_own_database_is_reached_by_its_address(tmp_path):
    """Any other host as the file has it."""
    path = tmp_path / "gateway.toml"
    for host, reached in (("database", "198.18.25.231"), ("db.corp.test", "db.corp.test")):
        path.write_text(minimal(f'[directory]\nurl = "mysql://gateway@{host}/mail"\n'))
        assert Site(load(path), tmp_path).database.host == reached


def test_missing_passwords_are_made_once(run, tmp_path):
    """Random, for the database's user alone, and said; those that are there stay."""
    (tmp_path / "secrets/directory-password").write_text("chosen by hand\n")
    done = run(MYSQL, "directory", "secrets")
    made = tmp_path / "secrets/directory-admin-password"
    assert done.stdout == "made secrets/directory-admin-password, a random password of the database\n"
    assert (made.stat().st_mode & 0o777, made.stat().st_uid) == (0o600, DATABASE_UID)
    assert len(made.read_text()) == 33
    assert (tmp_path / "secrets/directory-password").read_text() == "chosen by hand\n"
    assert run(MYSQL, "directory", "secrets").stdout == ""


def test_empty_password_is_refused(run, tmp_path):
    """The database would let everybody in."""
    (tmp_path / "secrets/directory-password").touch()
    done = run(MYSQL, "directory", "secrets")
    assert (done.exit_code, done.stderr) == (
        1,
        "gateway: secrets/directory-password is empty; expected a password on its first line\n",
    )


def test_missing_password_is_said(run):
    """With what makes it."""
    done = run(MYSQL, "directory", "upgrade")
    assert done.exit_code == 1
    assert done.stderr.startswith("gateway: there is no secrets/directory-admin-password: make up makes it")


def test_database_that_is_away_is_said_in_its_own_words(run, tmp_path):
    """Exit code 1, and no traceback."""
    (tmp_path / "secrets/directory-admin-password").write_text("secret word\n")
    done = run('[directory]\nurl = "mysql://gateway@127.0.0.1:1/mail"\n', "directory", "upgrade")
    assert done.exit_code == 1
    assert done.stderr.startswith("gateway: the database says: ")
    assert "secret word" not in done.stderr


def test_mistakes_of_the_file_are_told_as_everywhere(run):
    """Exit code 3."""
    done = run('[directory]\nurl = "mysql://gateway:secret@database/mail"\n', "directory", "kind")
    assert done.exit_code == EXIT_MISTAKES
    assert "the password is a file in secrets/" in done.stderr
