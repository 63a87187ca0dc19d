"""The sender blacklist: who is refused, what they are told, and how an operator edits the list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Done

TAKEN = ""

# [senders] reject = ["spam.example", ".bulk.example", "pest@example.net"]
SENDERS = {
    "an address in a listed domain": ("a@spam.example", "<a@spam.example>"),
    "a listed domain in capitals": ("A@SPAM.Example", "<A@SPAM.Example>"),
    "a sub-domain of a listed domain": ("a@sub.spam.example", TAKEN),
    "a domain that ends like a listed one": ("a@antispam.example", TAKEN),
    "a listed domain as a local part": ("spam.example@client.example", TAKEN),
    "a sub-domain listed by its leading dot": ("a@x.bulk.example", "<a@x.bulk.example>"),
    "a sub-domain of that": ("a@y.x.bulk.example", "<a@y.x.bulk.example>"),
    "the domain after the leading dot": ("a@bulk.example", TAKEN),
    "a listed address": ("pest@example.net", "<pest@example.net>"),
    "a listed address in capitals": ("Pest@Example.NET", "<Pest@Example.NET>"),
    "a listed address with an extension": ("pest+1@example.net", "<pest+1@example.net>"),
    "a listed address in quotes": ('"pest"@example.net', "<pest@example.net>"),
    "a listed address behind a source route": ("@a.example:pest@example.net", "<pest@example.net>"),
    "a neighbour of a listed address": ("best@example.net", TAKEN),
    "the null sender": ("<>", TAKEN),
}


@pytest.mark.parametrize(("sender", "shown"), SENDERS.values(), ids=list(SENDERS))
def test_sender_is_refused_or_taken(site: Appliance, outsider: Client, sender: str, shown: str) -> None:
    """Exactly the listed senders get a 554, which names neither the list nor the file it is in."""
    sent = outsider.swaks(site.outside, "--quit-after", "RCPT", to="anna@example.test", sender=sender)
    if shown == TAKEN:
        assert (sent.code, sent.last_error) == (0, ""), sent.transcript
    else:
        assert sent.last_error == f"554 5.7.1 {shown}: Sender address rejected: Access denied"


def test_listed_sender_may_write_from_the_lan(site: Appliance) -> None:
    """The list is about strangers: who may relay is not asked."""
    host = site.lan.host(20)
    sent = host.swaks(f"{site.lan.network[1]}:2527", to="anna@example.test", sender="a@spam.example")
    assert sent.code == 0, sent.transcript
    site.arrived("anna@example.test", sent.token)


# --- make block, make unblock ----------------------------------------------------------------------------------


@pytest.fixture
def as_before(site: Appliance) -> Iterator[str]:
    """Return the text of the file, and bring it back afterwards."""
    text = site.config.read_text()
    yield text
    if site.config.read_text() != text:
        site.config.write_text(text)
        site.make("apply")


def refusal(site: Appliance, client: Client, sender: str) -> str:
    """Return why a sender is refused; empty where it is taken."""
    return client.swaks(site.outside, "--quit-after", "RCPT", to="anna@example.test", sender=sender).last_error


def test_block_and_unblock_take_effect_and_keep_the_file(site: Appliance, outsider: Client, as_before: str) -> None:
    """One more entry in the file and a refusal at the gate; after unblock the file is as it was, comments included."""
    sender = "a@new.example"
    assert refusal(site, outsider, sender) == ""
    site.make("block", "SENDER=New.example")
    added = '    "pest@example.net",\n    "new.example",\n'
    assert site.config.read_text() == as_before.replace('    "pest@example.net",\n', added)
    assert "# this comment stays" in site.config.read_text()
    assert refusal(site, outsider, sender) == f"554 5.7.1 <{sender}>: Sender address rejected: Access denied"
    site.make("unblock", "SENDER=new.example")
    assert site.config.read_text() == as_before
    assert refusal(site, outsider, sender) == ""


def test_block_twice_changes_nothing_the_second_time(site: Appliance, as_before: str) -> None:
    """A sender listed already stays listed once, and nothing is reloaded."""
    done = site.make("block", "SENDER=SPAM.example")
    assert site.config.read_text() == as_before
    assert "reloading" not in done.stderr


MISSPELT = {
    "the null sender": "<>",
    "an empty sender": "",
    "a space": "spam example",
    "a line of its own": "spam.example\nall OK",
    "an option": "--help",
}


@pytest.mark.parametrize("sender", MISSPELT.values(), ids=list(MISSPELT))
def test_misspelt_sender_is_refused_and_the_file_unchanged(site: Appliance, as_before: str, sender: str) -> None:
    """What is no domain, .domain or address never gets into the file; the null sender carries every DSN."""
    done: Done = site.make("block", f"SENDER={sender}", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[0].startswith(("gateway: ", "block: "))
    assert site.config.read_text() == as_before
