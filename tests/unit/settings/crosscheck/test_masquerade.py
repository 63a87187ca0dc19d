"""Rules about [masquerade]."""

from __future__ import annotations

KEY = {"selector": "s1", "key_file": "key.pem"}


def test_masquerade_that_does_something_is_right(found):
    """Keys for the names that stay are."""
    assert (
        found(masquerade__domains=["example.test"], masquerade__exceptions=["root"], dkim={"example.test": KEY}) == []
    )


def test_exceptions_from_nothing_are_refused(found):
    """Without domains nobody loses his host."""
    expected = "not used without domains; expected masquerade.domains, or no such key"
    assert found(masquerade__exceptions=["root"]) == [("masquerade.exceptions", expected)]


def test_signature_that_would_be_broken_is_refused(found):
    """The filter signs before gate 2 changes From."""
    expected = "signs what [masquerade] turns into example.test afterwards; expected a name that stays as it is"
    assert found(masquerade__domains=["example.test"], dkim={"web.example.test": KEY}) == [
        ("dkim.web.example.test", expected)
    ]
