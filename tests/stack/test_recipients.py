"""Recipients: gate 1 knows them, so that nothing behind it ever has to send a message back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink

TAKEN = ""
UNKNOWN = "550 5.1.1 <{}>: Recipient address rejected: User unknown"
UNDELIVERABLE = "550 5.1.1 <{}>: Recipient address rejected: undeliverable address: Address not confirmed"
UNVERIFIED = "450 4.1.1 <{}>: Recipient address rejected: unverified address: Address not confirmed"
NOT_OURS = "554 5.7.1 <{}>: Relay access denied"

# Every refusal comes at RCPT, while the client is still there to hear it.
RECIPIENTS = {
    # deliver = "mailbox", "alias": their lists
    "a mailbox": ("anna@example.test", TAKEN),
    "a mailbox in capitals": ("Anna@Example.TEST", TAKEN),
    "a mailbox with an extension": ("anna+lists@example.test", TAKEN),
    "an alias": ("sales@example.test", TAKEN),
    "an alias with an extension": ("sales+lists@example.test", TAKEN),
    "an alias domain's alias": ("team@lists.test", TAKEN),
    "a canonical address": ("anna.smith@example.test", TAKEN),
    "an unknown user of a mailbox domain": ("nobody@example.test", UNKNOWN),
    "an unknown user with an extension": ("nobody+anna@example.test", UNKNOWN),
    "an unknown user of an alias domain": ("anna@lists.test", UNKNOWN),
    "a system user of the container": ("root@mx.example.test", UNKNOWN),
    "a mailbox in a sub-domain": ("anna@sub.example.test", NOT_OURS),
    # the postmaster of everything that is delivered here, RFC 5321 section 4.5.1
    "the postmaster of a mailbox domain": ("postmaster@example.test", TAKEN),
    "the postmaster of an alias domain": ("postmaster@lists.test", TAKEN),
    "the postmaster of gate 1": ("postmaster@mx.example.test", TAKEN),
    "the postmaster of gate 2": ("postmaster@out.mx.example.test", TAKEN),
    "the postmaster in capitals": ("PostMaster@Lists.test", TAKEN),
    "the postmaster of no domain": ("postmaster", TAKEN),
    # deliver = "relay", recipients = "list", "any", "verify"
    "a listed recipient": ("known@listed.test", TAKEN),
    "a listed recipient with an extension": ("known+lists@listed.test", TAKEN),
    "an unlisted recipient": ("other@listed.test", UNKNOWN),
    "anybody where any recipient will do": ("whoever@open.test", TAKEN),
    "a recipient the next hop knows": ("somebody@corp.test", TAKEN),
    "a recipient the next hop refuses": ("unknown-one@corp.test", UNDELIVERABLE),
    "a recipient the next hop defers": ("later-one@corp.test", UNVERIFIED),
    "a recipient whose next hop is down": ("somebody@away.test", UNVERIFIED),
}


@pytest.fixture(scope="module", autouse=True)
def _no_backscatter(site: Appliance, sink: Sink) -> Iterator[None]:
    """Find at the end that neither gate has made a DSN."""
    before = notifications(site)
    yield
    assert notifications(site) == before


def notifications(site: Appliance) -> int:
    """Return how many DSNs both gates have made."""
    return sum(site.logs(gate).count("non-delivery notification") for gate in ("postfix-pre", "postfix-post"))


@pytest.mark.parametrize(("recipient", "reply"), RECIPIENTS.values(), ids=list(RECIPIENTS))
def test_recipient_is_refused_or_taken(
    site: Appliance, outsider: Client, sink: Sink, recipient: str, reply: str
) -> None:
    """Gate 1 answers for each recipient by itself or by its next hop, and the filter never hears of it."""
    sender = f"{recipient.partition('@')[0]}.{recipient.partition('@')[2]}@rcpt.example"
    sent = outsider.swaks(site.outside, "--quit-after", "RCPT", to=recipient, sender=sender)
    assert sent.last_error == reply.format(recipient), sent.transcript
    assert sender not in site.logs("filter")


def test_refused_recipient_does_not_take_the_others_with_it(site: Appliance, outsider: Client, sink: Sink) -> None:
    """Of three recipients the unknown one is refused; the other two get the message."""
    sent = outsider.swaks(site.outside, to="anna@example.test,nobody@example.test,known@listed.test")
    assert sent.code == 0
    assert sent.last_error == UNKNOWN.format("nobody@example.test")
    site.arrived("anna@example.test", sent.token)
    assert sink.arrived(sent.token)["recipients"][0].startswith("TO:<known@listed.test>")
    assert "recipients=2 refused=0" in site.logged("filter", rf".*pre={sent.queue_id} .*")[0]


def test_postmaster_of_no_domain_gets_mail(site: Appliance, outsider: Client) -> None:
    """The one address without a domain reaches the site's postmaster, RFC 5321 section 4.5.1."""
    sent = outsider.swaks(site.outside, to="postmaster")
    assert sent.code == 0, sent.transcript
    site.arrived("postmaster@example.test", sent.token)


def test_verified_recipient_is_remembered_while_its_next_hop_is_away(
    site: Appliance, outsider: Client, sink: Sink
) -> None:
    """What the next hop said of a recipient stands while it is down; whom it was never asked about must come again."""
    ask = ("--quit-after", "RCPT")
    assert outsider.swaks(site.outside, *ask, to="cached@corp.test").code == 0
    sink.stop()
    try:
        assert outsider.swaks(site.outside, *ask, to="cached@corp.test").code == 0
        refused = outsider.swaks(site.outside, *ask, to="stranger@corp.test")
        assert refused.last_error == UNVERIFIED.format("stranger@corp.test")
    finally:
        sink.start()
