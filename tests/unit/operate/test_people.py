"""gateway domain, mailbox and alias: what they print, what they change, and their exit codes."""

import json
import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner

from gateway.directory import engine
from gateway.operate.cli import main
from tests.configurations import RELAY, minimal

SQLITE = '[aliases]\n"info@example.test" = ["postmaster@example.test"]\n[directory]\nurl = "sqlite:///mail"\n'
PASSWORD = "correct horse battery"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a command; the directory is a file, at the newest version."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "gateway.toml").write_text(minimal(SQLITE))
    monkeypatch.setattr(engine.connect, "__defaults__", ("", "", tmp_path))
    at = ["--config", str(tmp_path / "gateway.toml"), "--secrets", str(tmp_path / "secrets")]

    def command(*arguments, **options):
        return CliRunner().invoke(main, [*arguments, *at], **options)

    assert command("directory", "upgrade").exit_code == 0
    return command


def test_people_are_added_listed_and_removed(run):
    """Each with a line for a person; lists say what is in the file and what in the tables."""
    said = [
        run("domain", "add", "dir.test").stdout,
        run("mailbox", "add", "Anna@DIR.test", "--quota", "2GiB").stdout,
        run("mailbox", "add", "anna@dir.test", "--quota", "2GiB").stdout,
        run("alias", "add", "@dir.test", "anna@dir.test").stdout,
        run("alias", "remove", "@dir.test").stdout,
        run("mailbox", "remove", "anna@dir.test").stdout,
        run("domain", "remove", "dir.test").stdout,
    ]
    assert said == [
        "dir.test added\n",
        "anna@dir.test added\n",
        "anna@dir.test was there already\n",
        "@dir.test → anna@dir.test added\n",
        "@dir.test removed\n",
        "anna@dir.test removed; its Maildir stays\n",
        "dir.test removed\n",
    ]


def test_quota_is_changed(run):
    """To another, or to that of all others; of nobody it is refused."""
    run("domain", "add", "dir.test")
    run("mailbox", "add", "anna@dir.test", "--quota", "2GiB")
    said, quotas = [], []
    for size in ("1GiB", "default"):
        said.append(run("mailbox", "quota", "anna@dir.test", size).stdout)
        quotas.append(json.loads(run("mailbox", "list", "--domain", "dir.test", "--json").stdout)[0]["quota"])
    assert said == ["anna@dir.test: quota 1GiB\n", "anna@dir.test: quota default\n"]
    assert quotas == [2**30, None]
    refused = run("mailbox", "quota", "nobody@dir.test", "1GiB")
    assert (refused.exit_code, refused.stderr) == (1, "gateway: nobody@dir.test is no mailbox of the directory\n")
    assert run("mailbox", "quota", "anna@dir.test", "much").exit_code == 2


def test_lists_for_programs(run):
    """Those of gateway.toml first."""
    run("domain", "add", "corp.test", "--deliver", "relay", "--next-hop", "[192.0.2.25]:25")
    run("mailbox", "add", "ida@example.test")
    run("alias", "add", "sales@corp.test", "ida@example.test", "bob@else.test")
    lists = {kind: json.loads(run(kind, "list", "--json").stdout) for kind in ("domain", "mailbox", "alias")}
    relay = {"deliver": "relay", "next_hop": "[192.0.2.25]:25", "recipients": "verify", "in": "tables"}
    assert lists["domain"] == [
        {"name": "example.test", "deliver": "mailbox", "next_hop": None, "recipients": None, "in": "gateway.toml"},
        {"name": "corp.test", **relay},
    ]
    assert lists["mailbox"] == [
        {"address": "postmaster@example.test", "quota": None, "has_password": False, "in": "gateway.toml"},
        {"address": "ida@example.test", "quota": None, "has_password": False, "in": "tables"},
    ]
    assert lists["alias"] == [
        {"address": "info@example.test", "targets": ["postmaster@example.test"], "in": "gateway.toml"},
        {"address": "sales@corp.test", "targets": ["bob@else.test", "ida@example.test"], "in": "tables"},
    ]


def test_list_for_people_fits_a_pipe(run):
    """A row is a line."""
    run("mailbox", "add", "ida@example.test", "--quota", "512MiB")
    rows = [line for line in run("mailbox", "list").stdout.splitlines() if "@" in line]
    assert rows == [
        "│ postmaster@example.test │        │ no           │ gateway.toml │",
        "│ ida@example.test        │ 512MiB │ no           │ tables       │",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("mailbox", "add", "x@else.test"), 1, "gateway: else.test has no mailboxes; expected a domain with"),
        (("mailbox", "add", "no-address"), 2, "no @; expected an address such as anna@example.test"),
        (("mailbox", "add", "a@example.test", "--quota", "much"), 2, "expected a size as text with its unit"),
        (("domain", "add", "corp.test", "--deliver", "relay"), 1, "gateway: a relay domain has a next hop"),
        (("alias", "add", "a@example.test"), 2, "Missing argument 'TARGET...'"),
        (("domain", "remove", "else.test"), 1, "gateway: else.test is not in the directory"),
        (("domain", "add", "mx.example.test"), 1, "gateway: mx.example.test is this gateway's own name: its mail"),
        (("mailbox", "add", "a@example.test", "--quota", "1B"), 1, "gateway: quota: 1 octets is less than the largest"),
    ],
)
def test_what_does_not_go_is_said(run, arguments, code, reason):
    """1 where the directory refuses, 2 where the words are wrong."""
    done = run(*arguments)
    assert (done.exit_code, reason in done.stderr) == (code, True), done.stderr


def test_what_the_file_leads_to_stays(run, tmp_path):
    """Aliases, redirects and canonical addresses; each is named, and nothing has changed."""
    file = SQLITE.replace('["postmaster@example.test"]', '["ida@example.test"]')
    more = (
        '[canonical]\n"old@example.test" = "ida@example.test"\n[policies.away]\noutside = "redirect:ida@example.test"\n'
    )
    run("mailbox", "add", "ida@example.test")
    (tmp_path / "gateway.toml").write_text(minimal(file + more))
    refused = run("mailbox", "remove", "ida@example.test")
    keys = ('aliases."info@example.test"', 'canonical."old@example.test"', "policies.away.outside")
    named = ", ".join(f"{key} of gateway.toml" for key in keys)
    assert refused.exit_code == 1
    assert refused.stderr == f"gateway: ida@example.test would be nobody; take that out of {named} first\n"
    assert "ida@example.test" in run("mailbox", "list").stdout


def test_listed_recipient_of_a_relay_domain_gets_a_password(run, tmp_path):
    """The mailbox is elsewhere, and the login is here."""
    relay = f'[domains."corp.test"]\n{RELAY}recipients = "list"\nrecipient_list = ["kim@corp.test"]\n'
    (tmp_path / "gateway.toml").write_text(minimal(SQLITE + relay))
    done = run("mailbox", "password", "kim@corp.test", input=f"{PASSWORD}\n")
    assert (done.exit_code, done.stdout) == (0, "kim@corp.test: password set\n")
    assert (tmp_path / "secrets/passwords").read_text().startswith("kim@corp.test:{ARGON2ID}$argon2id$")


@pytest.mark.parametrize("address", ["ida@example.test", "postmaster@example.test"])
def test_password_comes_by_stdin_and_is_not_told(run, tmp_path, address):
    """Into the tables, or into secrets/passwords for a mailbox of the file."""
    run("mailbox", "add", "ida@example.test")
    done = run("mailbox", "password", address, input=f"{PASSWORD}\n")
    assert (done.exit_code, done.stdout) == (0, f"{address}: password set\n")
    boxes = json.loads(run("mailbox", "list", "--json").stdout)
    assert [box["address"] for box in boxes if box["has_password"]] == [address]
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in kept
    assert kept.count(b"{ARGON2ID}$argon2id$") == 1


def test_bad_password_is_refused_and_not_told(run):
    """And nothing is set."""
    done = run("mailbox", "password", "postmaster@example.test", input="short\n")
    assert (done.exit_code, done.stderr) == (1, "gateway: a password of 5 characters; expected at least 8\n")


def test_password_is_asked_for_twice_on_a_terminal_and_not_shown(run, tmp_path):
    """What is typed does not appear."""
    ours, theirs = pty.openpty()
    at = ["--config", str(tmp_path / "gateway.toml"), "--secrets", str(tmp_path / "secrets")]
    script = "from gateway.operate.cli import main; main()"
    command = [sys.executable, "-c", script, "mailbox", "password", "postmaster@example.test", *at]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    for prompt in (b"Password of postmaster@example.test: ", b"Repeat for confirmation: "):
        while prompt not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, f"{PASSWORD}\n".encode())
    while b"password set" not in shown:
        shown += os.read(ours, 1000)
    assert process.wait(30) == 0
    os.close(ours)
    assert PASSWORD.encode() not in shown


def test_import_from_stdin_names_the_file_it_came_from(run):
    """All or nothing, and each mistake with its line."""
    refused = run(
        "mailbox", "import", "-", "--name", "people.csv", input="address\nida@example.test\nbad\nx@else.test\n"
    )
    assert refused.exit_code == 1
    assert refused.stderr == (
        "gateway: nothing was imported:\n"
        "people.csv:3: no @; expected an address such as anna@example.test\n"
        "people.csv:4: else.test has no mailboxes; expected a domain with deliver = mailbox\n"
    )
    assert len(json.loads(run("mailbox", "list", "--json").stdout)) == 1
    done = run("mailbox", "import", "-", "--json", input="address,password\nida@example.test,correct horse\n")
    assert (json.loads(done.stdout), done.stderr) == ({"mailboxes": 1, "hashed": 1}, "")


def test_import_shows_a_bar_where_it_is_asked_to(run):
    """On stderr, to the end of it; stdout is as without."""
    done = run("mailbox", "import", "-", "--progress", "--json", input="address\nida@example.test\n")
    assert json.loads(done.stdout) == {"mailboxes": 1, "hashed": 0}
    assert "mailboxes" in done.stderr
    assert "100%" in done.stderr


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("", "[directory] url is not set: gateway.toml itself is the directory; edit it, then make apply"),
        ('[directory]\nurl = "sqlite:///fresh"\n', "there are no tables yet, expected 0002: make apply, or gateway"),
        (
            '[directory]\nurl = "sqlite:///mail"\n[directory.queries]\n'
            + "".join(f"{key} = \"SELECT x FROM y WHERE z = '%s'\"\n" for key in ("domains", "aliases", "mailboxes")),
            "[directory.queries] is given: these tables are kept by the program that made them",
        ),
    ],
)
def test_tables_that_are_not_there_or_not_ours_are_not_changed(run, tmp_path, told, reason):
    """With what to do instead."""
    (tmp_path / "gateway.toml").write_text(minimal(told))
    done = run("mailbox", "add", "ida@example.test")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"gateway: {reason}")


def test_list_of_the_file_alone_needs_no_tables(run, tmp_path):
    """The embedded directory is what it lists."""
    (tmp_path / "gateway.toml").write_text(minimal())
    assert json.loads(run("mailbox", "list", "--json").stdout) == [
        {"address": "postmaster@example.test", "quota": None, "has_password": False, "in": "gateway.toml"}
    ]
    assert run("alias", "list").stdout == "there are none\n"
