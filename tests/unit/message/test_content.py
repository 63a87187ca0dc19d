"""Chunks give content without stuffing."""

import pytest

from gateway.message.content import Chunk


@pytest.mark.parametrize(
    ("wire", "at_line_start", "content"),
    [
        (b"a\r\n..b\r\n", True, b"a\r\n.b\r\n"),
        (b"..b\r\n", True, b".b\r\n"),
        (b"..b\r\n", False, b"..b\r\n"),
        (b".", True, b""),
        (b"a.\r\n...\r\n", False, b"a.\r\n..\r\n"),
        (b". \r\n", True, b" \r\n"),
    ],
)
def test_content_first_dot_of_a_line_is_dropped(wire, at_line_start, content):
    """The dot that begins a line goes, no other."""
    assert Chunk(wire, at_line_start).content == content
