"""
Never an open relay: every known way to ask for relaying, from outside, is refused at RCPT.

Rows 1 to 16 are what nmap's smtp-open-relay asks, the rest is of other testers and of our own topology.  The MX of
third.example is the sink, so a message that slipped through would show there.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink
from tests.stack.dialogue import talk

DENIED = "554 5.7.1 <{}>: Relay access denied"
UNKNOWN = "550 5.1.1 <{}>: Recipient address rejected: User unknown"
NO_SENDER = "504 5.5.2 <{}>: Sender address rejected: need fully-qualified address"

# Number, MAIL FROM, RCPT TO, and the address as the reply shows it.  OWN is gate 1's name, IP its address.
# <@a:b> is a source route, which means b (RFC 5321 appendix C).
ROWS = [
    ("1", "", "v@third.example", "v@third.example", DENIED),
    ("2", "s@third.example", "v@third.example", "v@third.example", DENIED),
    ("3", "s@OWN", "v@third.example", "v@third.example", DENIED),
    ("4", "s@[IP]", "v@third.example", "v@third.example", DENIED),
    ("5", "s@[IP]", "v%third.example@[IP]", "v%third.example@[IP]", DENIED),
    ("6", "s@[IP]", "v%third.example@OWN", "v%third.example@OWN", DENIED),
    ("7", "s@[IP]", '"v@third.example"', "v@third.example", DENIED),
    ("8", "s@[IP]", '"v%third.example"', "v%third.example", DENIED),
    ("9", "s@[IP]", "v@third.example@[IP]", "v@third.example@[IP]", DENIED),
    ("10", "s@[IP]", '"v@third.example"@[IP]', "v@third.example@[IP]", DENIED),
    ("11", "s@[IP]", "v@third.example@OWN", "v@third.example@OWN", DENIED),
    ("12", "s@[IP]", "@[IP]:v@third.example", "v@third.example", DENIED),
    ("13", "s@[IP]", "@OWN:v@third.example", "v@third.example", DENIED),
    ("14", "s@[IP]", "third.example!v", "third.example!v", DENIED),
    ("15", "s@[IP]", "third.example!v@[IP]", "third.example!v@[IP]", DENIED),
    ("16", "s@[IP]", "third.example!v@OWN", "third.example!v@OWN", DENIED),
    ("17", "s@localhost", "v@third.example", "s@localhost", NO_SENDER),
    ("18", "s", "v@third.example", "s", NO_SENDER),
    ("19", "s@OWN", '"v%third.example"@OWN', "v%third.example@OWN", DENIED),
    ("20", "s@OWN", "v@third.example@[127.0.0.1]", "v@third.example@[127.0.0.1]", DENIED),
    ("21", "s@OWN", "@localhost:v@third.example", "v@third.example", DENIED),
    # 22 is in test_binding.py (IPv6), 26 in test_smuggling.py
    ("25", "s@OWN", "ENCODED@example.test", "ENCODED@example.test", UNKNOWN),
]
# What some decoders turn into a second RCPT command, attacks.md 0.1
ENCODED = "=?utf-8?q?a=3e=0d=0aRCPT=20TO=3a=3cz=40third=2eexample?="


@dataclass(frozen=True)
class Way:
    """How a dialogue gets to the RCPT that is put to the test."""

    hello: str = "EHLO client.example"
    before: tuple[str, ...] = ()  # commands before MAIL
    first: str = ""  # a recipient before, who gets a message
    lower: bool = False  # command words in lower case

    def commands(self, sender: str, recipient: str) -> list[str]:
        """Write the commands up to the RCPT."""
        recipients = [self.first, recipient] if self.first else [recipient]
        words = [self.hello, *self.before, f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{path}>" for path in recipients)]
        return [re.sub("^(EHLO|MAIL FROM|RCPT TO)", lambda w: w[0].lower(), c) for c in words] if self.lower else words


WAYS = {
    "plain": Way(),
    "after RSET": Way(before=("MAIL FROM:<a@client.example>", "RCPT TO:<anna@example.test>", "RSET")),
    "after HELO": Way(hello="HELO client.example"),
    "in lower case": Way(lower=True),
    "behind a valid recipient": Way(first="anna@example.test"),
    "as localhost": Way(hello="EHLO localhost"),  # row 24
    "under our name": Way(hello="EHLO mx.example.test"),
    "under our domain": Way(hello="EHLO example.test"),
}


def replies_at_rcpt(
    client: Client, server: str, sender: str, recipient: str, message: str, *, tls: bool = False
) -> dict[str, str]:
    """Put a recipient to gate 1 in all ways; send the message to whoever is taken."""
    commands = [way.commands(sender, recipient) for way in WAYS.values()]
    rest = [["DATA", message, "QUIT"] if way.first else ["QUIT"] for way in WAYS.values()]
    heard = talk(client, server, [[*before, *after] for before, after in zip(commands, rest, strict=True)], tls=tls)
    return {way: replies[len(c)] for way, replies, c in zip(WAYS, heard, commands, strict=True)}


@pytest.mark.parametrize(("number", "sender", "recipient", "shown", "reply"), ROWS, ids=[f"row {r[0]}" for r in ROWS])
def test_relaying_is_refused_in_every_way(
    site: Appliance, outsider: Client, sink: Sink, number: str, sender: str, recipient: str, shown: str, reply: str
) -> None:
    """The recipient gets the same refusal in all ways, and a message for a valid one beside it goes there only."""

    def ours(text: str) -> str:
        text = text.replace("OWN", "mx.example.test").replace("ENCODED", ENCODED)
        return text.replace("IP", site.outside.partition(":")[0])

    token = f"relay-{number}-{time.time_ns():x}"
    found = replies_at_rcpt(outsider, site.outside, ours(sender), ours(recipient), f"X-Token: {token}\r\n\r\n.")
    assert found == dict.fromkeys(WAYS, reply.format(ours(shown)))
    if reply != NO_SENDER:
        site.arrived("anna@example.test", token)
        assert sink.with_token(token) == []


def test_encoded_word_that_is_somebodys_address_is_nobody_elses(site: Appliance, outsider: Client, sink: Sink) -> None:
    """Row 25 where any recipient will do: the next hop gets the address as it came, and no second one."""
    sent = outsider.swaks(site.outside, to=f"{ENCODED}@open.test")
    assert sent.code == 0, sent.transcript
    [recipient] = sink.arrived(sent.token)["recipients"]
    assert recipient.startswith(f"TO:<{ENCODED}@open.test>")


def test_reverse_name_grants_nothing(site: Appliance, sink: Sink) -> None:
    """Row 24: a client whose PTR is our own name, which bind confirms, may not relay."""
    host = site.lan.host(10)
    sent = host.swaks(f"{site.lan.network[1]}:2525", "--ehlo", "mx.example.test", to="v@third.example")
    assert sent.last_error == DENIED.format("v@third.example")
    site.logged("postfix-pre", rf"connect from mx\.example\.test\[{host.address}\]")


def test_lan_does_not_reach_the_inner_listeners(site: Appliance) -> None:
    """Row 23: at the host's address nobody listens on 10025 or 10026; test_containers.py asks from everywhere else."""
    host = site.lan.host(14)
    assert [port for port in (10025, 10026) if host.reaches(site.lan.network[1], port)] == []
