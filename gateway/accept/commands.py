"""
Command lines: verb and argument, and the answers that depend on nothing but the verb.

No HELP, AUTH, STARTTLS or CHUNKING is offered: gate 1 is the only client, it needs none of them, and each is a way
to disagree on where a command ends.
"""

import re

from gateway.message.reply import Reply

# Verbs that end a transaction under way; the session answers them once it is over.
ENDING = frozenset({b"RSET", b"QUIT", b"EHLO", b"HELO"})

# What follows these is not commands, or comes from no SMTP client: the connection closes with the answer.
CLOSING = frozenset({b"BDAT", b"CONNECT", b"GET", b"HEAD", b"OPTIONS", b"POST", b"PUT", b"STARTTLS"})

# None of them is part of a transaction.
OUTSIDE = ENDING | CLOSING

_UNKNOWN = Reply.of("500 5.5.2 Command not recognized")
_NOT_IMPLEMENTED = Reply.of("502 5.5.1 Command not implemented")
_FIXED = {
    b"NOOP": Reply.of("250 2.0.0 Ok"),
    **dict.fromkeys(CLOSING, _NOT_IMPLEMENTED),
    **dict.fromkeys(
        (b"VRFY", b"EXPN", b"ETRN", b"TURN", b"HELP", b"AUTH", b"SEND", b"SOML", b"SAML"), _NOT_IMPLEMENTED
    ),
    b"XCLIENT": _NOT_IMPLEMENTED,
}

BAD_LINE = Reply.of("500 5.5.2 Line too long, or not ended by CRLF")
BAD_CHARACTER = Reply.of("501 5.5.2 Control character in command")
NEED_EHLO = Reply.of("503 5.5.1 Send EHLO first")
NEED_MAIL = Reply.of("503 5.5.1 Need MAIL command")
NEED_RCPT = Reply.of("503 5.5.1 Need RCPT command")
NESTED_MAIL = Reply.of("503 5.5.1 Nested MAIL command")
IN_TRANSACTION = Reply.of("503 5.5.1 Not within a transaction")
NO_ARGUMENT = Reply.of("501 5.5.4 No argument expected")
TOO_MANY_ERRORS = Reply.of("421 4.7.0 Too many errors")
TIMED_OUT = Reply.of("421 4.4.2 Timed out")
OUT_OF_STEP = Reply.of("421 4.5.0 Improper command pipelining")
STOPPING = Reply.of("421 4.3.2 Service shutting down")

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def split_command(line: bytes) -> tuple[bytes, bytes]:
    """
    Split a command line, given without its CRLF.

    Returns:
        The verb in upper case, empty when the line was, and its argument without the space before it and without
        trailing spaces.
    """
    verb, _, argument = line.partition(b" ")
    return verb.upper(), argument.rstrip(b" ")


def has_control(line: bytes) -> bool:
    """Tell whether a line holds an octet no command may hold, such as a lone CR or NUL (RFC 5321 section 4.1.2)."""
    return _CONTROL.search(line) is not None


def fixed_reply(verb: bytes) -> Reply:
    """Give the answer to a verb that has no meaning here."""
    return _FIXED.get(verb, _UNKNOWN)
