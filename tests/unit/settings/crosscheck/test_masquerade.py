"""Rules about [masquerade]."""

from __future__ import annotations


def test_masquerade_that_does_something_is_right(found):
    """With exceptions and without."""
    assert found(masquerade__domains=["example.test"], masquerade__exceptions=["root"]) == []
    assert found(masquerade__domains=["example.test"]) == []


def test_exceptions_from_nothing_are_refused(found):
    """Without domains nobody loses his host."""
    expected = "not used without domains; expected masquerade.domains, or no such key"
    assert found(masquerade__exceptions=["root"]) == [("masquerade.exceptions", expected)]
