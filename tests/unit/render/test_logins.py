"""Who may send as whom."""

from __future__ import annotations

import pytest

from gateway.render.logins import NOBODY, sender_logins
from tests.configurations import RELAY, configure, minimal

MAILBOXES = 'list = ["postmaster@example.test", "anna@example.test", "bob@example.test"]'


def owners(folder, aliases="", *, gateway="", extra=""):
    """Return sender -> logins for mailboxes of anna and bob."""
    text = minimal(f"[aliases]\n{aliases}\n{extra}", gateway=gateway)
    text = text.replace('list = ["postmaster@example.test"]', MAILBOXES)
    return {entry.key: entry.value for entry in sender_logins(configure(folder, text).settings)}


def test_mailbox_belongs_to_itself(tmp_path):
    """And to nobody else."""
    assert owners(tmp_path) == {
        name: name for name in ("postmaster@example.test", "anna@example.test", "bob@example.test")
    }


@pytest.mark.parametrize(
    ("aliases", "address", "logins"),
    [
        ('"sales@example.test" = ["anna@example.test"]', "sales@example.test", "anna@example.test"),
        (
            '"sales@example.test" = ["anna@example.test", "x@elsewhere.test", "bob@example.test"]',
            "sales@example.test",
            "anna@example.test bob@example.test",
        ),
        ('"away@example.test" = ["x@elsewhere.test"]', "away@example.test", NOBODY),
        ('"@example.test" = ["bob@example.test"]', "@example.test", "bob@example.test"),
        (
            '"a@example.test" = ["b@example.test"]\n"b@example.test" = ["anna@example.test"]',
            "a@example.test",
            "anna@example.test",
        ),
        (
            '"a@example.test" = ["any@example.test"]\n"@example.test" = ["bob@example.test"]',
            "a@example.test",
            "bob@example.test",
        ),
        ('"anna@example.test" = ["bob@example.test"]', "anna@example.test", "anna@example.test bob@example.test"),
    ],
)
def test_alias_belongs_to_the_mailboxes_it_leads_to(tmp_path, aliases, address, logins):
    """Through other aliases, and through one for all of a domain; what leads to no mailbox here is nobody's."""
    assert owners(tmp_path, aliases)[address] == logins


def test_alias_to_an_extension_belongs_to_the_mailbox(tmp_path):
    """The mailbox's own extensions are for Postfix to find."""
    aliases = '"news@example.test" = ["anna+news@example.test"]'
    found = owners(tmp_path, aliases, gateway='recipient_delimiter = "+"\n')
    assert found["news@example.test"] == "anna@example.test"


def test_listed_recipient_of_a_relay_domain_belongs_to_itself(tmp_path):
    """Its mailbox is elsewhere, and its password may be here."""
    extra = f'[domains."corp.test"]\n{RELAY}recipients = "list"\nrecipient_list = ["kim@corp.test"]\n'
    assert owners(tmp_path, extra=extra)["kim@corp.test"] == "kim@corp.test"


@pytest.mark.parametrize(
    ("targets", "logins"),
    [
        ('"ida@dir.test"', "ida@dir.test"),
        ('"ida@dir.test", "bob@example.test"', "ida@dir.test bob@example.test"),
        ('"ida+news@dir.test"', "ida@dir.test"),
        ('"ida@example.test"', "ida@example.test"),
        ('"away@example.test"', "ida@dir.test"),
        ('"kim@corp.test"', NOBODY),
    ],
)
def test_alias_to_whom_the_tables_may_have_belongs_to_him(tmp_path, targets, logins):
    """Whether he is a mailbox there, only they know; without tables he would be nobody."""
    aliases = f'"info@example.test" = [{targets}]\n"away@example.test" = ["ida@dir.test"]'
    extra = f'[domains."corp.test"]\n{RELAY}[directory]\nurl = "sqlite:///mail"\n'
    assert owners(tmp_path, aliases, gateway='recipient_delimiter = "+"\n', extra=extra)["info@example.test"] == logins
