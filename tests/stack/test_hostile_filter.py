"""
Hostile input straight at the filter, from where gate 1 is: what a gate 1 that was taken over could send.

Gate 1's own clients never get so far (test_smuggling.py, test_addresses.py); the filter stands though they did.
"""

from __future__ import annotations

import re

import pytest

from tests.stack import hostile, shapes
from tests.stack.anywhere import WORDS, Anywhere
from tests.stack.appliance import Appliance
from tests.stack.client import Sink
from tests.stack.dialogue import RESET, WAIT
from tests.stack.hostile import END, HELLO, JUNK, MAIL, RCPT, SMUGGLED, STARTED, Place, envelope, message

RUN = f"filter-{STARTED}"
LIMIT, RECIPIENTS = 6 * 2**20, 1000  # octets, and recipients, that the filter of the site takes


@pytest.fixture(scope="module")
def place(site: Appliance, sink: Sink) -> Place:
    """Return a sender with gate 1's address, and the filter."""
    return hostile.place(site, sink, "postfix-pre", "filter", "scan", 10025)


class TestAnywhere(Anywhere):
    """What is the same at each listener."""

    run = RUN


# --- pipelining ----------------------------------------------------------------------------------------------------


def test_pipelined_transaction_ends_the_session(place: Place) -> None:
    """Content behind a DATA that was not answered yet: 421, the end, and one message."""
    token = f"{RUN}-pipelined"
    content = f"X-Token: {token}\r\n\r\nx".encode()
    replies = place.say(*envelope(), content + END + SMUGGLED + END, WAIT, WAIT, WAIT, WAIT)
    assert "queued as" in replies[5]
    assert replies[6:] == ["421 4.5.0 Improper command pipelining", "closed"]
    assert [m["recipients"][0][:11] for m in place.arrived(token, [replies])] == ["TO:<first@o"]


# --- envelope and commands -----------------------------------------------------------------------------------------

SYNTAX, CONTROL = "501 5.1.7 Bad address syntax", "501 5.5.2 Control character in command"
ATTRIBUTE = "501 5.5.4 Bad XFORWARD attribute"
REPLIES = {
    "CR in a sender": CONTROL,
    "NUL in a sender": CONTROL,
    "DEL in a domain": CONTROL,
    "CR in a recipient": CONTROL,
    "NUL in a recipient": CONTROL,
    "a command behind a lone CR": CONTROL,
    "a space in a recipient": SYNTAX,
    "one bracket": SYNTAX,
    "a null recipient": "501 5.1.3 Bad recipient address syntax",
    "ENVID with CR LF in xtext": "501 5.5.4 Bad ENVID parameter syntax",
    "ENVID with a space": "555 5.5.4 Parameter not implemented",
    "ORCPT without a type": "501 5.5.4 Bad ORCPT parameter",
    "NOTIFY=NEVER,FAILURE": "501 5.5.4 Bad NOTIFY parameter",
    "RET=ALL": "501 5.5.4 Bad RET parameter",
    "SIZE beyond all numbers": "552 5.3.4 Message size exceeds fixed limit",
    "SIZE below zero": "501 5.5.4 Bad SIZE parameter",
    "BODY=BINARYMIME": "501 5.5.4 Bad BODY parameter",
    "XFORWARD of 256 octets": "250 2.0.0 Ok",
    "XFORWARD of another kind": ATTRIBUTE,
    "XFORWARD in a transaction": "503 5.5.1 Not within a transaction",
    "EHLO without a name": "501 5.5.4 Hostname expected",
    "DATA without a recipient": "503 5.5.1 Need RCPT command",
    "DATA after RSET": "503 5.5.1 Need MAIL command",
    "DATA after a second EHLO": "503 5.5.1 Need MAIL command",
    "DATA with an argument": "501 5.5.4 No argument expected",
    "a second MAIL": "503 5.5.1 Nested MAIL command",
}
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    **{name: (commands, REPLIES[name]) for name, commands in hostile.COMMANDS.items()},
    "CR in a quoted sender": ((HELLO, 'MAIL FROM:<"a\rb"@client.example>'), CONTROL),
    "CR in a quoted recipient": ((HELLO, MAIL, 'RCPT TO:<"a\rb"@open.test>'), CONTROL),
    "a lone LF": ((HELLO, f"{MAIL}\nNOOP"), "500 5.5.2 Line too long, or not ended by CRLF"),
    "spaces in brackets": ((HELLO, MAIL, "RCPT TO:< a@open.test >"), SYNTAX),
    "a comment": ((HELLO, MAIL, "RCPT TO:<a(c)@open.test>"), SYNTAX),
    "no bracket": ((HELLO, MAIL, "RCPT TO:a@open.test"), SYNTAX),
    "two @": ((HELLO, MAIL, "RCPT TO:<a@b@open.test>"), SYNTAX),
    "ENVID with TAB": ((HELLO, f"{MAIL} ENVID=a\tb"), CONTROL),
    "SIZE twice": ((HELLO, f"{MAIL} SIZE=1 SIZE=2"), "501 5.5.4 Bad SIZE parameter"),
    "AUTH=<>, which is not offered": ((HELLO, f"{MAIL} AUTH=<>"), "555 5.5.4 Parameter not implemented"),
    "XFORWARD with CR": ((HELLO, "XFORWARD NAME=a\rMAIL"), CONTROL),
    "EHLO with CR": (("EHLO a\rb",), CONTROL),
    "EHLO with NUL": (("EHLO a\0b",), CONTROL),
    "EHLO with an escape": (("EHLO \x1b[31m",), CONTROL),
    "EHLO of 70 kB": ((f"EHLO {'x' * 70_000}",), "500 5.5.2 Line too long, or not ended by CRLF"),
    "MAIL before EHLO": ((MAIL,), "503 5.5.1 Send EHLO first"),
    "RCPT before MAIL": ((HELLO, RCPT), "503 5.5.1 Need MAIL command"),
    "DATA after all were refused": ((HELLO, MAIL, "RCPT TO:<a b@c>", "DATA"), "503 5.5.1 Need RCPT command"),
    "DATA twice": ((HELLO, MAIL, RCPT, "DATA", ".", "DATA"), "503 5.5.1 Need MAIL command"),
    **{
        line: ((HELLO, MAIL, RCPT, line), "502 5.5.1 Command not implemented")
        for line in ("BDAT 0 LAST", "BDAT 99999999999", "BDAT -1", "STARTTLS")
    },
    **{
        line: ((HELLO, line), "502 5.5.1 Command not implemented")
        for line in ("VRFY a", "EXPN a", "ETRN open.test", "TURN", "AUTH PLAIN AGEAYg==", "XCLIENT ADDR=127.0.0.1")
    },
}


@pytest.mark.parametrize(("commands", "reply"), COMMANDS.values(), ids=list(COMMANDS))
def test_command_is_refused(place: Place, commands: tuple[str, ...], reply: str) -> None:
    """The filter refuses what is no address, no parameter, not offered, or out of turn."""
    assert place.say(*commands, "QUIT")[len(commands)] == reply


def test_xforward_is_passed_on_undecoded(place: Place, site: Appliance) -> None:
    """Gate 2 logs the client it names; CR LF within xtext is nothing to the filter, and gate 2 refuses that one."""
    told = "XFORWARD NAME=far.example ADDR=203.0.113.9 HELO=a+20b IDENT=4hostile"
    [replies, injected] = place.talk(
        [HELLO, told, *message(f"X-Token: {RUN}-told\r\n\r\n".encode())[1:]],
        [HELLO, "XFORWARD NAME=a+0D+0AMAIL", *message(f"X-Token: {RUN}-bad\r\n\r\n".encode())[1:]],
    )
    queue_id = replies[6].rpartition(" ")[2]
    site.logged(
        "postfix-post", rf"{queue_id}: client=.*orig_queue_id=4hostile, orig_client=far\.example\[203\.0\.113\.9\]"
    )
    assert len(place.arrived(f"{RUN}-told", [replies])) == 1
    assert [m["recipients"] for m in place.arrived(f"{RUN}-bad", [injected])] == [
        ["TO:<first@open.test> ORCPT=rfc822;first@open.test"]
    ]


LOCALS = {
    **{local: local for local in (*WORDS, '"a b"', r'"a\"b"', '""', "|cmd", "/file", "`id`", "*", "u%x", "y!u", "ü")},
    '"a@b"': '"a@b"',
    r'"\a"': "a",  # gate 2 drops quotes that say nothing
    **dict.fromkeys(("a..b", ".a", "a.", "a:b", ":include:/x", "a,b", "a;b", "a b", "a(c)"), SYNTAX),
}


def test_odd_address_arrives_or_is_refused(place: Place) -> None:
    """As sender and as recipient it is passed on as it came, and never becomes a command or a second one."""

    def expected(domain: str) -> list[str]:
        return [local if local == SYNTAX else f"<{local}@{domain}>" for local in LOCALS.values()]

    senders = hostile.paths(place, f"{RUN}-from", [(f"<{local}@client.example>", "<x@open.test>") for local in LOCALS])
    assert [path if isinstance(path, str) else path[0] for path in senders] == expected("client.example")
    asked = [("<s@client.example>", f"<{local}@open.test>") for local in LOCALS]
    found = [path if isinstance(path, str) else path[1] for path in hostile.paths(place, f"{RUN}-to", asked)]
    assert [path.rpartition(" ORCPT=")[0] or path for path in found] == expected("open.test")


# --- size and shape ------------------------------------------------------------------------------------------------


def test_lone_cr_and_lf_become_a_space(place: Place) -> None:
    """Neither leaves towards gate 2."""
    [found] = hostile.contents(place, f"{RUN}-lone", [shapes.LONE])
    assert found == shapes.body(b"a b c \r\nd \r\ne\r\n")


def test_limit_is_the_last_size_taken(place: Place) -> None:
    """One octet more is refused after the dot, by one reply, and what looks like an end in there is content."""
    head = f"X-Token: {RUN}-limit.\r\n\r\n".encode()
    full = head + b"x" * (LIMIT - len(head) - 2)
    over = b"x" * LIMIT + b"\n.\r\n" + SMUGGLED
    taken, more, false_end = (
        place.say(*envelope(), content + END, WAIT, "NOOP", "QUIT")[5:] for content in (full, full + b"x", over)
    )
    assert taken[0].startswith("250 2.0.0 Ok: queued as ")
    too_big = ["552 5.3.4 Message size exceeds fixed limit", "250 2.0.0 Ok", "221 2.0.0 Bye", "closed"]
    assert more == false_end == too_big


def test_recipients_up_to_the_limit_are_taken(place: Place) -> None:
    """A thousand get it once each, in one transaction; the next is answered 452, and the session goes on."""
    assert hostile.crowd(place, f"{RUN}-many", RECIPIENTS) == "452 4.5.3 Too many recipients"


# --- protocol ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", JUNK.values(), ids=list(JUNK))
def test_junk_is_no_command(place: Place, octets: bytes) -> None:
    """What is no SMTP, or does not wait where it must, is refused, and no content is taken."""
    replies = place.say(WAIT, octets, WAIT, "RSET")
    assert replies[0] == "220 localhost ESMTP"
    assert not [reply for reply in replies if reply.startswith(("354", "250 2.0.0 Ok:"))]
    assert any(reply[0] in "45" for reply in replies), replies


def test_errors_without_end_close_the_session(place: Place) -> None:
    """After twenty the filter hangs up."""
    replies = place.say(WAIT, b"\r\n" * 100, *[WAIT] * 21)
    assert replies[1:22] == ["500 5.5.2 Command not recognized"] * 20 + ["421 4.7.0 Too many errors"]


def test_reset_after_the_dot_makes_one_or_none(place: Place, site: Appliance) -> None:
    """Whoever sent it does not know; the filter logs what became of it, and nothing is there twice."""
    token = f"{RUN}-reset"
    content = f"X-Token: {token}\r\n\r\nx".encode() + END
    place.say(*envelope(sender=f"{token}@client.example"), content, RESET)
    line = site.logged("filter", rf".*{token}@client.example.*")[0]
    taken = re.search(r"post=(\w+)", line)
    if taken:
        site.logged("postfix-post", rf"{taken[1]}: removed")
    assert len(place.sink.with_token(token)) == bool(taken), line


def test_idle_sessions_leave_slots_free(place: Place) -> None:
    """Half-open sessions, one short of what the filter serves at once, do not keep the last from its turn."""
    idle = [[HELLO, MAIL, RCPT]] * 9
    assert all(replies[3] == "250 2.1.5 Ok" for replies in place.talk(*idle, [HELLO, MAIL, RCPT, "QUIT"]))


def test_loop_ends(place: Place) -> None:
    """The filter counts nothing; gate 2's refusal is its own, in gate 2's words."""
    fields = [b"Received: by a.example\r\n" * number + b"\r\nx" for number in (50, 108, 109)]
    found = hostile.contents(place, f"{RUN}-hops", fields)
    assert found == [*(content + b"\r\n" for content in fields[:2]), "554 5.4.0 Error: too many hops"]
