"""Domains, mailboxes and aliases: what is added, and what would make mail bounce and is refused."""

import pytest
from sqlalchemy import select

from gateway.directory import people
from gateway.directory.people import DirectoryError, OfFile
from gateway.directory.tables import aliases, mailboxes

FILE = OfFile({"file.test": "mailbox", "hop.test": "relay"}, {"frank@file.test"}, "+")


@pytest.fixture
def site(connection):
    """Return a connection to tables with a domain of each kind and two mailboxes."""
    people.add_domain(connection, FILE, "dir.test", "mailbox", None, None)
    people.add_domain(connection, FILE, "ali.test", "alias", None, None)
    people.add_domain(connection, FILE, "corp.test", "relay", "[192.0.2.25]:25", None)
    for address in ("anna@dir.test", "ben@dir.test"):
        people.add_mailbox(connection, FILE, address, None)
    return connection


def test_domains_are_listed_as_they_were_added(site):
    """A relay domain is verified unless said otherwise."""
    assert people.all_domains(site) == [
        {"name": "ali.test", "deliver": "alias", "next_hop": None, "recipients": None},
        {"name": "corp.test", "deliver": "relay", "next_hop": "[192.0.2.25]:25", "recipients": "verify"},
        {"name": "dir.test", "deliver": "mailbox", "next_hop": None, "recipients": None},
    ]


def test_same_again_changes_nothing(site):
    """So that a script may run twice."""
    assert people.add_domain(site, FILE, "dir.test", "mailbox", None, None) is False
    assert people.add_mailbox(site, FILE, "anna@dir.test", None) is False
    assert people.add_alias(site, FILE, "a@dir.test", ["anna@dir.test"]) == ["anna@dir.test"]
    assert people.add_alias(site, FILE, "a@dir.test", ["anna@dir.test"]) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("file.test", "mailbox", None, None), "file.test is in gateway.toml"),
        (("new.test", "relay", None, None), "a relay domain has a next hop"),
        (
            ("new.test", "mailbox", "[192.0.2.1]", None),
            "a relay domain has a next hop, such as .* and no other has one",
        ),
        (("new.test", "alias", None, "any"), "recipients are for relay domains; those of new.test are"),
        (("dir.test", "alias", None, None), "dir.test is there already with deliver = mailbox; remove it first"),
    ],
)
def test_domain_that_does_not_fit_is_refused(site, arguments, reason):
    """Each with its reason."""
    with pytest.raises(DirectoryError, match=reason):
        people.add_domain(site, FILE, *arguments)


@pytest.mark.parametrize("address", ["x@ali.test", "x@corp.test", "x@hop.test", "x@nowhere.test"])
def test_mailbox_outside_a_mailbox_domain_is_refused(site, address):
    """Mail would never come to it."""
    with pytest.raises(DirectoryError, match="has no mailboxes; expected a domain with deliver = mailbox"):
        people.add_mailbox(site, FILE, address, None)


def test_mailbox_of_a_domain_of_the_file_is_taken(site):
    """The domain in the file, its people in the tables."""
    assert people.add_mailbox(site, FILE, "ida@file.test", 5) is True
    assert people.all_mailboxes(site, "file.test") == [{"address": "ida@file.test", "quota": 5, "has_password": False}]
    with pytest.raises(DirectoryError, match=r"ida@file\.test is there already with another quota"):
        people.add_mailbox(site, FILE, "ida@file.test", None)


@pytest.mark.parametrize(
    "target",
    [
        "anna@dir.test",
        "anna+x@dir.test",
        "frank@file.test",
        "postmaster@dir.test",
        "who@corp.test",
        "who@else.test",
        "who@hop.test",
    ],
)
def test_alias_to_somebody_is_taken(site, target):
    """A mailbox, an extension of one, somebody of the file, another site, and whoever the next hop knows."""
    assert people.add_alias(site, FILE, "a@ali.test", [target]) == [target]


@pytest.mark.parametrize("target", ["nobody@dir.test", "nobody@ali.test", "nobody@file.test"])
def test_alias_to_nobody_is_refused(site, target):
    """Gate 1 would take the mail and gate 2 bounce it."""
    with pytest.raises(DirectoryError, match=f"{target} is nobody here; expected a mailbox or alias"):
        people.add_alias(site, FILE, "a@ali.test", [target])


def test_alias_of_a_domain_that_is_not_ours_is_refused(site):
    """It would divert mail on its way out."""
    with pytest.raises(DirectoryError, match=r"else\.test is no domain of ours"):
        people.add_alias(site, FILE, "a@else.test", ["anna@dir.test"])


def test_alias_may_keep_a_copy_but_not_lead_in_circles(site):
    """An address among its own targets is where it ends; by way of another, mail would be deferred until it expires."""
    people.add_alias(site, FILE, "anna@dir.test", ["anna@dir.test", "ben@dir.test"])
    with pytest.raises(DirectoryError, match=r"ben@dir\.test would lead back to itself by way of anna@dir\.test"):
        people.add_alias(site, FILE, "ben@dir.test", ["anna@dir.test"])


def test_catch_all_makes_everybody_known(site):
    """What is caught may be a target."""
    people.add_alias(site, FILE, "@ali.test", ["anna@dir.test"])
    people.add_alias(site, FILE, "team@dir.test", ["whoever@ali.test"])
    assert people.all_aliases(site) == {"@ali.test": ["anna@dir.test"], "team@dir.test": ["whoever@ali.test"]}


def test_what_others_lead_to_stays(site):
    """A mailbox that an alias names, and a domain that somebody is in; and what is not there is said."""
    people.add_alias(site, FILE, "sales@dir.test", ["anna@dir.test"])
    with pytest.raises(DirectoryError, match=r"anna@dir\.test is a target of sales@dir\.test; take it out"):
        people.remove_mailbox(site, "anna@dir.test")
    with pytest.raises(DirectoryError, match=r"dir\.test has 2 mailboxes and 1 aliases; remove these first"):
        people.remove_domain(site, "dir.test")
    people.remove_alias(site, "sales@dir.test", [])
    for address in ("anna@dir.test", "ben@dir.test"):
        people.remove_mailbox(site, address)
    people.remove_domain(site, "dir.test")
    assert site.execute(select(mailboxes)).all() == site.execute(select(aliases)).all() == []
    for remove in (people.remove_domain, people.remove_mailbox):
        with pytest.raises(DirectoryError, match=r"x@dir\.test is (not in|no mailbox of) the directory"):
            remove(site, "x@dir.test")


def test_targets_are_taken_out_one_by_one(site):
    """And one that is not there is said."""
    people.add_alias(site, FILE, "s@dir.test", ["anna@dir.test", "ben@dir.test"])
    people.remove_alias(site, "s@dir.test", ["ben@dir.test"])
    assert people.all_aliases(site) == {"s@dir.test": ["anna@dir.test"]}
    with pytest.raises(DirectoryError, match=r"s@dir\.test does not have ben@dir\.test"):
        people.remove_alias(site, "s@dir.test", ["ben@dir.test"])
    with pytest.raises(DirectoryError, match=r"x@dir\.test is no alias here"):
        people.remove_alias(site, "x@dir.test", [])


def test_password_is_set_for_a_mailbox_that_is_there(site):
    """It shows in the list that there is one, and not what."""
    people.set_password(site, "anna@dir.test", "{A}x")
    assert people.all_mailboxes(site)[0] == {"address": "anna@dir.test", "quota": None, "has_password": True}
    with pytest.raises(DirectoryError, match=r"who@dir\.test is no mailbox"):
        people.set_password(site, "who@dir.test", "{A}x")
