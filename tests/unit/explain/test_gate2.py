"""Where gate 2 would bring mail."""

import pytest

from gateway.explain.gate2 import deliver, masqueraded
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


def test_mailstore_has_the_last_word(tmp_path):
    """The Maildir is the same; what scripts do is not known here."""
    configuration = configure(tmp_path, SITE + "[mailstore]\nenabled = true\n")
    [(step, hop)] = deliver(configuration, "anna@example.test")
    assert (hop, step.why) == (
        "Maildir of anna@example.test",
        "mailboxes.list, by Dovecot, whose scripts may do otherwise",
    )


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


@pytest.mark.parametrize(
    ("sender", "leaves"),
    [
        ("anna@web.hidden.test", "anna@hidden.test"),
        ("anna@a.deep.hidden.test", "anna@deep.hidden.test"),
        ("anna@hidden.test", "anna@hidden.test"),
        ("root@web.hidden.test", "root@web.hidden.test"),
        ("anna@nothidden.test", "anna@nothidden.test"),
        ("", ""),
    ],
)
def test_host_is_masqueraded(tmp_path, sender, leaves):
    """By the first domain that it is within, but for exceptions."""
    masquerade = '[masquerade]\ndomains = ["deep.hidden.test", "hidden.test"]\nexceptions = ["root"]\n'
    assert masqueraded(configure(tmp_path, SITE + masquerade).settings, sender) == leaves
