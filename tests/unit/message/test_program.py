"""Tasks, results and frames survive the way, and nothing else does."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.program import CONTENT, Misframed, Result, Task, frame, next_frame

TEXT = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\0"))
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", fullmatch=True)


@given(NAMES, st.lists(TEXT), st.dictionaries(TEXT, TEXT), st.dictionaries(TEXT, st.integers()), st.booleans())
def test_task_survives_the_way(program, arguments, environment, limits, output):
    """Every octet of an address but NUL, as a Latin-1 character."""
    task = Task(program, arguments, environment, limits, output)
    assert Task.read(task.wire()) == task


@given(st.binary())
def test_read_anything_raises_nothing_else(octets):
    """Whatever comes."""
    for kind in (Task, Result):
        try:
            kind.read(octets)
        except Misframed:
            continue


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
    | st.dictionaries(st.text(), st.none())
)
def test_read_any_json_raises_nothing_else(value):
    """Whatever JSON comes."""
    for kind in (Task, Result):
        with pytest.raises(Misframed):
            kind.read(json.dumps(value).encode())


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../sh", "/bin/sh", "a/b", ".hidden", "-rf", "a b", "a\n", "ä", "x" * 101]
)
def test_read_name_that_is_none_is_refused(name):
    """The runner looks for it in its own directory and nowhere else."""
    with pytest.raises(Misframed):
        Task.read(Task(name).wire())


def test_result_survives_the_way():
    """What a program said, in any characters."""
    result = Result(75, "zu spät\n\u20ac")
    assert Result.read(result.wire()) == result


async def test_frames_are_read_however_they_come():
    """Octet by octet, and with the limit to the octet."""
    reader = asyncio.StreamReader()
    for octet in frame(CONTENT, b"abc") + frame(CONTENT):
        reader.feed_data(bytes([octet]))
    assert await next_frame(reader, 3) == (CONTENT, b"abc")
    assert await next_frame(reader, 0) == (CONTENT, b"")
    reader.feed_data(frame(CONTENT, b"abcd"))
    with pytest.raises(Misframed, match="frame of 4 octets, limit 3"):
        await next_frame(reader, 3)


async def test_frame_cut_off_is_the_end():
    """A side that closes in the middle has given up."""
    reader = asyncio.StreamReader()
    reader.feed_data(frame(CONTENT, b"abc")[:-1])
    reader.feed_eof()
    with pytest.raises(EOFError):
        await next_frame(reader)
