"""
Hostile input at gate 1, from a stranger, on its way through all that is behind it: what anybody can send.

Gate 1 alone offers STARTTLS and CHUNKING.  More at this gate: test_smuggling.py (BDAT behind and around an end of
data, the listeners for the LAN, what comes before the greeting) and test_addresses.py (addresses of every kind).
"""

from __future__ import annotations

import re
from types import MappingProxyType

import pytest

from tests.stack import hostile, shapes
from tests.stack.anywhere import Anywhere
from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, wait_for
from tests.stack.dialogue import FIN, TLS, WAIT, Step
from tests.stack.hostile import (
    END,
    HELLO,
    MAIL,
    NEED_MAIL,
    NEED_RCPT,
    RCPT,
    RECIPIENT,
    SENDER,
    SMUGGLED,
    STARTED,
    Place,
)

RUN = f"gate1-{STARTED}"
LIMIT, RECIPIENTS = 5 * 2**20, 1000  # octets of a message, and recipients, that gate 1 of the site takes
TOO_DEEP = "550 5.6.0 MIME nesting exceeds safety limit"
CONTROL = re.compile(r"[\0-\x08\x0b-\x1f\x7f]")


@pytest.fixture(scope="module")
def place(site: Appliance, sink: Sink, outsider: Client) -> Place:
    """Return a stranger, and the listener for strangers."""
    return Place(outsider, site.outside, sink)


class TestAnywhere(Anywhere):
    """What is the same at each listener."""

    run = RUN
    last = "postfix-pre"
    refused = MappingProxyType(
        {
            # Gate 2 would cut it short.
            "a header field over 1 MiB": "550 5.3.4 Header field too long",
            # [[patterns]] for header and body make gate 1 read MIME.
            **dict.fromkeys(("multipart 1000 deep", "multipart 10000 deep"), TOO_DEEP),
        }
    )


# --- envelope and commands -----------------------------------------------------------------------------------------

STRANGER = "550 5.7.0 Error: insufficient authorization"
REPLIES = hostile.POSTFIX | dict.fromkeys(("XFORWARD of 256 octets", "XFORWARD of another kind"), STRANGER)
INVALID = "501 5.5.2 <{}>: Helo command rejected: Invalid name"
# At gate 1 what is wrong with a greeting is said at RCPT.
HELOS = {
    "CR": ("a\rb", INVALID.format("a?b")),
    "ANSI escape": ("\x1b[31m", INVALID.format("?[31m")),
    "2 kB": ("x" * 2000, INVALID.format("x" * 2000)),
    "UTF-8": ("münchen", INVALID.format("münchen")),
    "shell": ("$(id)", INVALID.format("$?id?")),
    "format": ("%s%n", INVALID.format("%s%n")),
}
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    **{name: (commands, REPLIES[name]) for name, commands in hostile.COMMANDS.items()},
    **{f"EHLO: {name}": ((f"EHLO {helo}", MAIL, RCPT), reply) for name, (helo, reply) in HELOS.items()},
    "CR in a quoted sender": ((HELLO, 'MAIL FROM:<"a\rb"@client.example>'), SENDER),
    "CR in a quoted recipient": ((HELLO, MAIL, 'RCPT TO:<"a\rb"@open.test>'), RECIPIENT),
    "NUL in a quoted recipient": ((HELLO, MAIL, 'RCPT TO:<"a\0b"@open.test>'), RECIPIENT),
    "TAB in a quoted recipient": ((HELLO, MAIL, 'RCPT TO:<"a\tb"@open.test>'), RECIPIENT),
    "two @": ((HELLO, MAIL, "RCPT TO:<a@b@open.test>"), "554 5.7.1 <a@b@open.test>: Relay access denied"),
    "DATA twice": ((HELLO, MAIL, RCPT, "DATA", ".", "DATA"), NEED_RCPT),
    "BDAT without a sender": ((HELLO, "BDAT 0 LAST"), NEED_RCPT),
    "BDAT without a recipient": ((HELLO, MAIL, "BDAT 0 LAST"), "554 5.5.1 Error: no valid recipients"),
    **{
        f"BDAT {argument}": ((HELLO, MAIL, RCPT, f"BDAT {argument}"), "521 5.5.4 Syntax: BDAT count [LAST]")
        for argument in ("-1", "99999999999999999999", "x", "0 FIRST", "")
    },
}


@pytest.fixture(scope="module")
def refusals(place: Place) -> dict[str, str]:
    """Say all of them at once; return the reply to the last of each."""
    heard = place.talk(*([*commands, "QUIT"] for commands, _ in COMMANDS.values()))
    return {name: replies[len(COMMANDS[name][0])] for name, replies in zip(COMMANDS, heard, strict=True)}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_refused(refusals: dict[str, str], name: str) -> None:
    """Gate 1 refuses what is no address, no parameter, not for strangers, or out of turn."""
    assert refusals[name] == COMMANDS[name][1]


def test_odd_greeting_is_shown_harmless(site: Appliance, refusals: dict[str, str]) -> None:
    """Neither gate 1's log nor the filter's has a control character of all that was said."""
    assert refusals
    assert not CONTROL.search(site.logs("postfix-pre"))
    assert not CONTROL.search(site.logs("filter"))


# What Postfix takes although no grammar has it: MAIL FROM, RCPT TO -> both as the next hop gets them, without ORCPT.
TAKEN = {
    "spaces in brackets": ("<s@client.example>", "< a@open.test >", ("<s@client.example>", "<a@open.test>")),
    "a comment": ("<s@client.example>", "<a(c)@open.test>", ("<s@client.example>", "<a@open.test>")),
    "no bracket": ("<s@client.example>", "a@open.test", ("<s@client.example>", "<a@open.test>")),
    "SIZE twice": ("<s@client.example> SIZE=1 SIZE=2", "<a@open.test>", ("<s@client.example>", "<a@open.test>")),
    "AUTH=<>": ("<s@client.example> AUTH=<>", "<a@open.test>", ("<s@client.example>", "<a@open.test>")),
}


def test_lax_syntax_is_made_strict(place: Place) -> None:
    """What gate 1 reads generously leaves as one plain path, and no parameter that was not offered."""
    found = hostile.paths(place, f"{RUN}-lax", [(mail, rcpt) for mail, rcpt, _ in TAKEN.values()])
    plain = [(mail, rcpt.partition(" ORCPT=")[0]) for mail, rcpt in found]
    assert dict(zip(TAKEN, plain, strict=True)) == {name: row[2] for name, row in TAKEN.items()}


# --- STARTTLS and BDAT ---------------------------------------------------------------------------------------------

BYE = ("221 2.0.0 Bye", "closed")
READY, NEED_HELO = "220 2.0.0 Ready to start TLS", "503 5.5.1 Error: send HELO/EHLO first"
OFF = "552 5.3.4 Chunk exceeds message size limit"
PLAIN = b"STARTTLS\r\nEHLO a.example\r\nMAIL FROM:<evil@client.example>\r\nRCPT TO:<victim@open.test>\r\n"
OUT_OF_STEP = "554 5.5.0 Error: SMTP protocol synchronization"
CHUNK = f"X-Token: {RUN}-chunk\r\n".encode()
OVER = CHUNK + b"\r\n" + b"x" * LIMIT + b"\n.\r\n" + SMUGGLED + END
# What was said before, and answered 250; what is said then; the replies to that, and how it ended.
TURNS: dict[str, tuple[tuple[str, ...], tuple[Step, ...], tuple[str, ...]]] = {
    "a transaction behind STARTTLS is dropped": (
        (HELLO,),
        (PLAIN, WAIT, TLS, "DATA", RCPT, MAIL, "QUIT"),
        (READY, NEED_RCPT, NEED_MAIL, NEED_HELO, *BYE),
    ),
    "a command in place of the handshake": ((HELLO,), ("STARTTLS", MAIL.encode() + b"\r\n"), (READY, "closed")),
    "STARTTLS ends a transaction": (
        (HELLO, MAIL, RCPT),
        ("STARTTLS", TLS, "DATA", RCPT, MAIL, "QUIT"),
        (READY, NEED_RCPT, NEED_MAIL, NEED_HELO, *BYE),
    ),
    "STARTTLS twice": (
        (HELLO,),
        ("STARTTLS", TLS, "STARTTLS", "QUIT"),
        (READY, "554 5.5.1 Error: TLS already active", *BYE),
    ),
    "BDAT 0 LAST is an empty message": (
        (HELLO, MAIL, f"RCPT TO:<empty-{STARTED}@open.test>"),
        ("BDAT 0 LAST", "QUIT"),
        ("250 2.0.0 Ok: 0 bytes queued", *BYE),
    ),
    "a count that is too small": (
        (HELLO, MAIL, RCPT),
        (b"BDAT 5 LAST\r\nX: 1\r\n\r\nRCPT TO:<victim@open.test>\r\n", WAIT, WAIT, WAIT, "QUIT"),
        ("250 2.0.0 Ok: 7 bytes queued", *["500 5.5.2 Error: bad syntax"] * 2, NEED_MAIL, *BYE),
    ),
    "a count that is too large": ((HELLO, MAIL, RCPT), (b"BDAT 1000 LAST\r\n" + CHUNK, FIN), ("closed",)),
    "a count that is huge": ((HELLO, MAIL, RCPT), ("BDAT 99999999999",), (OFF, "closed")),
    "chunks that are too large together": (
        (HELLO, MAIL, RCPT),
        (b"BDAT %d\r\n" % len(CHUNK) + CHUNK, WAIT, b"BDAT %d LAST\r\n" % len(OVER) + OVER, WAIT, "NOOP", "QUIT"),
        (f"250 2.0.0 Ok: {len(CHUNK)} bytes", OFF, "250 2.0.0 Ok", *BYE),
    ),
    "BDAT, then DATA": (
        (HELLO, MAIL, RCPT),
        (b"BDAT %d\r\n" % len(CHUNK) + CHUNK, WAIT, "DATA", "RSET", "BDAT 0 LAST", "QUIT"),
        (
            f"250 2.0.0 Ok: {len(CHUNK)} bytes",
            "503 5.5.1 Error: DATA after BDAT",
            "250 2.0.0 Ok",
            NEED_RCPT,
            *BYE,
        ),
    ),
    "a transaction behind BDAT LAST": (
        (HELLO, MAIL, RCPT),
        (b"BDAT 2 LAST\r\n\r\n" + SMUGGLED + END, WAIT, WAIT, WAIT, WAIT),
        ("250 2.0.0 Ok: 2 bytes queued", "250 2.1.0 Ok", "250 2.1.5 Ok", OUT_OF_STEP, "closed"),
    ),
    "DATA over the limit, and a false end": (
        (HELLO, f"{MAIL} SIZE=10", RCPT),
        ("DATA", OVER, WAIT, "NOOP", "QUIT"),
        ("354 End data with <CR><LF>.<CR><LF>", "552 5.3.4 Error: message file too big", "250 2.0.0 Ok", *BYE),
    ),
}


@pytest.fixture(scope="module")
def turns(place: Place) -> dict[str, tuple[str, ...]]:
    """Hold all of them at once; return the replies that count, without queue ids and with one word for an end."""
    heard = place.talk(*([*before, *steps] for before, steps, _ in TURNS.values()))
    return {
        name: tuple(re.sub(r" as \w+$|^\[Errno .*", "", r) or "closed" for r in replies[1 + len(TURNS[name][0]) :])
        for name, replies in zip(TURNS, heard, strict=True)
    }


@pytest.mark.parametrize("name", TURNS)
def test_turn_is_kept(turns: dict[str, tuple[str, ...]], name: str) -> None:
    """No command said in plain text counts within TLS, no octet of a chunk is a command, and none is left over."""
    assert turns[name] == TURNS[name][2]


def test_nothing_came_of_bad_turns(turns: dict[str, tuple[str, ...]], place: Place, site: Appliance) -> None:
    """The empty message arrives; chunks without an end do not, and nobody was smuggled a message."""
    assert turns
    site.logged("postfix-post", rf"to=<empty-{STARTED}@open\.test>.* status=sent")
    assert place.sink.messages(CHUNK.decode().strip()) == []
    assert not [m for m in place.sink.messages("X-Token: smuggled") if "victim" in str(m["recipients"])]


# --- size and shape ------------------------------------------------------------------------------------------------


def test_lone_cr_and_lf_do_not_leave(place: Place) -> None:
    """Gate 1 takes LF for a line end, as Postfix does, and makes a space of CR."""
    [found] = hostile.contents(place, f"{RUN}-lone", [shapes.LONE])
    assert found == shapes.body(b"a b\r\nc \r\nd\r\n\r\ne\r\n")


def test_recipients_up_to_the_limit_are_taken(place: Place) -> None:
    """A thousand get it once each, in one transaction to the filter; the next is answered 452."""
    assert hostile.crowd(place, f"{RUN}-many", RECIPIENTS) == "452 4.5.3 Error: too many recipients"


def test_recipient_that_comes_twice_gets_one(place: Place) -> None:
    """In whatever case it is written."""
    token = f"{RUN}-twice"
    recipients = [f"RCPT TO:<{path}>" for path in ("A@open.test", "a@open.test", "A@open.test", "b@Open.test")]
    replies = place.say(HELLO, MAIL, *recipients, "DATA", f"X-Token: {token}\r\n\r\n.", "QUIT")
    [stored] = place.arrived(token, [replies])
    assert [path.partition(" ")[0] for path in stored["recipients"]] == ["TO:<A@open.test>", "TO:<b@Open.test>"]


# --- DSNs and loops ------------------------------------------------------------------------------------------------

# Parameters of MAIL, recipient, parameters of RCPT -> what the sender is told, and whether with all of the message;
# None where nobody is to be told.
DSNS: dict[str, tuple[str, str, str, tuple[str, bool] | None]] = {
    "NOTIFY=SUCCESS, RET=HDRS": ("RET=HDRS", "anna@example.test", "NOTIFY=SUCCESS", ("delivered", False)),
    "no NOTIFY, RET=FULL": ("RET=FULL", "unknown@open.test", "", ("failed", True)),
    "NOTIFY=FAILURE, RET=HDRS": ("RET=HDRS", "unknown@open.test", "NOTIFY=FAILURE", ("failed", False)),
    "NOTIFY=NEVER": ("RET=FULL", "unknown@open.test", "NOTIFY=NEVER", None),
    "NOTIFY=SUCCESS, and it fails": ("RET=FULL", "unknown@open.test", "NOTIFY=SUCCESS", None),
}


def told(place: Place, site: Appliance, token: str, replies: list[str]) -> tuple[str, bool] | None:
    """Wait until gate 2 has let go of a message; return what its sender was told of it."""
    queue_id_pre = replies[5].rpartition(" ")[2]
    queue_id = site.logged("postfix-pre", rf"{queue_id_pre}: to=.* queued as (\w+)\)")[1]
    site.logged("postfix-post", rf"{queue_id}: removed")
    if not re.search(rf"{queue_id}: sender .*notification: ", site.logs("postfix-post")):
        return None
    [dsn] = wait_for(lambda: place.sink.messages(f"Original-Envelope-Id: {token}="), f"DSN of {token}")
    action = re.search(rb"^Action: (\w+)", dsn["content"], re.MULTILINE)
    assert dsn["reverse_path"].startswith("FROM:<>")
    assert action
    return action[1].decode(), b"body of it" in dsn["content"]


def test_dsn_is_sent_as_it_was_asked_for(place: Place, site: Appliance) -> None:
    """NOTIFY, RET and ENVID reach whoever writes the DSN, three hops on."""
    tokens = [f"{RUN}-dsn-{number}" for number in range(len(DSNS))]
    heard = place.talk(
        *(
            [
                HELLO,
                f"MAIL FROM:<s@open.test> {mail} ENVID={token}+3D",
                f"RCPT TO:<{recipient}> {rcpt}".strip(),
                "DATA",
                f"X-Token: {token}\r\n\r\nbody of it\r\n.",
                "QUIT",
            ]
            for token, (mail, recipient, rcpt, _) in zip(tokens, DSNS.values(), strict=True)
        )
    )
    found = [told(place, site, token, replies) for token, replies in zip(tokens, heard, strict=True)]
    assert dict(zip(DSNS, found, strict=True)) == {name: row[3] for name, row in DSNS.items()}


def test_loops_end_before_gate_2_ends_them(place: Place) -> None:
    """Gate 1 refuses at the dot what gate 2 would bounce: the hundredth Received field, its own among them."""
    sent = [b"Received: by a.example\r\n" * number + b"\r\nx" for number in (49, 50, 51, 98, 99)]
    found = hostile.contents(place, f"{RUN}-hops", sent)
    assert found == [*(content + b"\r\n" for content in sent[:4]), "554 5.4.0 Error: too many hops"]
