"""People in MariaDB, their mail in the mailstore: quotas of rows, and all of it backed up and restored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, run, wait_for
from tests.stack.directory import command, commands, sql
from tests.stack.people import PASSWORD, Imap

PEOPLE = """
domain add base.test
mailbox add anna@base.test
mailbox add ben@base.test --quota 100KiB
mailbox add "o'brien@base.test"
alias add sales@base.test anna@base.test
"""


@pytest.fixture(scope="module")
def site(make_appliance: Callable[..., Appliance]) -> Appliance:
    """Give an appliance with two mailboxes in its tables, one with a quota of its own."""
    made = make_appliance("database")
    commands(made, PEOPLE)
    command(made, "mailbox", "password", "anna@base.test", stdin=f"{PASSWORD}\n")
    return made


@pytest.fixture(scope="module")
def client(site: Appliance) -> Client:
    """Give somebody outside."""
    return site.client("client")


def _send(site: Appliance, client: Client, to: str, octets: int = 0, sender: str = "someone@client.example") -> str:
    """Send a message of at least so many octets; give its token."""
    body = ("x" * 70 + "\n") * (octets // 71)
    sent = client.swaks(site.outside, "--body", f"text\n{body}", to=to, sender=sender)
    assert sent.code == 0, sent.transcript
    return sent.token


def _imaps(site: Appliance) -> str:
    return re.search(r'imaps = \["([^"]+)"', site.config.read_text())[1]  # type: ignore[index]  # it is there


def _listed(site: Appliance) -> list[dict]:
    return json.loads(command(site, "mailbox", "list", "--json").stdout)


def test_mailbox_has_the_quota_of_its_row(site: Appliance, client: Client) -> None:
    """It waits when that is full, and comes when the row has more; of all others that of [mailstore] holds."""
    for to in ("ben@base.test", "anna@base.test"):
        site.arrived(to, _send(site, client, to, 60_000))
    site.arrived("anna@base.test", _send(site, client, "anna@base.test", 60_000))
    late = _send(site, client, "ben@base.test", 60_000)
    site.deferred(r"452 4\.2\.2", to="ben@base.test")
    assert site.mailbox("ben@base.test", late) == []
    command(site, "mailbox", "quota", "ben@base.test", "default")
    site.exec("postfix-post", "postqueue", "-f")
    site.arrived("ben@base.test", late)
    shown = site.exec("dovecot", "doveadm", "-f", "tab", "quota", "get", "-u", "ben@base.test").stdout
    assert "\t1024\t" in shown, "kilobytes of [mailstore] quota"


def test_mailbox_with_a_quote_in_its_address_is_found(site: Appliance, client: Client) -> None:
    """By the gates and by Dovecot, who both put it into a query."""
    site.arrived("o'brien@base.test", _send(site, client, "o'brien@base.test"))


def test_mail_for_a_mailbox_that_is_gone_comes_back(site: Appliance, client: Client) -> None:
    """Gate 1 has seen the alias only; Dovecot knows that nobody would read it, and the sender is told."""
    token = _send(site, client, "gone@file.test", sender="anna@base.test")
    told = wait_for(lambda: site.mailbox("anna@base.test", f"X-Token: {token}"), "the report")
    assert re.search(
        r"^To: anna@base\.test$.*550 5\.1\.1 <gone@base\.test> User doesn't exist", told[0], re.MULTILINE | re.DOTALL
    )
    assert "gone" not in site.exec("postfix-post", "ls", "/var/mail/vhosts/base.test").stdout.split()


def test_quota_nobody_can_tell_is_not_that_of_all_others(site: Appliance) -> None:
    """While the database is away, delivery and logins wait."""
    site.compose("stop", "database")
    try:
        asked = site.exec("dovecot", "doveadm", "user", "ben@base.test", check=False)
        assert asked.returncode == 75, (asked.stdout, asked.stderr)
    finally:
        site.compose("start", "database")
    site.healthy("database")
    wait_for(
        lambda: site.exec("dovecot", "doveadm", "user", "ben@base.test", check=False).returncode == 0, "an answer", 60
    )


def test_everything_comes_back_on_an_empty_host(site: Appliance, client: Client, tmp_path: Path) -> None:
    """The tables by a dump, made while the database runs; people log in as before, and mail comes as before."""
    command(site, "mailbox", "quota", "ben@base.test", "200KiB")
    token = _send(site, client, "sales@base.test")
    site.arrived("anna@base.test", token)
    before = _listed(site)
    site.make("backup", f"BACKUP={tmp_path / 'backup'}")
    names = {path.name for path in (tmp_path / "backup").iterdir()}
    assert {"database.sql", "mail.tar", "settings.tar"} <= names
    assert "database.tar" not in names
    run("docker", "rm", "-fv", client.name)
    site.make("clean", "YES=1")
    said = site.make("restore", f"BACKUP={tmp_path / 'backup'}")
    assert f"Next: make up PROJECT={site.project}" in said.stdout
    site.up()
    assert _listed(site) == before
    assert {box["address"]: box["quota"] for box in before}["ben@base.test"] == 200 * 1024
    with Imap(_imaps(site), "anna@base.test") as imap:
        assert imap.has(token) == 1
    again = site.client("client")
    site.arrived("anna@base.test", _send(site, again, "sales@base.test"))
    denied = sql(site, "gateway", "mail", "DELETE FROM mailboxes", check=False)
    assert "DELETE command denied" in denied.stderr, "the gates may still only read"
