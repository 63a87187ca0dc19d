"""GTUBE is found wherever it is."""

import mmap
import tempfile

import pytest

from gateway.check.gtube import GTUBE, Gtube, Options
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding


def look(content):
    """Give what the check reports."""
    return Gtube("gtube", Options()).look(MailObject(Envelope(ReversePath(b"a@x.test")), Client(), content)).findings


@pytest.mark.parametrize("content", [GTUBE, b"S: " + GTUBE + b"\r\n", b"a\r\n" * 100_000 + b"x" + GTUBE + b"y\r\n"])
def test_look_string_is_found(content):
    """In a header field, in the body, in the midst of a line, at either end."""
    assert look(content) == [Finding("gtube", "gtube")]


@pytest.mark.parametrize("content", [b"", GTUBE[:-1], GTUBE[1:], GTUBE[:40] + b"\r\n" + GTUBE[40:], GTUBE.lower()])
def test_look_what_is_not_the_string_is_nothing(content):
    """Octet by octet, and on one line."""
    assert look(content) == []


def test_look_string_is_found_in_a_file():
    """As a large message comes."""
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 5000 + GTUBE)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            assert look(content) == [Finding("gtube", "gtube")]
