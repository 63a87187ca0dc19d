"""The queries, run on a file as Postfix runs them: what is asked for put in place of %s, %u and %d."""

import dataclasses

import pytest
from sqlalchemy import text

from gateway.directory import people
from gateway.directory.queries import OURS, asked, logins, quotas
from gateway.directory.reach import OfFile
from gateway.settings.accounts import Queries

FILE = OfFile()
THEIRS = Queries(
    domains="SELECT domain FROM domain WHERE domain = '%s'",
    aliases="SELECT goto FROM alias WHERE address = '%s'",
    mailboxes="SELECT maildir FROM mailbox WHERE username = '%s'",
)


@pytest.fixture
def ask(connection):
    """Return a function that asks a query of ours about a key."""
    people.add_domain(connection, FILE, "dir.test", "mailbox", None, None)
    people.add_domain(connection, FILE, "ali.test", "alias", None, None)
    people.add_domain(connection, FILE, "corp.test", "relay", "[192.0.2.25]:25", None)
    people.add_domain(connection, FILE, "open.test", "relay", "mail.test", "any")
    people.add_mailbox(connection, FILE, "anna@dir.test", None)
    people.add_alias(connection, FILE, "sales@dir.test", ["anna@dir.test", "a@else.test"])
    people.add_alias(connection, FILE, "@ali.test", ["anna@dir.test"])
    for number, target in enumerate(["sales@dir.test", "one@dir.test", "two@dir.test", "three@dir.test"]):
        people.add_alias(connection, FILE, f"{('one', 'two', 'three', 'four')[number]}@dir.test", [target])
    people.add_alias(connection, FILE, "five@dir.test", ["four@dir.test"])
    people.add_mailbox(connection, FILE, "ben@dir.test", None)
    people.add_alias(connection, FILE, "ben@dir.test", ["ben@dir.test", "anna@dir.test"])

    def answer(name, key):
        local, at, domain = key.rpartition("@")
        query = getattr(OURS, name)
        if at and not local and "%u" in query:
            return None  # db_common.c: not asked
        filled = query.replace("%s", key).replace("%u", local).replace("%d", domain)
        return [row[0] for row in connection.execute(text(filled))]

    return answer


@pytest.mark.parametrize(
    ("name", "key", "rows"),
    [
        ("domains", "dir.test", ["dir.test"]),
        ("domains", "else.test", []),
        ("mailbox_domains", "dir.test", ["dir.test"]),
        ("mailbox_domains", "ali.test", []),
        ("alias_domains", "ali.test", ["ali.test"]),
        ("alias_domains", "dir.test", []),
        ("relay_domains", "corp.test", ["corp.test"]),
        ("relay_domains", "dir.test", []),
        ("verified", "corp.test", ["corp.test"]),
        ("verified", "open.test", []),
        ("relayed", "who@open.test", ["open.test"]),
        ("relayed", "who@dir.test", []),
        ("transport", "corp.test", ["[192.0.2.25]:25"]),
        ("transport", "dir.test", []),
        ("aliases", "sales@dir.test", ["a@else.test", "anna@dir.test"]),
        ("aliases", "@ali.test", ["anna@dir.test"]),
        ("aliases", "anna@dir.test", []),
        ("mailboxes", "anna@dir.test", ["anna@dir.test"]),
        ("mailboxes", "sales@dir.test", []),
        ("postmasters", "postmaster@dir.test", ["dir.test"]),
        ("postmasters", "postmaster@ali.test", ["ali.test"]),
        ("postmasters", "postmaster@corp.test", []),
        ("postmasters", "anna@dir.test", []),
        ("postmasters", "@dir.test", None),
        ("senders", "anna@dir.test", {"anna@dir.test"}),
        ("senders", "ben@dir.test", {"ben@dir.test", "anna@dir.test"}),
        ("senders", "@ali.test", {"anna@dir.test"}),
        ("senders", "one@dir.test", {"sales@dir.test", "anna@dir.test", "a@else.test"}),
        (
            "senders",
            "four@dir.test",
            {f"{name}@dir.test" for name in ("three", "two", "one", "sales", "anna")} | {"a@else.test"},
        ),
        ("senders", "five@dir.test", {f"{name}@dir.test" for name in ("four", "three", "two", "one", "sales")}),
        ("senders", "nobody@dir.test", set()),
    ],
)
def test_query_answers(ask, name, key, rows):
    """With the rows that are meant, and no others."""
    answer = ask(name, key)
    assert (set(answer) if isinstance(rows, set) else answer) == rows


def test_each_question_has_a_query_and_each_query_an_index(connection):
    """Whatever the number of rows: SQLite plans a search by a key, and no scan."""
    for field in dataclasses.fields(OURS):
        query = getattr(OURS, field.name).replace("%s", "x").replace("%u", "x").replace("%d", "x")
        plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
        assert not [step for step in plan if step.startswith("SCAN")], (field.name, plan)


def test_theirs_replace_ours():
    """Their tables have domains of mailboxes only; a postmaster is asked for by their domains."""
    theirs = asked(THEIRS)
    assert asked(Queries()) == OURS
    assert (theirs.domains, theirs.mailbox_domains) == (THEIRS.domains, THEIRS.domains)
    assert (theirs.aliases, theirs.mailboxes) == (THEIRS.aliases, THEIRS.mailboxes)
    unused = (theirs.alias_domains, theirs.relay_domains, theirs.verified, theirs.relayed, theirs.transport)
    assert (*unused, theirs.senders) == (None,) * 6
    assert theirs.postmasters == (
        "SELECT 1 FROM (SELECT domain FROM domain WHERE domain = '%d') AS ours WHERE '%u' = 'postmaster'"
    )


def test_logins_are_asked_for_in_dovecots_words():
    """Of our mailboxes, or by the query that is given; tables of others without one have no logins."""
    ours = "SELECT address AS user, password FROM mailboxes WHERE address = '%{user}'"
    given = (
        "SELECT username AS user, password FROM mailbox WHERE local_part = '%u' AND domain = '%d' OR username = '%s'"
    )
    theirs = THEIRS.model_copy(update={"passwords": given})
    assert logins(Queries()) == ours
    assert logins(THEIRS) is None
    assert logins(theirs) == (
        "SELECT username AS user, password FROM mailbox "
        "WHERE local_part = '%{user | username}' AND domain = '%{user | domain}' OR username = '%{user}'"
    )


def test_quotas_are_asked_for_as_dovecot_names_them():
    """Of our mailboxes, or of whatever the query that is given calls quota."""
    given = "SELECT quota FROM mailbox WHERE username = '%s'"
    assert quotas(Queries()) == "SELECT quota AS quota_storage_size FROM mailboxes WHERE address = '%{user}'"
    assert quotas(THEIRS) is None
    assert quotas(THEIRS.model_copy(update={"quotas": given})) == (
        "SELECT quota AS quota_storage_size FROM (SELECT quota FROM mailbox WHERE username = '%{user}') AS theirs"
    )
