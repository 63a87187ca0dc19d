"""Octets waiting: lines, limits, timers."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accept import inbox as inbox_module
from gateway.accept.inbox import HIGH_WATER, MAX_COMMAND, BadLine, Inbox

from ..hop import splits


class Flow:
    """What the inbox asks of its transport."""

    def __init__(self):
        self.calls = []
        self.inbox = Inbox(lambda: self.calls.append("pause"), lambda: self.calls.append("resume"))


def lines(inbox):
    """Take all complete lines; a bad one reads as None."""
    taken = []
    while True:
        try:
            line = inbox.line()
        except BadLine:
            taken.append(None)
            continue
        if line is None:
            return taken
        taken.append(line)


def test_line_only_crlf_ends_a_command():
    """A lone LF ends a bad line; a lone CR stays within."""
    inbox = Flow().inbox
    inbox.feed(b"NOOP\r\nNOOP\nA\rB\r\nQU")
    assert lines(inbox) == [b"NOOP", None, b"A\rB"]
    assert len(inbox) == 2


def test_line_too_long_is_skipped_to_its_end():
    """Its octets are not kept, and it is answered once."""
    inbox = Flow().inbox
    inbox.feed(b"x" * (MAX_COMMAND + 1))
    assert lines(inbox) == []
    assert len(inbox) == 0
    for _ in range(100):
        inbox.feed(b"\0" * 65_536)
        assert lines(inbox) == []
        assert len(inbox) == 0
    inbox.feed(b"x\r\nNOOP\r\n")
    assert lines(inbox) == [None, b"NOOP"]


def test_line_of_the_limit_is_taken():
    """MAX_COMMAND counts the CRLF."""
    inbox = Flow().inbox
    inbox.feed(b"x" * (MAX_COMMAND - 2) + b"\r\n" + b"x" * (MAX_COMMAND - 1) + b"\r\n")
    assert lines(inbox) == [b"x" * (MAX_COMMAND - 2), None]


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"NOOP", b"\0", b"x" * MAX_COMMAND]), max_size=20),
    st.lists(st.integers(1, 5000), min_size=1, max_size=4),
)
def test_line_any_split_equals_the_whole(pieces, sizes):
    """Whole = any split = octet by octet."""
    data = b"".join(pieces)
    whole = Flow().inbox
    whole.feed(data)
    expected = lines(whole)
    for slices in (splits(data, sizes), splits(data, [1]) if len(data) < 5000 else []):
        inbox, taken = Flow().inbox, []
        for octets in slices:
            inbox.feed(octets)
            taken += lines(inbox)
        assert taken == expected or not slices


def test_feed_beyond_high_water_pauses_until_taken():
    """Gate 1 is not read faster than gate 2 takes."""
    flow = Flow()
    flow.inbox.feed(b"x" * (HIGH_WATER + 1))
    flow.inbox.feed(b"x")
    assert flow.calls == ["pause"]
    flow.inbox.take(100)
    assert flow.calls == ["pause"]
    flow.inbox.take(HIGH_WATER)
    assert flow.calls == ["pause", "resume"]


def test_take_whole_feed_is_not_copied():
    """The common case of content."""
    inbox, data = Flow().inbox, b"x" * 1000
    inbox.feed(data)
    assert inbox.take(5000) is data
    assert inbox.take(5000) == b""


def test_put_back_comes_first_again():
    """What followed the final dot is read as commands."""
    inbox = Flow().inbox
    inbox.feed(b"QUIT\r\n")
    inbox.put_back(b"RSET\r\n")
    inbox.put_back(b"")
    assert lines(inbox) == [b"RSET", b"QUIT"]


async def test_more_wakes_for_octets_and_for_the_end():
    """True for octets, False for the end."""
    inbox = Flow().inbox
    waiting = asyncio.ensure_future(inbox.more(10))
    await asyncio.sleep(0)
    inbox.feed(b"x")
    assert await waiting is True
    assert inbox.take(1) == b"x"
    waiting = asyncio.ensure_future(inbox.more(10))
    await asyncio.sleep(0)
    inbox.feed_eof()
    assert await waiting is False
    assert await inbox.more(10) is False
    assert inbox.at_eof


async def test_more_octets_that_came_since_the_last_look_count():
    """Else a session would wait for what it has."""
    inbox = Flow().inbox
    assert inbox.line() is None
    inbox.feed(b"NO")
    inbox.feed_eof()
    assert await inbox.more(10) is True
    assert inbox.line() is None
    assert await inbox.more(10) is False


async def test_more_silence_times_out():
    """After the time given."""
    with pytest.raises(TimeoutError):
        await Flow().inbox.more(0.01)


async def test_more_drip_of_a_command_wins_no_time():
    """The waits for one line add up; a whole line begins anew."""
    inbox = Flow().inbox
    loop = asyncio.get_running_loop()

    def drip():
        inbox.feed(b"x")
        timers.append(loop.call_later(0.02, drip))

    timers = [loop.call_later(0.02, drip)]
    with pytest.raises(TimeoutError):
        while await inbox.more(0.1):
            assert inbox.line() is None
    timers[-1].cancel()
    assert len(inbox) < 10
    inbox.feed(b"\r\n")
    assert inbox.line() is not None
    with pytest.raises(TimeoutError):
        await inbox.more(0.05)


async def test_more_drip_of_content_wins_what_its_octets_are_worth(monkeypatch):
    """A steady stream above the least rate goes on, one below it ends."""
    monkeypatch.setattr(inbox_module, "MIN_RATE", 1000)
    loop = asyncio.get_running_loop()

    async def stream(octets_each):
        inbox, count = Flow().inbox, 0

        def drip():
            inbox.feed(b"x" * octets_each)
            timers.append(loop.call_later(0.02, drip))

        timers = [loop.call_later(0.02, drip)]
        try:
            while count < 15 and await inbox.more(0.1):
                inbox.take(1000)
                count += 1
        finally:
            timers[-1].cancel()
        return count

    assert await stream(1000) == 15
    with pytest.raises(TimeoutError):
        await stream(1)
