"""
A sender inside the appliance: what only gate 1 may say to the filter, and only the filter to gate 2.

Neither lets anybody else speak (test_containers.py, test_gate2.py), so the client shares the network namespace of the
one that may: whoever has taken over gate 1, or the filter, could send the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, run, wait_for
from tests.stack.dialogue import LULL, WAIT, Dialogue, Step, talk

STARTED = f"{time.time_ns():x}"  # for tokens: an appliance that is kept has the messages of earlier runs
HELLO, MAIL, RCPT = "EHLO client.example", "MAIL FROM:<s@client.example>", "RCPT TO:<first@open.test>"
CONTENT = "X-Token: {token}\r\nSubject: 1\r\n\r\nbody"
# A transaction that would be accepted, were it read as commands: open.test takes any recipient from anybody.
SMUGGLED = b"MAIL FROM:<evil@client.example>\r\nRCPT TO:<victim@open.test>\r\nDATA\r\nX-Token: smuggled\r\n\r\n2\r\n"
END = b"\r\n.\r\n"
JUNK = {
    "an HTTP request": b"POST / HTTP/1.1\r\nHost: mx.example.test\r\n\r\nMAIL FROM:<s@a.example>\r\n",
    "a TLS ClientHello": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x00" * 154 + b"\r\n",
    "1 MB of NUL": b"\0" * 2**20 + b"\r\n",
    "a command behind STARTTLS": b"EHLO a.example\r\nSTARTTLS\r\nMAIL FROM:<s@a.example>\r\n",
    "a command behind BDAT": b"EHLO a\r\nMAIL FROM:<s@a>\r\nRCPT TO:<x@open.test>\r\nBDAT 5 LAST\r\nRSET\r\n",
    "a whole session": b"EHLO a\r\nMAIL FROM:<s@a>\r\nRCPT TO:<x@open.test>\r\nDATA\r\nX-Token: early\r\n\r\n.\r\n",
}
# What no listener takes: the last command of each is refused, by every listener in its own words.
COMMANDS: dict[str, tuple[str, ...]] = {
    "CR in a sender": (HELLO, "MAIL FROM:<a\rb@client.example>"),
    "NUL in a sender": (HELLO, "MAIL FROM:<a\0b@client.example>"),
    "DEL in a domain": (HELLO, "MAIL FROM:<a@\x7fx.example>"),
    "CR in a recipient": (HELLO, MAIL, "RCPT TO:<a\rb@open.test>"),
    "NUL in a recipient": (HELLO, MAIL, "RCPT TO:<a\0b@open.test>"),
    "a command behind a lone CR": (HELLO, f"{MAIL}\rRCPT TO:<z@third.example>"),
    "a space in a recipient": (HELLO, MAIL, "RCPT TO:<a b@open.test>"),
    "one bracket": (HELLO, MAIL, "RCPT TO:<a@open.test"),
    "a null recipient": (HELLO, MAIL, "RCPT TO:<>"),
    "ENVID with CR LF in xtext": (HELLO, f"{MAIL} ENVID=a+0D+0AR"),
    "ENVID with a space": (HELLO, f"{MAIL} ENVID=a b"),
    "ORCPT without a type": (HELLO, MAIL, f"{RCPT} ORCPT=x"),
    "NOTIFY=NEVER,FAILURE": (HELLO, MAIL, f"{RCPT} NOTIFY=NEVER,FAILURE"),
    "RET=ALL": (HELLO, f"{MAIL} RET=ALL"),
    "SIZE beyond all numbers": (HELLO, f"{MAIL} SIZE=99999999999999999999"),
    "SIZE below zero": (HELLO, f"{MAIL} SIZE=-1"),
    "BODY=BINARYMIME": (HELLO, f"{MAIL} BODY=BINARYMIME"),
    "XFORWARD of 256 octets": (HELLO, f"XFORWARD NAME={'a' * 256}"),
    "XFORWARD of another kind": (HELLO, "XFORWARD FOO=a"),
    "XFORWARD in a transaction": (HELLO, MAIL, "XFORWARD NAME=a"),
    "EHLO without a name": ("EHLO",),
    "DATA without a recipient": (HELLO, MAIL, "DATA"),
    "DATA after RSET": (HELLO, MAIL, RCPT, "RSET", "DATA"),
    "DATA after a second EHLO": (HELLO, MAIL, RCPT, HELLO, "DATA"),
    "DATA with an argument": (HELLO, MAIL, RCPT, "DATA now"),
    "a second MAIL": (HELLO, MAIL, MAIL),
}
SENDER, RECIPIENT = "501 5.1.7 Bad sender address syntax", "501 5.1.3 Bad recipient address syntax"
NEED_RCPT, NEED_MAIL = "503 5.5.1 Error: need RCPT command", "503 5.5.1 Error: need MAIL command"
# What both gates say to them, but for XFORWARD, which one of them takes from nobody.
POSTFIX = {
    "CR in a sender": SENDER,
    "NUL in a sender": SENDER,
    "DEL in a domain": SENDER,
    "CR in a recipient": RECIPIENT,
    "NUL in a recipient": RECIPIENT,
    "a command behind a lone CR": "555 5.5.4 Unsupported option: RCPT",
    "a space in a recipient": RECIPIENT,
    "one bracket": RECIPIENT,
    "a null recipient": RECIPIENT,
    "ENVID with CR LF in xtext": "501 5.5.4 Bad ENVID parameter syntax",
    "ENVID with a space": "555 5.5.4 Unsupported option: b",
    "ORCPT without a type": "501 5.5.4 Error: Bad ORCPT parameter syntax",
    "NOTIFY=NEVER,FAILURE": "501 5.5.4 Error: Bad NOTIFY parameter syntax",
    "RET=ALL": "501 5.5.4 Bad RET parameter syntax",
    "SIZE beyond all numbers": "552 5.3.4 Message size exceeds file system imposed limit",
    "SIZE below zero": "501 5.5.4 Bad message size syntax",
    "BODY=BINARYMIME": "555 5.5.4 Unsupported option: BODY=BINARYMIME",
    "XFORWARD in a transaction": "503 5.5.1 Error: MAIL transaction in progress",
    "EHLO without a name": "501 Syntax: EHLO hostname",
    "DATA without a recipient": "554 5.5.1 Error: no valid recipients",
    "DATA after RSET": NEED_RCPT,
    "DATA after a second EHLO": NEED_RCPT,
    "DATA with an argument": "501 5.5.4 Syntax: DATA",
    "a second MAIL": "503 5.5.1 Error: nested MAIL command",
}
EDGES = (4096, 8192, 65536)  # octets; sizes of buffers


type Stored = dict[str, Any]  # a message, as Sink.messages gives it


@dataclass(frozen=True)
class Place:
    """Where hostile input goes in, from whom, and what follows."""

    client: Client
    server: str
    sink: Sink

    def talk(self, *dialogues: Dialogue) -> list[list[str]]:
        """Hold dialogues; return the replies of each."""
        return talk(self.client, self.server, dialogues)

    def say(self, *steps: Step) -> list[str]:
        """Hold one dialogue; return its replies."""
        return self.talk(steps)[0]

    def arrived(self, prefix: str, heard: Iterable[list[str]]) -> list[Stored]:
        """Wait until the sink has as many messages of a prefix as were taken in dialogues; return them."""
        taken = sum("queued as" in reply for replies in heard for reply in replies)

        def look() -> list[Stored] | None:
            messages = self.sink.messages(f"X-Token: {prefix}")
            return messages if len(messages) >= taken else None

        return wait_for(look, f"{taken} messages of {prefix}") if taken else []


def place(site: Appliance, sink: Sink, beside: str, service: str, network: str, port: int) -> Place:
    """Start a client in the network namespace of a service, to speak to another one."""
    name = f"{site.project}-x-beside-{beside}"
    run("docker", "rm", "-fv", name, check=False)
    options = ("--network", f"container:{site.container(beside)}")
    run("docker", "run", "-d", "--init", "--name", name, *options, f"sallyport-tools:{site.project}", "sleep", "600")
    site.adopt(name)
    return Place(Client(name), f"{site.address(service, network)}:{port}", sink)


def envelope(recipient: str = "first@open.test", sender: str = "s@client.example") -> list[Step]:
    """Return the commands before the content."""
    return ["EHLO client.example", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"]


def message(content: bytes, **paths: str) -> Dialogue:
    """Send a message whose octets matter; dots are as they are."""
    return [*envelope(**paths), content + END, WAIT, "QUIT"]


def contents(place: Place, prefix: str, sent: Collection[bytes]) -> list[bytes | str]:
    """
    Send contents behind a token; return each as the sink has it, from behind the token on, or its refusal.

    Raises:
        AssertionError: One came twice.
    """
    tokens = [f"X-Token: {prefix}-{number}.\r\n".encode() for number in range(len(sent))]
    heard = place.talk(*(message(token + content) for token, content in zip(tokens, sent, strict=True)))
    stored = [m["content"] for m in place.arrived(f"{prefix}-", heard)]
    found: list[bytes | str] = []
    for token, replies in zip(tokens, heard, strict=True):
        ours = [content.partition(token)[2] for content in stored if token in content]
        assert len(ours) == ("queued as" in replies[5]), (token, replies)
        found += ours or [replies[5]]
    return found


def paths(place: Place, prefix: str, asked: Iterable[tuple[str, str]]) -> list[tuple[str, str] | str]:
    """Send a message for each MAIL FROM and RCPT TO; return both as the sink has them, or the refusal."""
    dialogues = [
        [
            "EHLO client.example",
            f"MAIL FROM:{mail}",
            f"RCPT TO:{rcpt}",
            "DATA",
            f"X-Token: {prefix}-{n}.\r\n\r\n.",
            "QUIT",
        ]
        for n, (mail, rcpt) in enumerate(asked)
    ]
    heard = place.talk(*dialogues)
    stored = place.arrived(f"{prefix}-", heard)
    found: list[tuple[str, str] | str] = []
    for number, replies in enumerate(heard):
        refusal = next((reply for reply in replies[2:] if reply[0] in "45"), "")
        ours = [m for m in stored if f"X-Token: {prefix}-{number}.".encode() in m["content"]]
        found += [(without_size(m["reverse_path"]), m["recipients"][0][3:]) for m in ours] or [refusal]
    assert len(found) == len(heard), "one came twice"
    return found


def without_size(reverse_path: str) -> str:
    """Return the argument of MAIL FROM: without SIZE, which gate 2 counts itself."""
    return re.sub(r"^FROM:| SIZE=\d+", "", reverse_path)


# --- end-of-data variants ------------------------------------------------------------------------------------------


def whole(head: bytes, variant: bytes) -> Dialogue:
    """Send all at once."""
    return [*envelope(), head + variant + SMUGGLED + END, WAIT, "QUIT"]


def cut_everywhere(head: bytes, variant: bytes) -> Dialogue:
    """Send the variant cut in two at each place and octet by octet, with a pause at each cut."""
    cuts = [[variant[:at], variant[at:]] for at in range(1, len(variant))]
    steps: list[Step] = [*envelope(), head]
    for pieces in [*cuts, [variant[at : at + 1] for at in range(len(variant))]]:
        for piece in pieces:
            steps += [piece, LULL]
        steps.append(SMUGGLED)
    return [*steps, END, WAIT, "QUIT"]


def over_edges(head: bytes, variant: bytes) -> Dialogue:
    """Send the variant across each edge of each buffer's size, each of its places on the edge once."""
    steps: list[Step] = [*envelope()]
    for edge in EDGES:
        for at in range(1, len(variant)):
            lines = b"0123456789abcd\r\n" * (edge // 16)
            before = (head + lines)[: edge - at - 1] + b"x"  # no CR of ours before the variant
            head = b""
            steps += [before + variant[:at], LULL, variant[at:] + SMUGGLED, LULL]
    return [*steps, END, WAIT, "QUIT"]


WAYS: dict[str, Callable[[bytes, bytes], Dialogue]] = {
    "whole": whole,
    "cut everywhere": cut_everywhere,
    "over edges": over_edges,
}


@dataclass(frozen=True)
class Outcome:
    """What became of one dialogue."""

    replies: tuple[str, ...]  # to the content and what follows, without queue ids
    recipients: tuple[str, ...]  # of all messages at the sink with its token
    inert: bool = True  # the smuggled commands are text inside, as often as sent
    stray: bool = False  # a lone CR or LF came through


def smuggle(place: Place, variants: dict[str, bytes], prefix: str) -> dict[tuple[str, str], Outcome]:
    """Send all variants in all ways, wait for what must arrive, and sort it."""
    cases = [(way, variant) for way in WAYS for variant in variants]
    tokens = [f"{prefix}-{number}" for number in range(len(cases))]
    dialogues = [
        WAYS[way](CONTENT.format(token=token).encode(), variants[variant])
        for (way, variant), token in zip(cases, tokens, strict=True)
    ]
    heard = place.talk(*dialogues)
    stored = place.arrived(f"{prefix}-", heard)
    assert not [m for m in place.sink.messages("X-Token: smuggled") if "victim" in str(m["recipients"])]
    found = {}
    for case, token, dialogue, replies in zip(cases, tokens, dialogues, heard, strict=True):
        sent = b"".join(step for step in dialogue if isinstance(step, bytes)).count(SMUGGLED[:-5])
        ours = [m for m in stored if m["content"].find(f"X-Token: {token}\r\n".encode()) >= 0]
        found[case] = outcome(replies, ours, sent)
    return found


def outcome(replies: list[str], messages: list[Stored], sent: int) -> Outcome:
    """Sum up the replies to a dialogue and the messages that came of it."""
    contents = [message["content"] for message in messages]
    return Outcome(
        tuple(re.sub(r"(?<=^250 2\.0\.0 Ok:).*", "", reply) for reply in replies[5:]),
        tuple(path.partition(" ")[0] for message in messages for path in message["recipients"]),
        all(content.count(b"RCPT TO:<victim@open.test>") == sent for content in contents),
        any(b"\r" in line or b"\n" in line for content in contents for line in content.split(b"\r\n")),
    )


ONE = Outcome(("250 2.0.0 Ok:", "221 2.0.0 Bye", "closed"), ("TO:<first@open.test>",))


def crowd(place: Place, token: str, number: int) -> str:
    """
    Send one message to so many recipients of open.test, and one more; see that each of the many gets it once.

    Returns:
        The reply to the one more.
    """
    recipients = "\r\n".join(f"RCPT TO:<r{one}@open.test>" for one in range(number + 1))
    content = f"X-Token: {token}\r\n\r\n."
    replies = place.say(HELLO, MAIL, recipients, *[WAIT] * number, "DATA", content, "QUIT")
    assert replies[3 : number + 3] == ["250 2.1.5 Ok"] * number
    assert "queued as" in replies[number + 5]

    def arrived() -> list[str] | None:
        found = [path.partition(" ")[0] for m in place.sink.with_token(token) for path in m["recipients"]]
        return found if len(found) >= number else None

    assert sorted(wait_for(arrived, "all recipients")) == sorted(f"TO:<r{one}@open.test>" for one in range(number))
    return replies[number + 3]
