"""Only CRLF.CRLF ends the data, however it is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accept.framing import MAX_FEED, DataReader
from gateway.message.content import MAX_CHUNK

from ..hop import splits
from ..smuggling import HEAD, LEGAL, SMUGGLED, VARIANTS

END = b"\r\n.\r\n"


def model(data: bytes) -> tuple[bytes, int, bytes]:
    """Give wire, strays and rest by looking at the whole at once."""
    end = (b"\r\n" + data).index(END)
    wire, strays = re.subn(rb"\r(?!\n)|(?<!\r)\n", b" ", data[:end])
    return wire, strays, data[end + 3 :]


def read(slices: list[bytes]) -> tuple[bytes, bytes, DataReader, bytes]:
    """Feed slices up to the final dot; give wire, content, the reader, and what follows the dot."""
    reader, wire, content = DataReader(), b"", b""
    for index, data in enumerate(slices):
        chunk = reader.feed(data)
        if chunk:
            assert 0 < len(chunk.wire) <= MAX_CHUNK
            wire += chunk.wire
            content += chunk.content
        if reader.done:
            return wire, content, reader, reader.take_rest() + b"".join(slices[index + 1 :])
    raise AssertionError("no end of data")


def unstuff(wire: bytes) -> bytes:
    """Undo dot-stuffing line by line."""
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in wire.split(b"\r\n"))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 4096])
def test_feed_illegal_end_of_data_leaves_one_message(variant, size):
    """Smuggled text stays inert within the one message, and no lone CR or LF goes on."""
    data = HEAD + variant + SMUGGLED
    wire, content, reader, rest = read(splits(data, [size]))
    assert rest == b""
    assert content.endswith(b"S: smuggled\r\n\r\n2\r\n")
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
    assert END not in b"\r\n" + wire
    assert content == unstuff(wire)
    assert reader.octets == len(content)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("edge", [4096, 8192, 65_534])
def test_feed_illegal_end_of_data_at_a_buffer_edge_leaves_one_message(variant, edge):
    """The edge may fall on any octet of the variant."""
    for shift in range(len(variant) + 2):
        head = HEAD.ljust(edge - shift, b"x")
        wire, _, _, rest = read(splits(head + variant + SMUGGLED, [edge]))
        assert rest == b""
        assert wire.endswith(b"S: smuggled\r\n\r\n2\r\n")


@pytest.mark.parametrize("variant", LEGAL.values(), ids=LEGAL)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 4096])
def test_feed_legal_end_of_data_gives_back_what_follows(variant, size):
    """What follows the dot is the next commands."""
    wire, _, _, rest = read(splits(HEAD + variant + SMUGGLED, [size]))
    assert rest == SMUGGLED
    assert wire.startswith(HEAD)
    assert wire.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("data", "wire"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b"..\r\n"),
        (b"a\rb\nc\r\n.\r\n", b"a b c\r\n"),
        (b"\n.\r\n.\r\n", b" .\r\n"),
        (b".\r\r\n.\r\n", b". \r\n"),
        (b".\n\r\n.\r\n", b". \r\n"),
        (b"\r\r\n.\r\n", b" \r\n"),
    ],
)
def test_feed_small_content_is_exact(data, wire):
    """The corner cases, whole and octet by octet."""
    for size in range(1, len(data) + 1):
        assert read(splits(data, [size]))[0] == wire


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\0", b"\r\n.\r\n"]), max_size=40),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
def test_feed_any_split_equals_the_whole(pieces, sizes):
    """Whole = any split = octet by octet."""
    data = b"".join(pieces) + END
    expected = model(data)
    for slices in ([data], splits(data, sizes), splits(data, [1])):
        wire, content, reader, rest = read(slices)
        assert (wire, reader.stray_line_ends, rest) == expected
        assert content == unstuff(wire)
        assert reader.octets == len(content)


def test_feed_unchanged_content_is_the_octets_that_came():
    """Where nothing changes nothing is copied."""
    data = b"x" * 1000
    assert DataReader().feed(data).wire is data


def test_feed_endless_line_holds_nothing():
    """A line of any length passes through; what is held back is two octets at most."""
    reader = DataReader()
    for _ in range(200):
        assert len(reader.feed(b"x" * MAX_FEED).wire) == MAX_FEED
    assert reader.octets == 200 * MAX_FEED


def test_feed_bug_of_the_caller_is_refused():
    """Too much at once, or more after the end."""
    reader = DataReader()
    with pytest.raises(ValueError, match="fed 65535 octets"):
        reader.feed(b"x" * (MAX_FEED + 1))
    reader.feed(b".\r\n")
    with pytest.raises(ValueError, match="after the final dot"):
        reader.feed(b"x")
