"""
SMTP smuggling and other talk out of turn, through gate 1 and all that is behind it.

What looks like the end of the data to some servers, and is not, must not become a second message anywhere on the
way: not from outside, and not from the LAN, which Postfix exempts from its guards by default.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, wait_for
from tests.stack.dialogue import FIN, WAIT, Dialogue, Step, talk
from tests.unit.smuggling import LEGAL, VARIANTS

RUN = f"{time.time_ns():x}"  # an appliance that is kept has the messages of earlier runs
CONTENT = "X-Token: {token}\r\nSubject: 1\r\n\r\nbody"
# A transaction that would be accepted, were it read as commands: open.test takes any recipient from anybody.
SMUGGLED = "MAIL FROM:<evil@client.example>\r\nRCPT TO:<victim@open.test>\r\n"
END = b"\r\n.\r\n"


def envelope(recipient: str = "first@open.test") -> list[Step]:
    """Return the commands before the content."""
    return ["EHLO client.example", "MAIL FROM:<s@client.example>", f"RCPT TO:<{recipient}>", "DATA"]


def as_data(token: str, variant: bytes) -> Dialogue:
    """Send the variant and a DATA transaction behind it in one go."""
    smuggled = f"{SMUGGLED}DATA\r\nX-Token: {token}\r\n\r\n2".encode()
    return [*envelope(), CONTENT.format(token=token).encode() + variant + smuggled + END, WAIT, "QUIT"]


def as_bdat(token: str, variant: bytes) -> Dialogue:
    """Send the variant and a BDAT transaction behind it, which needs no 354 and so no pipelining guard sees."""
    chunk = f"X-Token: {token}\r\n\r\n2\r\n"
    smuggled = f"{SMUGGLED}BDAT {len(chunk)} LAST\r\n{chunk}".encode()
    return [*envelope(), CONTENT.format(token=token).encode() + variant + smuggled + END, WAIT, "QUIT"]


def octet_by_octet(token: str, variant: bytes) -> Dialogue:
    """Send the variant in segments of one octet, so that no read of the server holds it whole."""
    segments: list[Step] = [variant[at : at + 1] for at in range(len(variant))]
    smuggled = f"{SMUGGLED}DATA\r\nX-Token: {token}\r\n\r\n2".encode()
    return [*envelope(), CONTENT.format(token=token).encode(), *segments, smuggled + END, WAIT, "QUIT"]


def in_bdat(token: str, variant: bytes) -> Dialogue:
    """Send the variant inside a BDAT chunk, which gate 1 hands on as DATA."""
    content = CONTENT.format(token=token).encode() + variant + f"{SMUGGLED}DATA\r\nX: 2\r\n\r\n2\r\n".encode()
    command = f"BDAT {len(content)} LAST\r\n".encode()
    return [*envelope()[:-1], command + content, WAIT, "QUIT"]


# Way -> listener, and how the variant is sent there.
type Maker = Callable[[str, bytes], Dialogue]
WAYS: dict[str, tuple[str, Maker]] = {
    "outside, DATA behind it": ("outside", as_data),
    "outside, BDAT behind it": ("outside", as_bdat),
    "outside, octet by octet": ("outside", octet_by_octet),
    "outside, inside BDAT": ("outside", in_bdat),
    "inside, past the filter, DATA behind it": ("inside", as_data),
    "inside, past the filter, BDAT behind it": ("inside", as_bdat),
    "inside, DATA behind it": ("checked", as_data),
    "inside, BDAT behind it": ("checked", as_bdat),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one dialogue."""

    replies: tuple[str, ...]  # after RCPT, without texts that differ
    recipients: tuple[str, ...]  # of all messages at the sink with its token
    inert: bool = True  # the smuggled commands are text inside each of them
    stray: bool = False  # a lone CR or LF came through


@pytest.fixture(scope="module")
def talkers(site: Appliance, outsider: Client) -> dict[str, tuple[Client, str]]:
    """Return who speaks to which listener, and where."""
    host, address = site.lan.host(15), site.lan.network[1]
    return {
        "outside": (outsider, site.outside),
        "inside": (host, f"{address}:2526"),
        "checked": (host, f"{address}:2527"),
    }


@pytest.fixture(scope="module")
def outcomes(talkers: dict[str, tuple[Client, str]], sink: Sink) -> dict[tuple[str, str], Outcome]:
    """Send all variants in all ways, wait for what must arrive, and sort it."""
    heard: dict[tuple[str, str], list[str]] = {}
    for way, (listener, make) in WAYS.items():
        dialogues = [make(token_of(way, variant), octets) for variant, octets in VARIANTS.items()]
        heard |= zip(((way, variant) for variant in VARIANTS), talk(*talkers[listener], dialogues), strict=True)
    taken = sum("queued as" in reply for replies in heard.values() for reply in replies)

    def arrived() -> list[dict] | None:
        messages = sink.messages(f"smuggling-{RUN}-")
        return messages if len(messages) >= taken else None

    messages = wait_for(arrived, f"{taken} messages at the sink")
    return {
        (way, variant): outcome(
            replies, [m for m in messages if f"{token_of(way, variant)}\r\n".encode() in m["content"]]
        )
        for (way, variant), replies in heard.items()
    }


def token_of(way: str, variant: str) -> str:
    """Return a token for a case, of characters that mean nothing to anybody."""
    return f"smuggling-{RUN}-{list(WAYS).index(way)}-{list(VARIANTS).index(variant)}"


def outcome(replies: list[str], messages: list[dict]) -> Outcome:
    """Sum up the replies to a dialogue and the messages that came of it."""
    contents = [message["content"] for message in messages]
    return Outcome(
        tuple(re.sub(r"(?<=^250 2\.0\.0 Ok:).*", "", reply) for reply in replies[4:] if not reply.startswith("354 ")),
        tuple(path.partition(" ")[0] for message in messages for path in message["recipients"]),
        all(SMUGGLED.splitlines()[1].encode() in content for content in contents),
        any(b"\r" in line or b"\n" in line for content in contents for line in content.split(b"\r\n")),
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_variant_ends_nothing(outcomes: dict[tuple[str, str], Outcome], variant: str) -> None:
    """From everywhere and however it is cut: one reply, one message, and the smuggled commands are text inside it."""
    one = Outcome(("250 2.0.0 Ok:", "221 2.0.0 Bye", "closed"), ("TO:<first@open.test>",))
    assert {way: outcomes[way, variant] for way in WAYS} == dict.fromkeys(WAYS, one)


@pytest.mark.parametrize("listener", ["outside", "inside", "checked"])
@pytest.mark.parametrize("variant", LEGAL)
def test_legal_end_is_one(talkers: dict[str, tuple[Client, str]], sink: Sink, variant: str, listener: str) -> None:
    """Rows 1 and 14: what ends in CRLF.CRLF ends, and the next message of the session is one of its own."""
    token = f"legal-{RUN}-{listener}-{list(LEGAL).index(variant)}"
    content = CONTENT.format(token=token).encode() + LEGAL[variant]
    steps = [*envelope(), content, WAIT, *envelope("second@open.test")[1:], content, WAIT, "QUIT"]
    [replies] = talk(*talkers[listener], [steps])
    assert sum("queued as" in reply for reply in replies) == 2, replies
    messages = wait_for(lambda: (found := sink.with_token(token)) and len(found) >= 2 and found, "two messages")
    assert sorted(m["recipients"][0].partition(" ")[0] for m in messages) == [
        "TO:<first@open.test>",
        "TO:<second@open.test>",
    ]


@pytest.mark.parametrize("listener", ["outside", "inside", "checked"])
def test_message_that_is_cut_off_is_none(
    site: Appliance, talkers: dict[str, tuple[Client, str]], sink: Sink, listener: str
) -> None:
    """Row 20: CRLF and a dot, then nothing more: no reply, no message, and both queues are as before."""
    token = f"cut-{RUN}-{listener}"
    content = CONTENT.format(token=token).encode() + b"\r\n."
    [replies] = talk(*talkers[listener], [[*envelope(f"{token}@open.test"), content, FIN]])
    assert replies[4:] == ["354 End data with <CR><LF>.<CR><LF>", "closed"]
    site.logged("postfix-pre", r"lost connection after DATA")
    assert token not in site.logs("filter")
    assert sink.with_token(token) == []


def test_pipelined_transaction_is_refused(outsider: Client, site: Appliance, sink: Sink) -> None:
    """Behind a legal end comes a whole transaction without waiting for 354: the session ends, nothing is taken."""
    token = f"pipelined-{RUN}"
    smuggled = f"{SMUGGLED}DATA\r\nX-Token: {token}\r\n\r\n2".encode()
    content = CONTENT.format(token=f"first-{RUN}").encode() + END + smuggled + END
    [replies] = talk(outsider, site.outside, [[*envelope(), content]])
    assert "queued as" in replies[5], replies
    assert replies[-2:] == ["554 5.5.0 Error: SMTP protocol synchronization", "closed"]
    assert sink.arrived(f"first-{RUN}")
    assert sink.with_token(token) == []


# --- greeting and commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("listener", ["outside", "inside", "checked"])
def test_greeting_announces_what_every_hop_keeps(talkers: dict[str, tuple[Client, str]], listener: str) -> None:
    """Gate 1 names itself and nothing of what it runs; each extension it announces works to the end of the road."""
    [replies] = talk(*talkers[listener], [["EHLO client.example", "QUIT"]])
    assert replies[0] == "220 mx.example.test ESMTP"
    assert replies[1].splitlines() == [
        "250-mx.example.test",
        "250-PIPELINING",
        "250-SIZE 5242880",
        "250-STARTTLS",
        "250-ENHANCEDSTATUSCODES",
        "250-8BITMIME",
        "250-DSN",
        "250-SMTPUTF8",
        "250 CHUNKING",
    ]


RCPT = ("EHLO client.example", "MAIL FROM:<s@client.example>", "RCPT TO:<anna@example.test>")
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "VRFY": (("EHLO client.example", "VRFY anna@example.test"), "502 5.5.1 VRFY command is disabled"),
    "EXPN": (("EHLO client.example", "EXPN sales@example.test"), "500 5.5.2 Error: command not recognized"),
    "ETRN": (
        ("EHLO client.example", "ETRN example.test"),
        "554 5.7.1 <example.test>: Etrn command rejected: Access denied",
    ),
    "TURN": (("EHLO client.example", "TURN"), "500 5.5.2 Error: command not recognized"),
    "XCLIENT": (("EHLO client.example", "XCLIENT ADDR=127.0.0.1"), "550 5.7.0 Error: insufficient authorization"),
    "XFORWARD": (("EHLO client.example", "XFORWARD ADDR=127.0.0.1"), "550 5.7.0 Error: insufficient authorization"),
    "AUTH, which is not offered": (
        ("EHLO client.example", "AUTH PLAIN AGEAYg=="),
        "503 5.5.1 Error: authentication not enabled",
    ),
    "STARTTLS with an argument": (("EHLO client.example", "STARTTLS now"), "501 5.5.4 Syntax: STARTTLS"),
    "MAIL before HELO": (("MAIL FROM:<s@client.example>",), "503 5.5.1 Error: send HELO/EHLO first"),
    "RCPT before MAIL": (("EHLO client.example", "RCPT TO:<anna@example.test>"), "503 5.5.1 Error: need MAIL command"),
    "DATA before RCPT": ((*RCPT[:2], "DATA"), "554 5.5.1 Error: no valid recipients"),
    "DATA after all recipients were refused": (
        (*RCPT[:2], "RCPT TO:<nobody@example.test>", "DATA"),
        "554 5.5.1 Error: no valid recipients",
    ),
    "DATA after RSET": ((*RCPT, "RSET", "DATA"), "503 5.5.1 Error: need RCPT command"),
    "DATA after a second EHLO": ((*RCPT, "EHLO client.example", "DATA"), "503 5.5.1 Error: need RCPT command"),
    "DATA with an argument": ((*RCPT, "DATA now"), "501 5.5.4 Syntax: DATA"),
    "a second MAIL": ((*RCPT, "MAIL FROM:<t@client.example>"), "503 5.5.1 Error: nested MAIL command"),
    "SIZE over the limit": ((RCPT[0], f"{RCPT[1]} SIZE=5242881"), "552 5.3.4 Message size exceeds fixed limit"),
    "SIZE beyond all numbers": (
        (RCPT[0], f"{RCPT[1]} SIZE=99999999999999999999"),
        "552 5.3.4 Message size exceeds file system imposed limit",
    ),
    "SIZE below zero": ((RCPT[0], f"{RCPT[1]} SIZE=-1"), "501 5.5.4 Bad message size syntax"),
    "BODY=BINARYMIME": ((RCPT[0], f"{RCPT[1]} BODY=BINARYMIME"), "555 5.5.4 Unsupported option: BODY=BINARYMIME"),
    "a lone CR behind a path": (
        (RCPT[0], f"{RCPT[1]}\rRCPT TO:<v@third.example>"),
        "555 5.5.4 Unsupported option: RCPT",
    ),
}


@pytest.mark.parametrize(("commands", "reply"), COMMANDS.values(), ids=list(COMMANDS))
def test_command_is_refused(outsider: Client, site: Appliance, commands: tuple[str, ...], reply: str) -> None:
    """Gate 1 refuses what tells of its users, what is not for strangers, and what comes out of turn."""
    [replies] = talk(outsider, site.outside, [[*commands, "QUIT"]])
    assert replies[len(commands)] == reply


EARLY = {
    "MAIL behind EHLO": b"EHLO client.example\r\nMAIL FROM:<s@client.example>\r\n",
    "a whole session": (
        b"EHLO a.example\r\nMAIL FROM:<s@a.example>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n\r\n.\r\n"
    ),
}


@pytest.mark.parametrize("octets", EARLY.values(), ids=list(EARLY))
def test_early_talker_is_cut_off(outsider: Client, site: Appliance, octets: bytes) -> None:
    """Who speaks on before the server has greeted hears one 554 and is gone."""
    [replies] = talk(outsider, site.outside, [[octets]])
    greeting = "220 mx.example.test ESMTP"  # where the server was quicker
    assert [r for r in replies if r != greeting] == ["554 5.5.0 Error: SMTP protocol synchronization", "closed"]


JUNK = {
    "an HTTP request": b"POST / HTTP/1.1\r\nHost: mx.example.test\r\n\r\nMAIL FROM:<s@a.example>\r\n",
    "a TLS ClientHello": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x00" * 154 + b"\r\n",
    "an SSH banner": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a PROXY header": b"PROXY TCP4 198.19.0.7 198.19.0.1 1 2525\r\n",
    "16 KiB of NUL": b"\0" * 2**14 + b"\r\n",
}


@pytest.mark.parametrize("octets", JUNK.values(), ids=list(JUNK))
def test_junk_is_no_command(outsider: Client, site: Appliance, octets: bytes) -> None:
    """What is no SMTP gets a 5xx or the end of the connection, and never a transaction."""
    [replies] = talk(outsider, site.outside, [[WAIT, octets, WAIT, *RCPT[1:]]])
    assert all(reply[:1] in {"5", "c", "["} or reply.startswith(("220 ", "221 ")) for reply in replies), replies
