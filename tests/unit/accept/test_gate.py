"""The accept loop: room for sessions, reluctance, drain."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from gateway.accept.gate import SPARE_SESSIONS
from gateway.message.policy import Policy

from ..hop import hop
from ..sink import Sink


@asynccontextmanager
async def at_the_dot():
    """Serve, with one message whose dot gate 2 has not answered; yield the filter, the reply to come, what lets go."""
    async with Sink() as sink, hop(sink.port) as filter_:
        asked, go_on = sink.hold(b".")
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(b"x\r\n.\r\n"))
        await asked.wait()
        yield filter_, delivering, go_on


@pytest.mark.parametrize("policies", [1, 3])
async def test_accept_no_more_sessions_than_there_is_room_for(policies):
    """
    What waits in the backlog is taken when a session ends, and is not refused.

    For each policy gate 1 may open as many sessions as there are slots; those that wait for one leave room.
    """
    named = {name: Policy(name) for name in ("default", "strict", "lax")[:policies]}
    async with Sink() as sink, hop(sink.port, max_transactions=1, policies=named) as filter_:
        room = policies + 1 + SPARE_SESSIONS
        clients = [await filter_.session() for _ in range(room)]
        waiting = await filter_.connect()
        banner = asyncio.ensure_future(waiting.reply())
        assert await clients[0].ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
        assert not banner.done()
        assert await clients[0].ask(b"QUIT") == b"221 2.0.0 Bye\r\n"
        assert await banner == b"220 localhost ESMTP\r\n"


async def test_accept_busy_worker_leaves_connections_to_an_idle_one():
    """Two on one socket: the one with its share under way is the slower to accept, yet it does."""
    with socket.create_server(("127.0.0.1", 0)) as shared:
        async with Sink() as sink, hop(sink.port, max_transactions=1, shared=shared) as busy:
            sessions = [await busy.session()]
            assert len(busy.gate._sessions) == 1
            async with hop(sink.port, max_transactions=20, shared=shared) as idle:
                sessions += [await busy.session() for _ in range(5)]
                assert (len(busy.gate._sessions), len(idle.gate._sessions)) == (1, 5)
            assert await (await busy.session()).ask(b"NOOP") == b"250 2.0.0 Ok\r\n"


async def test_transactions_beyond_the_share_wait_at_mail():
    """Nothing is refused, and an idle session holds no slot."""
    async with Sink() as sink, hop(sink.port, max_transactions=1) as filter_:
        asked, go_on = sink.hold(b".")
        one, two, _idle = [await filter_.session() for _ in range(3)]
        first = asyncio.ensure_future(one.deliver(b"1\r\n.\r\n"))
        second = asyncio.ensure_future(two.deliver(b"2\r\n.\r\n"))
        await asked.wait()
        assert len(sink.connections) == 1
        go_on.set()
        assert (await first).startswith(b"250")
        assert (await second).startswith(b"250")
    assert sorted(sink.messages) == [b"1\r\n", b"2\r\n"]


async def test_drain_finishes_what_is_under_way_and_accepts_no_more():
    """Its reply arrives; whoever connects meanwhile waits in the backlog."""
    async with at_the_dot() as (filter_, delivering, go_on):
        draining = asyncio.ensure_future(filter_.gate.drain(5))
        await asyncio.sleep(0)  # it has stopped accepting
        late = await filter_.connect()
        banner = asyncio.ensure_future(late.reply())
        go_on.set()
        assert (await delivering).startswith(b"250")
        assert await draining is True
        assert not banner.done()
        banner.cancel()


async def test_drain_cuts_off_at_its_end(caplog):
    """After the dot the outcome is unknown, and says so."""
    caplog.set_level("INFO")
    async with at_the_dot() as (filter_, delivering, _):
        assert await filter_.gate.drain(0.01) is False
        assert await delivering == b""
    (line,) = [record.fields for record in caplog.records if record.name == "gateway.transaction"]
    assert (line["outcome"], line["cause"]) == ("unknown", "cut off at the end of the drain")


async def test_accept_client_that_is_gone_again_does_no_harm():
    """RST before we accept."""
    async with Sink() as sink, hop(sink.port) as filter_:
        for _ in range(20):
            gone = socket.create_connection(("127.0.0.1", filter_.port))
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            gone.close()
        client = await filter_.session()
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"


@pytest.mark.parametrize(("peers", "banner"), [((), b"554 5.7.1 Access denied\r\n"), (("127.0.0.2",), b"220 ")])
async def test_accept_only_gate_1_and_ourselves(peers, banner):
    """Whoever else got into the network is shown out; loopback is our own address here."""
    async with Sink() as sink, hop(sink.port, peers=frozenset(peers)) as filter_:
        reader, writer = await asyncio.open_connection("127.0.0.1", filter_.port, local_addr=("127.0.0.2", 0))
        assert (await reader.readline()).startswith(banner)
        writer.close()
        assert await (await filter_.session()).ask(b"NOOP") == b"250 2.0.0 Ok\r\n"


async def test_renew_lets_the_old_end_and_takes_new_ones():
    """Idle sessions hear 421, one in a transaction after it, and the new share holds for who comes."""
    async with Sink() as sink, hop(sink.port, max_transactions=1) as filter_:
        idle = await filter_.session()
        assert (await idle.deliver(b"1\r\n.\r\n")).startswith(b"250")
        busy = await filter_.session()
        asked, go_on = sink.hold(b".")
        delivering = asyncio.ensure_future(busy.deliver(b"2\r\n.\r\n"))
        await asked.wait()
        filter_.gate.renew(10, 1, frozenset())
        assert await idle.reply() == b"421 4.3.2 Service shutting down\r\n"
        assert len([await filter_.session() for _ in range(15)]) == 15
        go_on.set()
        assert (await delivering).startswith(b"250")
        assert await busy.reply() == b"421 4.3.2 Service shutting down\r\n"
