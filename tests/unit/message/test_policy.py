"""Policies."""

from gateway.message.policy import Policy


def test_policy_without_checks_is_empty():
    """A policy need not check anything."""
    assert Policy("default").checks == ()
