"""Content without stuffing, and stuffed again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accept.framing import MAX_FEED, DataReader
from gateway.message.content import Chunk, Stuffing

from ..hop import splits

pieces = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"x", b"\r\n.", b".\r\n", b"\xff\0"]), max_size=30)
contents = pieces.map(b"".join)
sizes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


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


def stuffed(slices):
    """Give the wire form of slices, and what ends the last line."""
    stuffing = Stuffing()
    return b"".join(stuffing.wire(octets) for octets in slices), stuffing.end()


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b""),
        (b".", b".."),
        (b".\r\n", b"..\r\n"),
        (b"a.b\r\n", b"a.b\r\n"),
        (b"a\r\n.\r\n..\r\n", b"a\r\n..\r\n...\r\n"),
        (b"\r\n\r\n.", b"\r\n\r\n.."),
    ],
)
def test_wire_first_dot_of_a_line_is_doubled(content, wire):
    """RFC 5321 section 4.5.2; byte by byte as well."""
    assert stuffed([content])[0] == wire
    assert stuffed([content[i : i + 1] for i in range(len(content))])[0] == wire


@given(contents, sizes)
def test_wire_any_split_equals_the_whole(content, sizes):
    """Between CR and LF, before a dot, and with empty slices between."""
    slices = [octets for octets in splits(content, sizes) for octets in (octets, b"")]
    assert stuffed(slices) == stuffed([content])


@given(contents, sizes)
def test_wire_unstuffed_is_the_content(content, sizes):
    """As the reader of gate 1's content undoes it, and no line of it is a lone dot."""
    wire, missing = stuffed(splits(content, sizes))
    reader = DataReader()
    wire += missing
    assert wire == b"" or wire.endswith(b"\r\n")
    assert b"\r\n.\r\n" not in b"\r\n" + wire
    slices = [reader.feed(octets) for octets in splits(wire + b".\r\n", [*sizes, MAX_FEED])]
    assert reader.done
    assert reader.take_rest() == b""
    assert b"".join(chunk.content for chunk in slices if chunk) == content + missing
    assert reader.stray_line_ends == 0


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"x"]), max_size=12).map(b"".join), sizes)
def test_wire_refuses_a_lone_line_end_wherever_it_is_cut(content, sizes):
    """Nothing that somebody may take for an end of data gets to gate 2, whoever put it there."""
    lone = re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    if lone:
        with pytest.raises(ValueError, match="a lone CR"):
            stuffed(splits(content, sizes))
    else:
        assert stuffed(splits(content, sizes)) == stuffed([content])


@pytest.mark.parametrize(("content", "missing"), [(b"", b""), (b"a\r\n", b""), (b"a", b"\r\n"), (b".", b"\r\n")])
def test_end_ends_the_last_line(content, missing):
    """Or the final dot would be text."""
    assert stuffed([content])[1] == missing
