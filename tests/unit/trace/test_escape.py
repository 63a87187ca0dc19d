"""Log text is printable ASCII."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.trace.escape import escape, quote


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain text", "plain text"),
        (b"a\r\nb\0", "a\\r\\nb\\x00"),
        ("\x1b[2J", "\\x1b[2J"),
        ("ü".encode(), "\\xc3\\xbc"),
        ("ü\u2028", "\\xfc\\u2028"),
        (b'"a\\"b"@x', '"a\\\\"b"@x'),
    ],
)
def test_escape_what_is_not_printable_is_spelled_out(text, escaped):
    """A backslash is doubled, so that the reading back is unambiguous."""
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "quoted"), [("a", "a"), ("a b", '"a b"'), ("", '""'), ('a"b', '"a\\"b"'), ("a=b", '"a=b"')]
)
def test_quote_where_the_end_would_be_lost(text, quoted):
    """As in key="some words"."""
    assert quote(text) == quoted


@given(st.one_of(st.text(), st.binary()))
def test_escape_anything_is_one_printable_line(text):
    """No line is forged, no terminal driven."""
    for line in (escape(text), quote(text)):
        assert line.isascii()
        assert line.isprintable()
