"""Messages to send through an appliance, and what its gates and its filter say of them."""

from __future__ import annotations

import datetime
import email.utils
import time

from tests.stack.appliance import Appliance
from tests.stack.client import Client

# What gate 1 hears of the filter, from its beginning on.
PASSED = "250 2.0.0 Ok: queued as"
HELD = "250 2.0.0 Held as"
DISCARDED = "250 2.0.0 Discarded"
NOT_SEARCHED = "451 4.7.1 Message content cannot be checked now"
NOT_NOW = "451 4.7.1 Message content not accepted now"


def fresh() -> str:
    """Return a token."""
    return f"t{time.time_ns():x}"


def message(
    token: str,
    body: bytes = b"Nothing to see.\r\n",
    *fields: str,
    sender: str = "someone@client.example",
    to: str = "anna@plain.test",
) -> bytes:
    """Make a message with the fields a scanner expects; rspamd counts a recipient who is not in To."""
    date = email.utils.format_datetime(datetime.datetime.now(datetime.UTC))
    lines = [f"X-Token: {token}", f"From: {sender}", f"To: {to}", f"Date: {date}"]
    lines += [f"Message-ID: <{token}@client.example>", "Subject: scanned", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def send(site: Appliance, client: Client, to: str, content: bytes, sender: str = "someone@client.example") -> str:
    """Send a message, which must be taken; return gate 1's queue id."""
    answer = client.send(site.outside, [content], to=to, sender=sender)[0]
    assert answer.code == 250, answer
    return answer.queue_id


def filtered(site: Appliance, queue_id: str, answer: str, timeout_s: float = 30) -> None:
    """Wait until gate 1 has had an answer of the filter."""
    site.logged("postfix-pre", rf"{queue_id}: to=<[^>]*>.*\((host \S+ said: )?{answer}", timeout_s)


def transaction(site: Appliance, queue_id: str) -> str:
    """Wait for the filter's line of a message and return it."""
    return site.logged("filter", rf".* transaction pre={queue_id} .*")[0]


def forget(site: Appliance, queue_id: str) -> None:
    """Delete a message that gate 1 keeps for later."""
    assert queue_id in {queued["queue_id"] for queued in site.queue("postfix-pre")}
    site.exec("postfix-pre", "postsuper", "-d", queue_id)
