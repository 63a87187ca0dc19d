"""What leaves gate 2 is signed for its author's domain, and verifies against the key in DNS."""

from __future__ import annotations

import re
from collections.abc import Callable

import dkim
import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink
from tests.stack.mail import fresh, message

FOOT = re.compile(
    rb"\r\n\r\nhello\r\n\r\nhttps://lists\.example\.test/archives/list/talk@lists\.test/message/\w+/\r\n\Z"
)


@pytest.fixture(scope="module")
def member(searched: Appliance) -> Client:
    """Return a host of the LAN."""
    return searched.lan.host(8)


@pytest.fixture(scope="module")
def published(searched: Appliance) -> Callable[..., bytes]:
    """Return what dkimpy asks for a key: the TXT record, as bind has it."""
    asker, server = searched.client("asker", network="resolver"), searched.address("bind", "resolver")

    def ask(name: bytes, timeout: int = 5) -> bytes:
        del timeout
        return b"".join(re.findall(rb'"([^"]*)"', asker.dig(server, name.decode(), "TXT", "+short").encode()))

    return ask


def left(searched: Appliance, next_hop: Sink, client: Client, server: str, sender: str) -> bytes:
    """Send a message to the list in a name of ours; return what left for it."""
    token = fresh()
    content = message(token, b"hello\r\n", sender=sender)
    [answer] = client.send(server, [content], to="talk@lists.test", sender="anna@plain.test")
    assert answer.code == 250, answer
    stored: bytes = next_hop.arrived(token)["content"]
    return stored


def test_signature_covers_what_leaves(
    searched: Appliance, next_hop: Sink, member: Client, published: Callable[..., bytes]
) -> None:
    """The list's footer was added before; a change behind us does not go unnoticed."""
    content = left(searched, next_hop, member, f"{searched.lan.network[1]}:2526", "Anna <anna@plain.test>")
    assert FOOT.search(content)
    assert re.findall(
        rb"^DKIM-Signature: v=1; a=rsa-sha256;.*(?:\r\n\s.*)* d=plain\.test; s=s1;", content, re.MULTILINE
    )
    assert dkim.verify(content, dnsfunc=published)
    assert not dkim.verify(content.replace(b"lists.example.test", b"lists.example.evil"), dnsfunc=published)
    assert not dkim.verify(content.replace(b"Subject: scanned", b"Subject: changed"), dnsfunc=published)


@pytest.mark.parametrize(
    ("from_inside", "author"), [(False, "anna@plain.test"), (True, "anna@lists.test")], ids=["outside", "no key"]
)
def test_others_are_not_signed_for(
    searched: Appliance, next_hop: Sink, member: Client, stranger: Client, from_inside: bool, author: str
) -> None:
    """Neither what a stranger sends in our name, nor what a domain without a key does."""
    client, server = (member, f"{searched.lan.network[1]}:2526") if from_inside else (stranger, searched.outside)
    assert b"DKIM-Signature" not in left(searched, next_hop, client, server, author)
