"""One connection to gate 2."""

import asyncio
import socket

import pytest

from gateway.forward.connection import ConnectionFailed, Timeouts, connect

from ..sink import HANG_UP, Sink

TIMEOUTS = Timeouts(connect_s=5, reply_s=5, commit_s=5)
IMPATIENT = Timeouts(connect_s=0.05, reply_s=5, commit_s=5)


async def never(*_: object) -> bytes:
    """Do not answer."""
    await asyncio.Event().wait()
    return b""


async def test_connect_reads_extensions():
    """Keywords and XFORWARD attributes, in upper case."""
    async with Sink((b"PIPELINING", b"size 10", b"XFORWARD NAME ident")) as sink:
        connection = await connect("127.0.0.1", sink.port, "filter.test", TIMEOUTS)
        assert connection.extensions == {b"PIPELINING", b"SIZE", b"XFORWARD"}
        assert connection.xforward == {b"NAME", b"IDENT"}
        assert connection.usable
        connection.close()
        await sink.connections[0].ended.wait()
    assert sink.commands == [b"EHLO filter.test", b"QUIT"]


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        (b"BANNER", b"421 4.3.2 busy\r\n"),
        (b"BANNER", b"554 go away\r\n"),
        (b"BANNER", b"hello\r\n"),
        (b"BANNER", HANG_UP),
        (b"EHLO", b"502 what\r\n"),
        (b"EHLO", HANG_UP),
    ],
)
async def test_connect_bad_greeting_fails(verb, answer):
    """Whatever is not 220, then 250."""
    async with Sink() as sink:
        sink.replies[verb] = answer
        with pytest.raises(ConnectionFailed):
            await connect("127.0.0.1", sink.port, "filter.test", TIMEOUTS)


async def test_connect_silence_fails():
    """After the time given."""
    async with Sink() as sink:
        sink.replies[b"BANNER"] = never
        with pytest.raises(ConnectionFailed, match="no reply from gate 2"):
            await connect("127.0.0.1", sink.port, "filter.test", IMPATIENT)


async def test_connect_nobody_there_fails():
    """Refused, and a name that does not resolve."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed, match="cannot connect"):
        await connect("127.0.0.1", port, "filter.test", TIMEOUTS)
    with pytest.raises(ConnectionFailed, match="cannot connect"):
        await connect("no.such.host.invalid", port, "filter.test", TIMEOUTS)


async def test_write_waits_while_gate_2_takes_nothing():
    """Back-pressure, with a limit in time."""
    async with Sink() as sink:
        sink.replies[b"NOOP"] = never
        connection = await connect("127.0.0.1", sink.port, "filter.test", TIMEOUTS)
        connection.send(b"NOOP\r\n")
        with pytest.raises(ConnectionFailed, match="took nothing"):
            for _ in range(1000):
                await connection.write(b"x" * 65_536, 0.05)
        with pytest.raises(ConnectionFailed):
            connection.send(b"x")


async def test_usable_ends_when_gate_2_speaks_unasked():
    """A kept connection that says 421 is of no further use."""
    async with Sink() as sink:
        connection = await connect("127.0.0.1", sink.port, "filter.test", TIMEOUTS)
        sink.connections[0].transport.write(b"421 4.3.2 closing\r\n")
        sink.connections[0].transport.close()
        with pytest.raises(ConnectionFailed):
            await connection.reply(5)
            await connection.reply(5)
        assert not connection.usable
        assert connection.closed_by_peer
