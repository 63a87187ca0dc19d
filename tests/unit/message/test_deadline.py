"""One timer for many waits."""

import asyncio

import pytest

from gateway.message.deadline import Deadline


@pytest.fixture
def expired():
    """Give an event for the deadline to set."""
    return asyncio.Event()


def elapsed_ms(loop, began):
    """Return the time since, in what the loop's clock counts; as a float it may come out below."""
    return round(1000 * (loop.time() - began))


async def test_start_too_long_a_wait_expires(expired):
    """Once, at its time."""
    loop = asyncio.get_running_loop()
    deadline = Deadline(expired.set)
    began = loop.time()
    deadline.start(0.05)
    await expired.wait()
    assert elapsed_ms(loop, began) >= 50


async def test_start_again_counts_from_the_last(expired):
    """The timer of the first wait goes off within the second and is set again."""
    loop = asyncio.get_running_loop()
    deadline = Deadline(expired.set)
    deadline.start(0.02)
    deadline.stop()
    began = loop.time()
    deadline.start(0.1)
    await expired.wait()
    assert elapsed_ms(loop, began) >= 100


async def test_start_shorter_wait_is_not_late(expired):
    """A timer set for later does not hold it up."""
    deadline = Deadline(expired.set)
    deadline.start(3600)
    deadline.start(0.01)
    async with asyncio.timeout(5):
        await expired.wait()


async def test_start_no_time_left_expires(expired):
    """All of it was spent before."""
    Deadline(expired.set).start(-1)
    async with asyncio.timeout(5):
        await expired.wait()


@pytest.mark.parametrize("end", [Deadline.stop, Deadline.close])
async def test_stop_in_time_does_not_expire(expired, end):
    """Nor when the timer goes off later."""
    deadline = Deadline(expired.set)
    deadline.start(0.01)
    end(deadline)
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, later.set)
    await later.wait()
    assert not expired.is_set()


async def test_close_lets_go_of_its_owner():
    """No timer keeps a session that has ended."""
    deadline = Deadline(lambda: None)
    deadline.start(3600)
    timer = deadline._timer
    deadline.close()
    assert timer.cancelled()
