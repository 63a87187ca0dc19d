"""A message by each road: through both gates and the filter, into each kind of domain, whatever it is made of."""

from __future__ import annotations

import re
from email import message_from_bytes

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Answer, Client, Sink

LIMIT = 5 * 2**20  # [gateway] message_size_limit of the site

MAILBOX, SINK = "a Maildir", "the next hop"
# recipient, where it ends, and the address it has there
ROADS = [
    ("anna@example.test", MAILBOX, "anna@example.test"),
    ("anna+lists@example.test", MAILBOX, "anna@example.test"),  # recipient_delimiter
    ("anna.smith@example.test", MAILBOX, "anna@example.test"),  # [canonical]
    ("sales@example.test", MAILBOX, "anna@example.test"),  # [aliases] in a mailbox domain: here,
    ("sales@example.test", SINK, "out@elsewhere.test"),  # and outside, by MX
    ("team@lists.test", MAILBOX, "bob@example.test"),  # a domain of aliases
    ("postmaster@lists.test", MAILBOX, "postmaster@example.test"),  # each domain's postmaster
    ("postmaster@mx.example.test", MAILBOX, "postmaster@example.test"),  # the gate's own
    ("known@listed.test", SINK, "known@listed.test"),  # relay, recipients = "list"
    ("whoever@open.test", SINK, "whoever@open.test"),  # relay, recipients = "any"
    ("somebody@corp.test", SINK, "somebody@corp.test"),  # relay, recipients = "verify"
    ("somebody@strict.test", SINK, "somebody@strict.test"),  # relay, under a policy of its own
]


def token_of(name: str) -> bytes:
    """Return a header section that carries a token, as long as that of other tests."""
    return f"From: a@client.example\r\nSubject: test\r\nX-Token: {name}\r\n\r\n".encode()


def accepted(answers: list[Answer]) -> list[Answer]:
    """Return the answers, all of which must be 250."""
    assert [answer for answer in answers if answer.code != 250] == []
    return answers


@pytest.mark.parametrize(("recipient", "end", "address"), ROADS, ids=[f"{r}-{a}" for r, _, a in ROADS])
def test_each_kind_of_domain_gets_its_mail(
    site: Appliance, outsider: Client, sink: Sink, recipient: str, end: str, address: str
) -> None:
    """Mail for each kind of domain ends where the file says, after the filter."""
    sent = outsider.swaks(site.outside, to=recipient)
    assert sent.code == 0, sent.transcript
    if end == MAILBOX:
        site.arrived(address, sent.token)
    else:
        assert f"<{address}>" in sink.arrived(sent.token)["recipients"][0]
    site.logged("filter", rf"{sent.queue_id}.*outcome=sent")


def test_the_way_shows_in_three_logs_and_in_the_received_chain(site: Appliance, outsider: Client) -> None:
    """Gate 1's 250 and gate 2's queue id stand in the filter's line, and each gate leaves one Received field."""
    sent = outsider.swaks(site.outside, "--ehlo", "client.example", to="anna@example.test")
    message = site.arrived("anna@example.test", sent.token)
    line = site.logged("filter", rf".*pre={sent.queue_id}.*")[0]
    post = site.logged("postfix-post", rf"(\w+): client=.*orig_queue_id={sent.queue_id}")[1]
    assert f"post={post}" in line
    assert f"[{outsider.address}]" in line
    # Gate 1 repeats the filter's 250, which repeats gate 2's.
    site.logged("postfix-pre", rf"{sent.queue_id}: .*status=sent \(250 2\.0\.0 Ok: queued as {post}\)")
    received = re.findall(r"^Received: ((?:.*\n(?:[ \t].*\n)*))", message, re.MULTILINE)
    assert len(received) == 2, message
    by_gate_2, by_gate_1 = (" ".join(field.split()) for field in received)
    assert f"by out.mx.example.test (Postfix) with ESMTP id {post}" in by_gate_2
    assert by_gate_1.startswith("from client.example (") and f" [{outsider.address}])" in by_gate_1
    assert f"by mx.example.test (Postfix) with ESMTP id {sent.queue_id}" in by_gate_1


def test_a_long_helo_name_costs_the_message_nothing(site: Appliance) -> None:
    """
    The filter and gate 2 still know its queue id.

    Postfix tells the name, each of its octets as three, in one command with that.
    """
    name = "\u4e16" * 60
    sent = site.lan.host(8).swaks(f"{site.lan.network[1]}:2527", "--ehlo", name, to="anna@example.test")
    assert sent.code == 0, sent.transcript
    site.logged("filter", rf"pre={sent.queue_id} .*outcome=sent")
    site.logged("postfix-post", rf"orig_queue_id={sent.queue_id}, orig_client=")


def test_a_message_just_under_the_limit_passes_unchanged(site: Appliance, outsider: Client, sink: Sink) -> None:
    """The gates behind gate 1 take what it took: a message close to the limit arrives, octet for octet."""
    content = token_of("big-enough")
    content += b"0123456789abcdef" * 4 + b"\r\n"
    lines = (LIMIT - 2000 - len(content)) // 78
    content += (b"x" * 76 + b"\r\n") * lines
    accepted(outsider.send(site.outside, [content], to="big@open.test", options=(f"SIZE={len(content)}",)))
    stored = sink.arrived("big-enough")["content"]
    assert stored.endswith(content)


OVER = [
    ((f"SIZE={LIMIT + 1}",), 100, "5.3.4 Message size exceeds fixed limit"),  # refused at MAIL
    ((), LIMIT + 1000, "5.3.4 Error: message file too big"),  # undeclared: refused after the dot
]


@pytest.mark.parametrize(("options", "octets", "text"), OVER, ids=["declared", "undeclared"])
def test_a_message_over_the_limit_is_refused(
    site: Appliance, outsider: Client, options: tuple[str, ...], octets: int, text: str
) -> None:
    """Gate 1 answers 552 to what is too big, at MAIL where SIZE tells, so that no bounce is ever made of it."""
    content = token_of("too-big") + (b"x" * 76 + b"\r\n") * (octets // 78)
    [answer] = outsider.send(site.outside, [content], to="big@open.test", options=options)
    assert (answer.code, answer.text) == (552, text)


CONTENTS = {
    "utf-8": (("BODY=8BITMIME",), "Grüße aus dem Hof, 世界\r\n".encode()),
    "latin-1": (("BODY=8BITMIME",), b"Gr\xfc\xdfe\r\n"),
    "undeclared": ((), b"\x80\xff without BODY\r\n"),
    "dots": ((), b".\r\n..\r\n.hidden\r\n...\r\n"),
    "long-line": ((), b"y" * 2000 + b"\r\n"),
    "no-body": ((), b""),
    "blank-ends": ((), b"trailing \t\r\n\r\n\r\n"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_content_arrives_octet_for_octet(site: Appliance, outsider: Client, sink: Sink, name: str) -> None:
    """What the message is made of leaves as it came, behind two Received fields."""
    options, body = CONTENTS[name]
    token = f"content-{name}"
    content = token_of(token) + b"first\r\n" + body
    accepted(outsider.send(site.outside, [content], to="octets@open.test", options=options))
    stored = sink.arrived(token)
    assert stored["content"].endswith(content)
    assert len(message_from_bytes(stored["content"]).get_all("Received", [])) == 2
    assert ("BODY=8BITMIME" in stored["reverse_path"]) == bool(options)


def test_smtputf8_passes_with_its_addresses(site: Appliance, outsider: Client, sink: Sink) -> None:
    """Addresses and header fields in UTF-8 reach a next hop that speaks SMTPUTF8 as they were."""
    content = token_of("smtputf8").replace(b"Subject: test", "Subject: Grüße".encode()) + "für dich\r\n".encode()
    options = ("SMTPUTF8", "BODY=8BITMIME")
    accepted(
        outsider.send(site.outside, [content], to="jürgen@open.test", sender="søren@client.example", options=options)
    )
    stored = sink.arrived("smtputf8")
    assert stored["recipients"][0].startswith("TO:<jürgen@open.test>")
    assert stored["reverse_path"].startswith("FROM:<søren@client.example>")
    assert "SMTPUTF8" in stored["reverse_path"]
    assert stored["content"].endswith(content)


def test_one_message_for_many_kinds_of_recipients_is_searched_once(
    site: Appliance, outsider: Client, sink: Sink
) -> None:
    """Recipients of several domains under one policy go through the filter in one transaction, each to its end."""
    sent = outsider.swaks(site.outside, to="anna@example.test,known@listed.test,someone@open.test")
    site.arrived("anna@example.test", sent.token)
    assert len(sink.arrived(sent.token)["recipients"]) == 2
    lines = re.findall(rf".*{sent.queue_id}.*", site.logs("filter"))
    assert len(lines) == 1, lines
    assert "recipients=3" in lines[0]
