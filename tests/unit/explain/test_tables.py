"""Lookups as Postfix makes them."""

import pytest

from gateway.explain.tables import address_in, domain_of, expand, sender_listed

ENTRIES = ["spam.example", ".bulk.example", "pest@example.net"]


@pytest.mark.parametrize(
    ("sender", "entry"),
    [
        ("a@spam.example", "spam.example"),
        ("A@SPAM.Example", "spam.example"),
        ("a@sub.spam.example", None),
        ("a@x.bulk.example", ".bulk.example"),
        ("a@x.y.bulk.example", ".bulk.example"),
        ("a@bulk.example", None),
        ("Pest@example.net", "pest@example.net"),
        ("b@example.net", None),
        ("spam.example", "spam.example"),
        ("", None),
    ],
)
def test_sender_meets_an_entry(sender, entry):
    """A domain is that domain, a dot before it its sub-domains, an address itself."""
    assert sender_listed(sender, ENTRIES) == entry


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("anna@x.test", "anna@x.test"),
        ("Anna@X.test", "anna@x.test"),
        ("anna+list@x.test", "anna@x.test"),
        ("anna+list+more@x.test", "anna@x.test"),
        ("bob@x.test", None),
        ("bob@y.test", "@y.test"),
        ("+@x.test", None),
    ],
)
def test_address_is_found_with_and_without_extension(address, key):
    """The whole domain comes last."""
    assert address_in(address, ["anna@x.test", "@y.test"], "+") == key


def test_domain_is_what_follows_the_last_at():
    """In lower case; there may be none."""
    assert domain_of("a@b@C.test") == "c.test"
    assert domain_of("postmaster") == ""


@pytest.mark.parametrize(
    ("aliases", "final"),
    [
        ({}, ["a@x.test"]),
        ({"a@x.test": ["b@x.test"]}, ["b@x.test"]),
        ({"a@x.test": ["b@x.test", "c@y.test"], "b@x.test": ["d@y.test"]}, ["d@y.test", "c@y.test"]),
        ({"a@x.test": ["a@x.test", "b@x.test"]}, ["a@x.test", "b@x.test"]),
        ({"a@x.test": ["b@x.test"], "b@x.test": ["a@x.test"]}, ["a@x.test"]),
        ({"@x.test": ["all@y.test"]}, ["all@y.test"]),
        ({"a@x.test": ["b@x.test", "b@x.test"]}, ["b@x.test"]),
    ],
)
def test_aliases_are_expanded_to_the_end(aliases, final):
    """Also in circles, which end."""
    assert expand("a@x.test", aliases, "") == final
