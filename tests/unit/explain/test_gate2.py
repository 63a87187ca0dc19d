"""Where gate 2 would bring mail."""

import pytest

from gateway.explain.gate2 import deliver
from tests.configurations import configure

from .conftest import SITE


@pytest.mark.parametrize(
    ("recipient", "hops"),
    [
        ("anna@example.test", ["Maildir of anna@example.test"]),
        ("anna+x@example.test", ["Maildir of anna@example.test"]),
        ("old@example.test", ["Maildir of bob@example.test"]),
        ("all@lists.test", ["Maildir of anna@example.test", "MX of elsewhere.test", "[192.0.2.25]:25"]),
        ("x@corp.test", ["[192.0.2.25]:25"]),
        ("x@else.test", ["MX of else.test"]),
        ("postmaster@mx.example.test", ["Maildir of anna@example.test"]),
        ("gone@lists.test", ["550 5.1.1 no such alias"]),
        ("gone@example.test", ["550 5.1.1 unknown user"]),
    ],
)
def test_next_hops(site, recipient, hops):
    """Rewritten, expanded, then by domain."""
    assert [hop for _, hop in deliver(site, recipient) if hop] == hops


def test_relayhost_takes_the_rest(tmp_path):
    """What is nobody's domain of ours goes there."""
    text = SITE.replace("recipient_delimiter", 'relayhost = "[192.0.2.9]:587"\nrecipient_delimiter')
    assert [hop for _, hop in deliver(configure(tmp_path, text), "x@else.test")] == ["[192.0.2.9]:587"]


@pytest.mark.parametrize(
    ("recipient", "hops"),
    [
        ("anna+x@example.test", ["Maildir of anna@example.test"]),
        ("x@corp.test", ["[192.0.2.25]:25"]),
        ("ida@example.test", ["where the directory says, which is not asked"]),
        ("x@else.test", ["where the directory says, which is not asked"]),
    ],
)
def test_directory_is_said_not_to_be_asked(tmp_path, recipient, hops):
    """What the file does not decide may be in the tables."""
    site = configure(tmp_path, SITE + '[directory]\nurl = "sqlite:///mail"\n')
    assert [hop for _, hop in deliver(site, recipient) if hop] == hops
