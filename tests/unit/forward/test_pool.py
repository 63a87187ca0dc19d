"""Connections kept, and places used in turn."""

import logging

import pytest

from gateway.forward import pool as pool_module
from gateway.forward.connection import ConnectionFailed, Timeouts
from gateway.forward.pool import Pool

from ..sink import Sink

TIMEOUTS = Timeouts(connect_s=5, reply_s=5, commit_s=5)


def pool(*ports):
    """Make a pool for sinks."""
    return Pool([("127.0.0.1", port) for port in ports], "filter.test", TIMEOUTS)


async def test_reuse_gives_what_was_kept_last():
    """The one most likely to be alive."""
    async with Sink() as sink:
        connections = pool(sink.port)
        first, second = await connections.fresh(), await connections.fresh()
        connections.keep(first)
        connections.keep(second)
        assert connections.reuse() is second
        assert connections.reuse() is first
        assert connections.reuse() is None
        connections.keep(first)
        connections.close()
        second.close()
        await sink.connections[0].ended.wait()
        assert connections.reuse() is None


async def test_reuse_skips_what_gate_2_has_closed():
    """It is not even tried."""
    async with Sink() as sink:
        connections = pool(sink.port)
        connection = await connections.fresh()
        connections.keep(connection)
        sink.connections[0].transport.close()
        with pytest.raises(ConnectionFailed):
            await connection.reply(5)
        assert connections.reuse() is None


async def test_keep_out_of_step_is_closed():
    """A reply too many would answer the next transaction."""
    async with Sink() as sink:
        connections = pool(sink.port)
        sink.replies[b"NOOP"] = b"250 one\r\n250 two\r\n"
        connection = await connections.fresh()
        connection.send(b"NOOP\r\n")
        await connection.reply(5)
        connections.keep(connection)
        assert connections.reuse() is None


async def test_keep_idle_too_long_is_closed(monkeypatch):
    """Before gate 2 closes it."""
    monkeypatch.setattr(pool_module, "LIFE_S", 0.01)
    async with Sink() as sink:
        connections = pool(sink.port)
        connections.keep(await connections.fresh())
        await sink.connections[0].ended.wait()
        assert connections.reuse() is None
        assert sink.commands[-1] == b"QUIT"


async def test_fresh_uses_places_in_turn():
    """An even share for each."""
    async with Sink() as one, Sink() as two:
        connections = pool(one.port, two.port)
        for connection in [await connections.fresh() for _ in range(4)]:
            connection.close()
        assert (len(one.connections), len(two.connections)) == (2, 2)


async def test_reuse_uses_places_in_turn():
    """A kept connection does not draw all that follows to its place; none is opened while one is idle."""
    async with Sink() as one, Sink() as two:
        connections = pool(one.port, two.port)
        for _ in range(6):
            connection = connections.reuse() or await connections.fresh()
            connections.keep(connection)
            assert connection.hop[1] in (one.port, two.port)
        assert (len(one.connections), len(two.connections)) == (1, 1)
        first, second = connections.reuse(), connections.reuse()
        assert {first.hop[1], second.hop[1]} == {one.port, two.port}
        assert connections.reuse() is None
        first.close()
        second.close()


async def test_keep_after_close_keeps_nothing():
    """What was under way at a reload leaves no connection behind."""
    async with Sink() as sink:
        connections = pool(sink.port)
        connection = await connections.fresh()
        connections.close()
        connections.keep(connection)
        await sink.connections[0].ended.wait()
        assert connections.reuse() is None
        assert sink.commands[-1] == b"QUIT"


async def test_fresh_skips_a_dead_place_and_says_so_once(caplog):
    """The living one takes all, until the dead one's time is over."""
    caplog.set_level(logging.INFO, "gateway.forward.pool")
    async with Sink() as one, Sink() as two:
        await one.stop()
        connections = pool(one.port, two.port)
        for _ in range(6):
            (await connections.fresh()).close()
        assert len(two.connections) == 6
        assert len(caplog.records) == 1
        assert caplog.records[0].levelno == logging.WARNING


async def test_fresh_all_dead_fails_and_recovers(caplog):
    """With no other choice a dead place is tried at once."""
    caplog.set_level(logging.INFO, "gateway.forward.pool")
    async with Sink() as sink:
        connections = pool(sink.port)
        await sink.stop()
        with pytest.raises(ConnectionFailed):
            await connections.fresh()
        await sink.start(sink.port)
        (await connections.fresh()).close()
        assert "answers again" in caplog.text


async def test_keep_busy_connection_ends_with_its_life(monkeypatch):
    """However often it is used: a process of gate 2 from before a reload must get to its end."""
    async with Sink() as sink:
        connections = pool(sink.port)
        connection = await connections.fresh()
        connections.keep(connection)
        assert connections.reuse() is connection
        monkeypatch.setattr(pool_module, "LIFE_S", 0.0)
        connections.keep(connection)
        await sink.connections[0].ended.wait()
        assert connections.reuse() is None
