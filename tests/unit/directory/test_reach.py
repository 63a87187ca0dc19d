"""Where an address leads, key by key, as gate 2 looks it up: the file before the tables, and @domain last."""

import pytest

from gateway.directory import people
from gateway.directory.reach import OfFile, kind, known, leads_back, left_alone

FILE = OfFile(
    domains={"file.test": "mailbox", "hop.test": "relay"},
    own_names=["mx.file.test", "out.mx.file.test"],
    mailboxes=frozenset({"frank@file.test"}),
    aliases={"info@file.test": ["sales@dir.test"], "@mx.file.test": ["frank@file.test"]},
    others=[('canonical."old@file.test"', "anna@dir.test")],
    postmaster="frank@file.test",
    delimiter="+",
)


@pytest.fixture
def site(connection):
    """Return a connection to tables with a mailbox, an alias and a catch-all."""
    people.add_domain(connection, FILE, "dir.test", "mailbox", None, None)
    people.add_domain(connection, FILE, "ali.test", "alias", None, None)
    people.add_mailbox(connection, FILE, "anna@dir.test", None)
    people.add_alias(connection, FILE, "sales@dir.test", ["anna@dir.test"])
    people.add_alias(connection, FILE, "@ali.test", ["anna@dir.test"])
    return connection


@pytest.mark.parametrize(
    ("domain", "delivered"),
    [
        ("file.test", "mailbox"),
        ("hop.test", "relay"),
        ("mx.file.test", "alias"),
        ("dir.test", "mailbox"),
        ("else.test", None),
    ],
)
def test_domain_is_of_a_kind(site, domain, delivered):
    """In the file, in the tables, a gate's own name, or of others."""
    assert kind(site, FILE, domain) == delivered


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("frank@file.test", True),
        ("info+x@file.test", True),
        ("nobody@file.test", False),
        ("postmaster@out.mx.file.test", True),
        ("nobody@out.mx.file.test", False),
        ("anybody@mx.file.test", True),
        ("anybody@ali.test", True),
        ("sales@dir.test", True),
        ("nobody@dir.test", False),
        ("postmaster+x@dir.test", True),
        ("who@hop.test", True),
        ("who@else.test", True),
    ],
)
def test_address_is_known(site, address, there):
    """Or mail to it would bounce behind gate 1."""
    assert known(site, FILE, address) is there


def test_circle_goes_through_the_file(site):
    """An alias of the file leads to one of the tables."""
    assert leads_back(site, FILE, "sales@dir.test", ["info@file.test"])
    assert not leads_back(site, FILE, "sales@dir.test", ["frank@file.test", "sales@dir.test", "x@ali.test"])


def test_those_that_are_left_alone_are_told_with_what_names_them(site):
    """Of the tables and of the file; only those that what has gone took."""
    site.exec_driver_sql("DELETE FROM mailboxes")
    assert left_alone(site, FILE, "anna@dir.test") == {
        "anna@dir.test": ["@ali.test", "sales@dir.test", 'canonical."old@file.test" of gateway.toml']
    }
    assert left_alone(site, FILE, "ben@dir.test") == {}
