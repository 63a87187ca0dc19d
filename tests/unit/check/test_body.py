"""Patterns in text parts."""

import base64

import pytest

from gateway.check.body import Body, Options
from gateway.message.verdict import Finding

from .mails import mail, one_part, parts

PILL = {"name": "pill", "pattern": "viagra"}
FOUND = [Finding("body", "pill", "viagra")]


def look(content, *patterns, max_text=1 << 20, incomplete=False):
    """Look for patterns."""
    return Body("body", Options(patterns or (PILL,), max_text, incomplete)).look(mail(content)).findings


@pytest.mark.parametrize(
    "content",
    [
        one_part(b"buy viagra\r\n"),
        one_part(base64.b64encode(b"buy viagra\r\n"), encoding="base64"),
        one_part(b"buy v=69ag=\r\nra\r\n", encoding="quoted-printable"),
        one_part("viagra".encode("utf-16"), "text/plain; charset=utf-16", "8bit"),
        one_part(b"buy viagra", "text/plain; charset=u16"),
        one_part(b"buy viagra", "text/plain; charset=cp037"),
        one_part("buy viagra".encode("cp037"), "text/plain; charset=cp037", "8bit"),
        one_part(b"<!-->v<b></b>iagra -->", "text/html"),
        one_part("via\u200bgra".encode(), "text/plain; charset=utf-8", "8bit"),
        one_part(b"v<b></b>iagra", "text/html"),
        one_part(b"v&#105;agra", "text/html"),
        one_part(b"<!-- viagra -->", "text/html"),
        one_part(b"viagra", "multipart/mixed"),
        parts(b"\r\nclean\r\n", b"Content-Type: text/html\r\n\r\nv<i></i>iagra\r\n"),
        parts(b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nviagra\r\n"),
    ],
)
def test_look_text_is_found_however_it_is_written(content):
    """Encodings, charsets, tags, entities, zero-width characters; in any part."""
    assert look(content) == FOUND


@pytest.mark.parametrize(
    "content",
    [
        one_part(b"clean\r\n"),
        one_part(b"viagra", "application/octet-stream"),
        one_part(b"x", more="X-A: viagra\r\n"),
    ],
)
def test_look_only_text_is_searched(content):
    """Neither files nor header fields."""
    assert look(content) == []


def test_look_no_more_than_max_text():
    """Over all parts together."""
    assert look(one_part(b"x" * 100 + b"viagra"), max_text=100) == []
    two = parts(b"\r\n" + b"x" * 100 + b"\r\n", b"\r\nviagra\r\n")
    assert look(two, max_text=107) == []
    assert look(two, max_text=108) == FOUND


def test_look_text_that_is_not_searched_is_told_to_who_asks():
    """One octet more than max_text; or another part."""
    incomplete = [Finding("body", "incomplete", "text beyond 8 octets")]
    one, two = one_part(b"clean\r\n\r\n"), parts(b"\r\nclean\r\n\r\n", b"\r\nx")
    for content, found in ((one[:-1], []), (one, incomplete), (two, incomplete)):
        assert look(content, max_text=8, incomplete=True) == found
        assert look(content, max_text=8) == []


def test_look_each_pattern_once_in_their_order():
    """Whatever the order in the text."""
    content = one_part(b"two one two")
    patterns = ({"name": "a", "pattern": "one"}, {"name": "b", "pattern": "two"}, {"name": "c", "pattern": "three"})
    assert look(content, *patterns) == [Finding("body", "a", "one"), Finding("body", "b", "two")]


def test_look_regex_bomb_is_over_at_once():
    """A megabyte."""
    assert look(one_part(b"a" * 1_000_000 + b"!"), {"name": "bomb", "pattern": "(a+)+$"}) == []
