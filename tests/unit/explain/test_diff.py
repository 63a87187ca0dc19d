"""Edits as lines."""

import pytest

from gateway.explain.diff import difference
from gateway.message.edit import Splice
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject

CONTENT = b"Subject: hi\r\nFrom: a\r\n\r\nbody\x1b\r\n"


def edited(*splices, before=CONTENT):
    """Give the difference that edits make."""
    return difference(before, MailObject(Envelope(ReversePath(b"")), Client(), CONTENT), splices)


@pytest.mark.parametrize(
    ("splice", "lines"),
    [
        (Splice(13, 13, b"X: 1\r\n"), ["@@ header, octet 13 @@", "+X: 1"]),
        (Splice(0, 13, b""), ["@@ header, octet 0 @@", "-Subject: hi"]),
        (Splice(8, 8, b" [S]"), ["@@ header, octet 8 @@", "-Subject: hi", "+Subject: [S] hi"]),
        (Splice(24, 25, b"B"), ["@@ body, octet 24 @@", r"-body\x1b", r"+Body\x1b"]),
        (Splice(len(CONTENT), len(CONTENT), b"foot\r\n"), [f"@@ body, octet {len(CONTENT)} @@", "+foot"]),
    ],
)
def test_splice_is_shown_with_its_lines(splice, lines):
    """Whole lines, escaped."""
    assert edited(splice) == lines


def test_replaced_message_is_said_to_be():
    """An editing command gave another."""
    assert edited(before=b"other\r\n")[0] == "@@ the whole message @@"
    assert edited() == []


def test_long_splice_is_cut():
    """A page is enough."""
    lines = edited(Splice(13, 13, b"X: 1\r\n" * 50))
    assert len(lines) == 22
    assert lines[-1] == "+… 30 lines more"
