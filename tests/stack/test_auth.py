"""The check `auth`: what the senders' domains say in DNS, told in Authentication-Results and acted upon."""

from __future__ import annotations

import email

import dkim
import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink
from tests.stack.mail import filtered, fresh, message, send, transaction

SIGNED = "anna@signed.sender.example"
QUARANTINE = "dmarc=fail (p=quarantine) header.from=signed.sender.example"


def told(content: bytes) -> list[str]:
    """Return the results in each Authentication-Results, without folds, in the order of the fields."""
    fields = email.message_from_bytes(content).get_all("Authentication-Results", [])
    return [" ".join(field.split()) for field in fields]


def findings(site: Appliance, queue_id: str) -> str:
    """Return the findings in the filter's line of a message; empty without."""
    return transaction(site, queue_id).partition(" findings=")[2].partition(" cause=")[0].strip('"')


def signed(site: Appliance, content: bytes) -> bytes:
    """Sign a message as its author's domain would."""
    key = (site.config_dir / "secrets" / "dkim.pem").read_bytes()
    signature = dkim.sign(content, b"s1", b"signed.sender.example", key, include_headers=[b"from", b"subject"])
    return bytes(signature) + content


@pytest.mark.parametrize(
    ("domain", "results", "found"),
    [
        ("pass", "spf=pass {0}; dkim=none; dmarc=pass (p=reject) {1}", ""),
        ("fail", "spf=fail {0}; dkim=none; dmarc=none (p=none) {1}", "auth.spf-fail"),
        ("softfail", "spf=softfail {0}; dkim=none; dmarc=none (p=none) {1}", "auth.spf-softfail"),
        ("silent", "spf=none {0}; dkim=none; dmarc=none (p=none) {1}", ""),
    ],
)
def test_spf_of_the_sender(
    searched: Appliance, next_hop: Sink, stranger: Client, domain: str, results: str, found: str
) -> None:
    """The record is asked for by bind, and the client is the one that gate 1 saw."""
    token, sender = fresh(), f"anna@{domain}.sender.example"
    content = message(token, sender=sender)
    queue_id = send(searched, stranger, "x@auth.test", content, sender)
    arrived = next_hop.arrived(token)["content"]
    expected = results.format(f"smtp.mailfrom={sender}", f"header.from={domain}.sender.example")
    assert told(arrived) == [f"mx.searched.test; {expected}"]
    assert arrived.endswith(content)
    assert findings(searched, queue_id) == found


def test_signature_that_is_right_passes(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """It authenticates the author, whoever sent it."""
    token = fresh()
    queue_id = send(searched, stranger, "x@auth.test", signed(searched, message(token, sender=SIGNED)))
    [results] = told(next_hop.arrived(token)["content"])
    assert "; dkim=pass header.d=signed.sender.example header.s=s1 header.b=" in results
    assert results.endswith("; dmarc=pass (p=quarantine) header.from=signed.sender.example")
    assert findings(searched, queue_id) == ""


def test_signature_that_is_broken_fails(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """A word changed in the body: the author's domain is told of, and the policy decides."""
    token = fresh()
    content = signed(searched, message(token, sender=SIGNED)).replace(b"Nothing", b"Something")
    queue_id = send(searched, stranger, "x@auth.test", content)
    [results] = told(next_hop.arrived(token)["content"])
    assert "; dkim=fail header.d=signed.sender.example header.s=s1 header.b=" in results
    assert results.endswith(f"; {QUARANTINE}")
    assert findings(searched, queue_id) == "auth.dkim-fail auth.dmarc-quarantine"


def test_forged_author_is_refused_as_the_domain_asks(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Neither SPF nor DKIM speaks for it, and its DMARC says reject."""
    token = fresh()
    content = message(token, sender="boss@pass.sender.example")
    queue_id = send(searched, stranger, "x@auth.test", content, "bob@plain.test")
    filtered(searched, queue_id, "550 5.7.26 Message not authenticated as its author's domain asks")
    assert findings(searched, queue_id) == "auth.dmarc-reject"
    assert next_hop.with_token(token) == []


def test_results_in_our_name_are_removed_and_ours_added(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """In whatever dress; what others found stays, and so does all else."""
    forged = [
        "Authentication-Results: mx.searched.test; dmarc=pass header.from=paypal.example",
        "authentication-results: (a comment) MX.Searched.Test 1;\r\n\tspf=pass",
    ]
    others = "Authentication-Results: mx.elsewhere.example; dkim=pass"
    token = fresh()
    content = message(token, b"hello\r\n", *forged, others)
    send(searched, stranger, "x@auth.test", content)
    arrived = next_hop.arrived(token)["content"]
    ours = "mx.searched.test; spf=none smtp.mailfrom=someone@client.example; dkim=none; "
    assert told(arrived) == [f"{ours}dmarc=none (p=none) header.from=client.example", others.partition(": ")[2]]
    for field in forged:
        content = content.replace(f"{field}\r\n".encode(), b"")
    assert arrived.endswith(content)
