"""
Hostile input straight at gate 2, from where the filter is: what a filter that was taken over could send.

Gate 2 trusts its two clients in what mail is for whom, but takes no more than SMTP from them either.
"""

from __future__ import annotations

import re

import pytest

from tests.stack import hostile, shapes
from tests.stack.anywhere import WORDS, Anywhere
from tests.stack.appliance import Appliance
from tests.stack.client import Sink
from tests.stack.dialogue import RESET, WAIT
from tests.stack.hostile import (
    END,
    HELLO,
    JUNK,
    MAIL,
    RCPT,
    RECIPIENT,
    SENDER,
    SMUGGLED,
    STARTED,
    Place,
    envelope,
    message,
)

RUN = f"gate2-{STARTED}"
LIMIT = 7 * 2**20  # octets; message_size_limit of gate 2 at the site, of a queue file


@pytest.fixture(scope="module")
def place(site: Appliance, sink: Sink) -> Place:
    """Return a sender with the filter's address, and gate 2."""
    return hostile.place(site, sink, "filter", "postfix-post", "reinject", 10026)


class TestAnywhere(Anywhere):
    """What is the same at each listener."""

    run = RUN


# --- pipelining ----------------------------------------------------------------------------------------------------


def test_pipelined_transaction_ends_the_session(place: Place) -> None:
    """Content behind a DATA that was not answered yet: 554, the end, and one message."""
    token = f"{RUN}-pipelined"
    replies = place.say(*envelope(), f"X-Token: {token}\r\n\r\nx".encode() + END + SMUGGLED + END)
    assert "queued as" in replies[5]
    assert replies[-2:] == ["554 5.5.0 Error: SMTP protocol synchronization", "closed"]
    assert [m["recipients"][0][:11] for m in place.arrived(token, [replies])] == ["TO:<first@o"]


# --- envelope and commands -----------------------------------------------------------------------------------------

REPLIES = hostile.POSTFIX | {
    "XFORWARD of 256 octets": "501 5.5.4 Error: attribute value too long",
    "XFORWARD of another kind": "501 5.5.4 Bad XFORWARD attribute name: FOO",
}
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    **{name: (commands, REPLIES[name]) for name, commands in hostile.COMMANDS.items()},
    "XFORWARD with CR LF in xtext": ((HELLO, "XFORWARD NAME=a+0D+0AMAIL"), "501 5.5.4 Bad NAME syntax: a??MAIL"),
    "XCLIENT": ((HELLO, "XCLIENT ADDR=127.0.0.1"), "550 5.7.0 Error: insufficient authorization"),
    "STARTTLS": ((HELLO, "STARTTLS"), "502 5.5.1 Error: command not implemented"),
    "AUTH": ((HELLO, "AUTH PLAIN AGEAYg=="), "503 5.5.1 Error: authentication not enabled"),
    "ETRN": ((HELLO, "ETRN open.test"), "459 <open.test>: service unavailable"),
    **{
        f"BDAT {argument}": ((HELLO, MAIL, RCPT, f"BDAT {argument}"), "521 5.5.1 Error: command not implemented")
        for argument in ("0 LAST", "99999999999", "-1")
    },
}


@pytest.mark.parametrize(("commands", "reply"), COMMANDS.values(), ids=list(COMMANDS))
def test_command_is_refused(place: Place, commands: tuple[str, ...], reply: str) -> None:
    """Gate 2 refuses what is no address, no parameter, not offered, or out of turn."""
    assert place.say(*commands, "QUIT")[len(commands)] == reply


HELOS = {
    "CR": "a\rb",
    "NUL": "a\0b",
    "ANSI escape": "\x1b[31m",
    "2 kB": "x" * 2000,
    "UTF-8": "münchen",
    "shell": "$(id)",
}


@pytest.mark.parametrize("name", HELOS)
def test_odd_helo_is_shown_harmless(place: Place, site: Appliance, name: str) -> None:
    """It is taken, and neither the log nor the Received field has a control character of it."""
    token = f"{RUN}-helo-{list(HELOS).index(name)}"
    replies = place.say(f"EHLO {HELOS[name]}", *message(f"X-Token: {token}\r\n\r\n".encode())[1:])
    [stored] = place.arrived(token, [replies])
    assert not re.search(rb"[\0-\x08\x0b-\x1f]", stored["content"].replace(b"\r\n", b"\n"))
    assert not re.search(r"[\0-\x08\x0b-\x1f]", site.logs("postfix-post"))


LOCALS = {
    **{local: local for local in (*WORDS, '"a b"', r'"a\"b"', '""', "|cmd", "/file", "`id`", "*", "u%x", "y!u", "ü")},
    **{local: f'"{local}"' for local in ("a..b", ".a", "a.", "a:b", ":include:/x", "a@b")},
    r'"\a"': "a",
    "a(c)": "a",
    '"a\rb"': '"a b"',  # gate 1 and the filter refuse it
    **dict.fromkeys(("-f", "a,b", "a;b", "a b", '"a\0b"', "x" * 3000)),
}


def test_odd_address_arrives_or_is_refused(place: Place) -> None:
    """As sender and as recipient it means the same at the next hop, and never becomes a command or a second one."""
    senders = hostile.paths(place, f"{RUN}-from", [(f"<{local}@client.example>", "<x@open.test>") for local in LOCALS])
    found = [path if isinstance(path, str) else path[0] for path in senders]
    assert found == [SENDER if local is None else f"<{local}@client.example>" for local in LOCALS.values()]
    asked = [("<s@client.example>", f"<{local}@open.test>") for local in LOCALS]
    found = [path if isinstance(path, str) else path[1] for path in hostile.paths(place, f"{RUN}-to", asked)]
    expected = [RECIPIENT if local is None else f"<{local}@open.test>" for local in LOCALS.values()]
    assert [path.rpartition(" ORCPT=")[0] or path for path in found] == expected


# --- size and shape ------------------------------------------------------------------------------------------------


def test_lone_cr_and_lf_do_not_leave(place: Place) -> None:
    """Gate 2 takes LF for a line end, as Postfix does, and makes a space of CR."""
    [found] = hostile.contents(place, f"{RUN}-lone", [shapes.LONE])
    assert found == shapes.body(b"a b\r\nc \r\nd\r\n\r\ne\r\n")


def test_over_size_is_refused_and_the_session_goes_on(place: Place) -> None:
    """One 552 after the dot; what is behind a false end inside is still content."""
    replies = place.say(*envelope(), b"x" * LIMIT + b"\n.\r\n" + SMUGGLED + END, WAIT, "NOOP", "QUIT")
    assert replies[5:] == ["552 5.3.4 Error: message file too big", "250 2.0.0 Ok", "221 2.0.0 Bye", "closed"]


def test_recipient_that_comes_twice_gets_one(place: Place) -> None:
    """In whatever case it is written."""
    token = f"{RUN}-twice"
    recipients = [f"RCPT TO:<{path}>" for path in ("A@open.test", "a@open.test", "A@open.test", "b@Open.test")]
    replies = place.say(HELLO, MAIL, *recipients, "DATA", f"X-Token: {token}\r\n\r\n.", "QUIT")
    [stored] = place.arrived(token, [replies])
    assert [path.partition(" ")[0] for path in stored["recipients"]] == ["TO:<A@open.test>", "TO:<b@Open.test>"]


# --- protocol ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", JUNK.values(), ids=list(JUNK))
def test_junk_ends_the_connection(place: Place, octets: bytes) -> None:
    """What is no SMTP, or does not wait where it must, hears one refusal at most, and is gone."""
    replies = place.say(WAIT, octets)
    assert replies[0] == "220 out.mx.example.test ESMTP Postfix"
    refusals = ("221 2.7.0 Error: I can break rules, too. Goodbye.", "554 5.5.0 Error: SMTP protocol synchronization")
    assert all(reply in refusals for reply in replies[1:-1]), replies
    assert replies[-1] == "closed" or replies[-1].startswith("[Errno")


def test_reset_after_the_dot_makes_one_or_none(place: Place, site: Appliance) -> None:
    """The sender does not know; nothing is there twice."""
    token = f"{RUN}-reset"
    place.say(*envelope(sender=f"{token}@client.example"), f"X-Token: {token}\r\n\r\nx".encode() + END, RESET)
    [sent] = hostile.contents(place, f"{RUN}-behind-it", [b"\r\nx"])
    assert sent == b"\r\nx\r\n"
    assert len(place.sink.with_token(token)) <= 1


# --- bounces and loops ---------------------------------------------------------------------------------------------

SILENT = {"NOTIFY=NEVER": ("<s@elsewhere.test>", " NOTIFY=NEVER"), "the null sender": ("<>", "")}


@pytest.mark.parametrize("name", SILENT)
def test_no_dsn_for_who_wants_none(place: Place, site: Appliance, name: str) -> None:
    """The next hop's 550 ends a message with NOTIFY=NEVER or from <> without a word."""
    reverse_path, notify = SILENT[name]
    rcpt = f"RCPT TO:<unknown@open.test>{notify}"
    replies = place.say(HELLO, f"MAIL FROM:{reverse_path}", rcpt, "DATA", "X-Token: silent\r\n\r\n.", "QUIT")
    queue_id = replies[5].rpartition(" ")[2]
    site.logged("postfix-post", rf"{queue_id}: to=<unknown@open.test>.* status=bounced")
    site.logged("postfix-post", rf"{queue_id}: removed")
    assert not re.search(rf"{queue_id}: .*notification", site.logs("postfix-post"))


def received(fields: int) -> bytes:
    """Return a message that has been to many."""
    return b"Received: by a.example\r\n" * fields + b"\r\nx"


TOO_MANY = "554 5.4.0 Error: too many hops"


def test_loop_ends(place: Place) -> None:
    """At the hundred-and-tenth Received field, gate 2's own among them."""
    fields = (49, 50, 51, 108, 109, 200)
    found = hostile.contents(place, f"{RUN}-hops", [received(number) for number in fields])
    assert found[:4] == [received(number) + b"\r\n" for number in fields[:4]]
    assert found[4:] == [TOO_MANY, TOO_MANY]
