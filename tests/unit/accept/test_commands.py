"""Command lines."""

import pytest

from gateway.accept import commands


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"mail FROM:<a@x> SIZE=1  ", (b"MAIL", b"FROM:<a@x> SIZE=1")),
        (b"DATA", (b"DATA", b"")),
        (b"", (b"", b"")),
        (b" DATA", (b"", b"DATA")),
        (b"\xff\xfe x", (b"\xff\xfe", b"x")),
    ],
)
def test_split_command_verb_ends_at_the_first_space(line, command):
    """The verb is upper-cased, the argument loses trailing spaces only."""
    assert commands.split_command(line) == command


@pytest.mark.parametrize("line", [b"MAIL FROM:<s@x>\rRCPT TO:<z@evil>", b"NOOP \0", b"NOOP\t", b"NOOP \x7f"])
def test_has_control_control_characters_are_found(line):
    """A lone CR does not end a command."""
    assert commands.has_control(line)


def test_has_control_utf8_is_no_control_character():
    """Octets beyond ASCII are judged by the grammar of paths."""
    assert not commands.has_control("RCPT TO:<ü@x>".encode())


@pytest.mark.parametrize(
    ("verbs", "code"),
    [
        (b"NOOP", 250),
        (b"VRFY EXPN ETRN TURN HELP AUTH STARTTLS BDAT GET POST CONNECT XCLIENT", 502),
        (b"\x16\x03\x01 MAILFROM:<a@x> 250", 500),
    ],
)
def test_fixed_reply_verb_without_meaning_is_refused(verbs, code):
    """Nothing is offered that gate 1 does not need."""
    assert {commands.fixed_reply(verb).code for verb in verbs.split()} == {code}
    assert commands.fixed_reply(b"").code == 500
