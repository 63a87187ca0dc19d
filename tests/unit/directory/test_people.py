"""Domains, mailboxes and aliases: what is added, and what would make mail bounce and is refused."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.directory import people
from gateway.directory.people import DirectoryError
from gateway.directory.reach import OfFile
from gateway.directory.tables import aliases, mailboxes

FILE = OfFile(
    domains={"file.test": "mailbox", "hop.test": "relay"},
    own_names=["mx.file.test"],
    mailboxes=frozenset({"frank@file.test"}),
    postmaster="frank@file.test",
    delimiter="+",
    message_size_limit=1000,
)


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
        (("mx.file.test", "mailbox", None, None), "mx.file.test is this gateway's own name: its mail goes to the"),
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
    assert people.add_mailbox(site, FILE, "ida@file.test", 1000) is True
    assert people.all_mailboxes(site, "file.test") == [
        {"address": "ida@file.test", "quota": 1000, "has_password": False}
    ]
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


@pytest.mark.parametrize("target", ["nobody@dir.test", "nobody@ali.test", "nobody@file.test", "who@mx.file.test"])
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


@pytest.mark.parametrize("target", ["nobody@dir.test", "@dir.test"])
def test_catch_all_to_whom_only_it_would_catch_is_refused(site, target):
    """Gate 2 ends where an address names itself: all that is caught would bounce."""
    people.add_mailbox(site, FILE, "box@dir.test", None)
    with pytest.raises(DirectoryError, match="is nobody here"):
        people.add_alias(site, FILE, "@dir.test", ["anna@dir.test", target])


@pytest.mark.parametrize(
    ("alias", "target"),
    [
        ("anna@dir.test", "who@ali.test"),
        ("ben@dir.test", "ben+lists@dir.test"),
        ("sales@dir.test", "info@file.test"),
    ],
)
def test_circles_go_through_catch_alls_extensions_and_the_file(site, alias, target):
    """Whatever key gate 2 finds an address under; mail would be deferred until it expires."""
    file = replace(FILE, aliases={"info@file.test": ["sales@dir.test"]})
    people.add_alias(site, file, "@ali.test", ["anna@dir.test"])
    with pytest.raises(DirectoryError, match=f"{alias} would lead back to itself by way of"):
        people.add_alias(site, file, alias, [target])


def test_domain_that_somebody_is_in_stays(site):
    """Of the tables or of the file; and what is not there is said."""
    with pytest.raises(DirectoryError, match=r"dir\.test has 2 mailboxes and 0 aliases; remove these first"):
        people.remove_domain(site, FILE, "dir.test")
    file = replace(FILE, mailboxes=frozenset({"carl@dir.test"}))
    for address in ("anna@dir.test", "ben@dir.test"):
        people.remove_mailbox(site, file, address)
    with pytest.raises(
        DirectoryError, match=r"dir\.test has carl@dir\.test of gateway\.toml; take that out there first"
    ):
        people.remove_domain(site, file, "dir.test")
    people.remove_domain(site, FILE, "dir.test")
    assert site.execute(select(mailboxes)).all() == site.execute(select(aliases)).all() == []
    for remove in (people.remove_domain, people.remove_mailbox):
        with pytest.raises(DirectoryError, match=r"x@dir\.test is (not in|no mailbox of) the directory"):
            remove(site, FILE, "x@dir.test")


@pytest.mark.parametrize(
    ("names", "file", "gone", "reason"),
    [
        ({"sales@dir.test": ["anna@dir.test"]}, {}, "anna@dir.test", "anna@dir.test would be nobody; .* of sales@dir"),
        (
            {"sales@dir.test": ["anna+x@dir.test"]},
            {},
            "anna@dir.test",
            r"anna\+x@dir.test would be nobody; .* of sales@",
        ),
        ({"anna@dir.test": ["anna@dir.test", "ben@dir.test"]}, {}, "anna@dir.test", "take that out of anna@dir.test"),
        (
            {},
            {"aliases": {"info@file.test": ["anna@dir.test"]}},
            "anna@dir.test",
            'of aliases."info@file.test" of gate',
        ),
        (
            {},
            {"others": [("gateway.postmaster", "anna@dir.test")]},
            "anna@dir.test",
            "of gateway.postmaster of gateway",
        ),
        ({"a@ali.test": ["anna@dir.test"], "b@ali.test": ["a@ali.test"]}, {}, "a@ali.test", "a@ali.test would be nob"),
        (
            {"@ali.test": ["anna@dir.test"], "b@dir.test": ["x@ali.test"]},
            {},
            "@ali.test",
            "x@ali.test would .* of b@dir",
        ),
        ({"s@ali.test": ["ben@dir.test"], "@dir.test": ["anna@dir.test"]}, {}, "ben@dir.test", "ben@dir.test would be"),
    ],
)
def test_what_others_lead_to_stays(site, names, file, gone, reason):
    """A mailbox, an alias or a catch-all, and whoever leads there; a catch-all is no heir."""
    for name, targets in names.items():
        people.add_alias(site, FILE, name, targets)
    with pytest.raises(DirectoryError, match=reason):
        remove(site, replace(FILE, **file), gone)


def test_what_nobody_leads_to_goes(site):
    """An alias beside a mailbox, a mailbox whose address is an alias to others, and all from the end backwards."""
    people.add_alias(site, FILE, "anna@dir.test", ["anna@dir.test", "ben@dir.test"])
    people.add_alias(site, FILE, "sales@ali.test", ["anna@dir.test"])
    people.add_alias(site, FILE, "@ali.test", ["sales@ali.test", "postmaster@ali.test"])
    people.remove_alias(site, FILE, "anna@dir.test", [])
    people.add_alias(site, FILE, "anna@dir.test", ["ben@dir.test"])
    people.remove_mailbox(site, FILE, "anna@dir.test")
    assert people.all_aliases(site)["sales@ali.test"] == ["anna@dir.test"]
    for name in ("@ali.test", "sales@ali.test", "anna@dir.test", "ben@dir.test"):
        remove(site, FILE, name)
    assert site.execute(select(mailboxes)).all() == site.execute(select(aliases)).all() == []


def remove(site, file, name):
    """Remove a mailbox, or an alias."""
    if name in [box["address"] for box in people.all_mailboxes(site)]:
        people.remove_mailbox(site, file, name)
    else:
        people.remove_alias(site, file, name, [])


@pytest.mark.parametrize("quota", [1, 999])
def test_quota_that_the_largest_message_exceeds_is_refused(site, quota):
    """It would be deferred for days, although the mailbox is empty."""
    reason = rf"quota: {quota} octets is less than the largest message \(1000\); expected at least"
    with pytest.raises(DirectoryError, match=reason):
        people.add_mailbox(site, FILE, "new@dir.test", quota)
    with pytest.raises(DirectoryError, match=reason):
        people.set_quota(site, FILE, "anna@dir.test", quota)
    people.set_quota(site, FILE, "anna@dir.test", 1000)


def test_targets_are_taken_out_one_by_one(site):
    """And one that is not there is said."""
    people.add_alias(site, FILE, "s@dir.test", ["anna@dir.test", "ben@dir.test"])
    people.remove_alias(site, FILE, "s@dir.test", ["ben@dir.test"])
    assert people.all_aliases(site) == {"s@dir.test": ["anna@dir.test"]}
    with pytest.raises(DirectoryError, match=r"s@dir\.test does not have ben@dir\.test"):
        people.remove_alias(site, FILE, "s@dir.test", ["ben@dir.test"])
    with pytest.raises(DirectoryError, match=r"x@dir\.test is no alias here"):
        people.remove_alias(site, FILE, "x@dir.test", [])


def test_password_is_set_for_a_mailbox_that_is_there(site):
    """It shows in the list that there is one, and not what."""
    people.set_password(site, "anna@dir.test", "{A}x")
    assert people.all_mailboxes(site)[0] == {"address": "anna@dir.test", "quota": None, "has_password": True}
    with pytest.raises(DirectoryError, match=r"who@dir\.test is no mailbox"):
        people.set_password(site, "who@dir.test", "{A}x")
