"""
Addresses that break software: each, as sender and as recipient, arrives as it came or is refused by gate 1.

What gate 1 has taken, nobody behind it may refuse: that would be a bounce to whoever the sender claims to be.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, wait_for
from tests.stack.dialogue import Step, talk

RUN = f"{time.time_ns():x}"  # an appliance that is kept has the messages of earlier runs

# Local part as the client writes it -> as it leaves.  Quotes are added where RFC 5321 wants them, or dropped.
ARRIVE = {
    '"a b"': '"a b"',
    r'"a\"b"': r'"a\"b"',
    '""': '""',
    r'"\a"': "a",
    "a..b": '"a..b"',
    ".a": '".a"',
    "a.": '"a."',
    "a:b": '"a:b"',
    "|cmd": "|cmd",
    "/file": "/file",
    ":include:/x": '":include:/x"',
    "`id`": "`id`",
    "{x}": "{x}",
    "*": "*",
    "#1": "#1",
    "SRS0=HHH=TT=example.org=alice": "SRS0=HHH=TT=example.org=alice",
    "prvs=0123456789=u": "prvs=0123456789=u",
    "list+alice=example.org": "list+alice=example.org",
    "=?utf-8?q?a=3e=0d=0aRCPT=20TO=3a=3cz=40evil=2eorg?=": "=?utf-8?q?a=3e=0d=0aRCPT=20TO=3a=3cz=40evil=2eorg?=",
    "x" * 65: "x" * 65,
    "+" * 230: "+" * 230,  # three times as long where it is spelt as xtext
}
BAD_SENDER, BAD_RECIPIENT = "501 5.1.7 Bad sender address syntax", "501 5.1.3 Bad recipient address syntax"
REFUSED = {
    "-f": (BAD_SENDER, BAD_RECIPIENT),
    "a,b": (BAD_SENDER, BAD_RECIPIENT),
    "a;b": (BAD_SENDER, BAD_RECIPIENT),
    "a\x01b": (
        "501 5.1.7 <a b@client.example>: Sender address rejected: Bad address syntax",
        "501 5.1.3 <a b@open.test>: Recipient address rejected: Bad address syntax",
    ),
    "a\x7fb": (
        "501 5.1.7 <a b@client.example>: Sender address rejected: Bad address syntax",
        "501 5.1.3 <a b@open.test>: Recipient address rejected: Bad address syntax",
    ),
    "x" * 250: (
        f"501 5.1.7 <{'x' * 250}@client.example>: Sender address rejected: Bad address syntax",
        f"501 5.1.3 <{'x' * 250}@open.test>: Recipient address rejected: Bad address syntax",
    ),
    "ü": ("553 5.6.7 Must declare SMTPUTF8 to send unicode address",) * 2,
}
DOMAINS = {  # of senders
    "s@x_y.example": "s@x_y.example",
    "s@x.example.": "s@x.example",
    "s@X.Example": "s@X.Example",
    "s@[127.0.0.1]": "s@[127.0.0.1]",
    "s@[IPv6:2001:db8::1]": "s@[IPv6:2001:db8::1]",
    "s@xn--mnchen-3ya.example": "s@xn--mnchen-3ya.example",
    "@a.example,@b.example:s@x.example": "s@x.example",
    "s@x..example": BAD_SENDER,
    "s@.example": BAD_SENDER,
    "s@-x.example": BAD_SENDER,
    f"s@{'x' * 64}.example": BAD_SENDER,
    "s@127.0.0.1": BAD_SENDER,
    "s@münchen.example": BAD_SENDER,
    "s@example": "504 5.5.2 <s@example>: Sender address rejected: need fully-qualified address",
}
UTF_8 = ("jürgen", "JÜRGEN", "ju\u0308rgen", "世界", "a\u2028b", "\u202ea")  # after SMTPUTF8, as it is
# Parameters beyond RFC 3461: refused here, since nobody behind gate 1 could do so without a bounce.
PARAMETERS = {
    "ENVID of 100 octets": ("ENVID=" + "=" * 100, "", ""),
    "ENVID of 101 octets": ("ENVID=" + "x" * 101, "", "501 5.5.4 Bad ENVID parameter syntax"),
    "ENVID with CR LF in xtext": ("ENVID=a+0D+0Ab", "", "501 5.5.4 Bad ENVID parameter syntax"),
    "ORCPT of 500 octets": ("", "ORCPT=rfc822;" + "x" * 493, ""),
    "ORCPT of 501 octets": ("", "ORCPT=rfc822;" + "x" * 494, "501 5.5.4 Error: Bad ORCPT parameter syntax"),
    "ORCPT of UTF-8": ("SMTPUTF8", "ORCPT=utf-8;" + "ü" * 240, ""),
    "ORCPT without a type": ("", "ORCPT=x", "501 5.5.4 Error: Bad ORCPT parameter syntax"),
}

type Case = tuple[str, str, str]  # MAIL FROM with parameters, RCPT TO with parameters, and a name


def cases() -> Iterator[Case]:
    """Write the commands of each case."""
    sender, recipient = "<s@client.example>", "<x@open.test>"
    for local in (*ARRIVE, *REFUSED):
        yield f"<{local}@client.example>", recipient, f"{local} sends"
        yield sender, f"<{local}@open.test>", f"{local} receives"
    for address in DOMAINS:
        yield f"<{address}>", recipient, address
    for local in UTF_8:
        yield f"<{local}@client.example> SMTPUTF8", recipient, f"{local} sends"
        yield f"{sender} SMTPUTF8", f"<{local}@open.test>", f"{local} receives"
    for name, (mail, rcpt, _) in PARAMETERS.items():
        yield f"{sender} {mail}".strip(), f"{recipient} {rcpt}".strip(), name


@pytest.fixture(scope="module")
def ends(site: Appliance, outsider: Client, sink: Sink) -> dict[str, tuple[str, str] | str]:
    """Send all of them at once, of which none may bounce; return the paths each has at the sink, or its refusal."""

    def dialogue(number: int, case: Case) -> list[Step]:
        content = f"X-Token: address-{RUN}-{number}\r\n\r\n."
        return ["EHLO client.example", f"MAIL FROM:{case[0]}", f"RCPT TO:{case[1]}", "DATA", content, "QUIT"]

    asked, before = list(cases()), bounces(site)
    heard = talk(outsider, site.outside, [dialogue(number, case) for number, case in enumerate(asked)])
    taken = {number for number, replies in enumerate(heard) if "queued as" in str(replies)}

    def arrived() -> dict[int, tuple[str, str]] | None:
        found = {}
        for message in sink.messages(f"X-Token: address-{RUN}-"):
            if token := re.search(rb"X-Token: address-%s-(\d+)\r" % RUN.encode(), message["content"]):
                paths = message["reverse_path"], message["recipients"][0]
                found[int(token[1])] = tuple(re.sub(r"^(FROM|TO):<(.*?)>( [A-Z0-9]+(=.*)?)?$", r"\2", p) for p in paths)
        return found if len(found) >= len(taken) or bounces(site) > before else None

    found = wait_for(arrived, f"{len(taken)} messages at the sink")
    assert bounces(site) == before
    refusals = [next((reply for reply in replies[2:] if reply[0] in "45"), "") for replies in heard]
    return {case[2]: found.get(number, refusals[number]) for number, case in enumerate(asked)}


def bounces(site: Appliance) -> int:
    """Return how often either gate has heard a refusal of a message it had taken."""
    return sum(site.logs(gate).count("status=bounced (host") for gate in ("postfix-pre", "postfix-post"))


@pytest.mark.parametrize("local", ARRIVE)
def test_odd_address_arrives_as_it_came(ends: dict[str, tuple[str, str] | str], local: str) -> None:
    """It means the same at the next hop, octet for octet but for quotes, and nothing is made of what is in it."""
    assert ends[f"{local} sends"] == (f"{ARRIVE[local]}@client.example", "x@open.test")
    assert ends[f"{local} receives"] == ("s@client.example", f"{ARRIVE[local]}@open.test")


@pytest.mark.parametrize("local", REFUSED)
def test_bad_address_is_refused_by_gate_1(ends: dict[str, tuple[str, str] | str], local: str) -> None:
    """The client hears it at once."""
    assert (ends[f"{local} sends"], ends[f"{local} receives"]) == REFUSED[local]


@pytest.mark.parametrize("address", DOMAINS)
def test_odd_domain_of_a_sender(ends: dict[str, tuple[str, str] | str], address: str) -> None:
    """It arrives as it came, or is refused at MAIL or RCPT."""
    expected = DOMAINS[address]
    assert ends[address] == (expected if expected[0] == "5" else (expected, "x@open.test"))


@pytest.mark.parametrize("local", UTF_8)
def test_utf_8_after_smtputf8_arrives_as_it_came(ends: dict[str, tuple[str, str] | str], local: str) -> None:
    """Composed and decomposed letters, capitals and controls of writing direction stay what they are."""
    assert ends[f"{local} sends"] == (f"{local}@client.example", "x@open.test")
    assert ends[f"{local} receives"] == ("s@client.example", f"{local}@open.test")


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_passes_or_is_refused_by_gate_1(ends: dict[str, tuple[str, str] | str], name: str) -> None:
    """A parameter that gate 1 takes goes all the way."""
    assert ends[name] == (PARAMETERS[name][2] or ("s@client.example", "x@open.test"))
