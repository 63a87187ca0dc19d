"""Where the rules about [directory] begin to object, and which others it quietens."""

import pytest

QUERY = "SELECT x FROM y WHERE z = '%s'"
URL = "mysql://gateway@database/mail"


def test_whole_directory_is_fine(found):
    """Each kind by itself, and with queries for all three questions."""
    for url in ("sqlite:///mail.sqlite", URL, "postgresql://gateway@db.corp.test/mail"):
        assert found(directory__url=url) == []
        queries = dict.fromkeys(("domains", "aliases", "mailboxes"), QUERY)
        assert found(directory={"url": url, "queries": queries}) == []


@pytest.mark.parametrize("key", ["password", "admin", "admin_password"])
def test_key_that_is_not_used_is_refused(found, key):
    """Without a database, and with one that nobody logs in to."""
    assert found(**{f"directory__{key}": "other"}) == [
        (f"directory.{key}", "not used without url; expected directory.url, or no such key")
    ]
    assert found(directory={"url": "sqlite:///mail", key: "other"}) == [
        (f"directory.{key}", "not used with sqlite; expected the url of a server, or no such key")
    ]


def test_queries_are_three_and_about_what_is_asked(found):
    """One of theirs beside two of ours would ask tables that are not there."""
    assert found(directory={"url": URL, "queries": {"aliases": QUERY}}) == [
        ("directory.queries", "domains, mailboxes missing; expected domains, aliases and mailboxes, or none of them")
    ]
    queries = {"domains": "SELECT x FROM y WHERE z = '%d'", "aliases": QUERY, "mailboxes": QUERY}
    assert found(directory={"url": URL, "queries": queries}) == [
        ("directory.queries.domains", "%u and %d are parts of an address; expected a query about '%s'")
    ]


def test_who_may_read_is_not_who_may_write(found):
    """Neither by name nor by password."""
    assert found(directory={"url": URL, "admin": "gateway"}) == [
        ("directory.admin", '"gateway" is the user of the gates, in url, too; expected one who may change the tables')
    ]
    assert found(directory={"url": URL, "admin_password": "directory-password"}) == [
        ("directory.admin_password", "the same file as password; expected two passwords")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"gateway__postmaster": "post@example.test"},
        {"aliases": {"sales@example.test": ["nobody@example.test"]}},
        {"aliases": {"sales@tables.test": ["anna@example.test"]}},
        {"mailboxes__list": ["anna@example.test", "ida@tables.test"]},
        {"domains": {"example.test": {"deliver": "mailbox"}, "ali.test": {"deliver": "alias"}}},
    ],
)
def test_what_the_tables_may_have_is_not_missed(found, changes):
    """Each is a mistake where the file is all there is."""
    assert len(found(**changes)) == 1
    assert found(directory__url=URL, **changes) == []
