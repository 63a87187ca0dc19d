"""The dialogue with gate 1, outside of transactions."""

import asyncio

import pytest

from gateway.accept import session as session_module
from gateway.accept.inbox import MAX_COMMAND
from gateway.accept.session import MAX_ERRORS, Limits

from ..hop import hop
from ..sink import Sink


@pytest.fixture
async def sink():
    """Give a sink."""
    async with Sink() as running:
        yield running


async def test_ehlo_lists_what_is_passed_on(sink):
    """No CHUNKING, HELP, AUTH or STARTTLS."""
    async with hop(sink.port) as filter_:
        client = await filter_.connect()
        assert await client.reply() == b"220 localhost ESMTP\r\n"
        assert (await client.ask(b"EHLO mx.test")).split(b"\r\n") == [
            b"250-localhost",
            b"250-PIPELINING",
            b"250-SIZE 10000000",
            b"250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
            b"250-ENHANCEDSTATUSCODES",
            b"250-8BITMIME",
            b"250-DSN",
            b"250 SMTPUTF8",
            b"",
        ]
        assert await client.ask(b"HELO mx.test") == b"250 localhost\r\n"


async def test_xforward_stranger_is_refused(sink):
    """Only gate 1 may say who its client is."""
    async with hop(sink.port, xforward_allowed=False) as filter_:
        client = await filter_.connect()
        await client.reply()
        assert b"XFORWARD" not in await client.ask(b"EHLO mx.test")
        assert await client.ask(b"XFORWARD NAME=x") == b"550 5.7.0 Insufficient authorization\r\n"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"NOOP", b"250 2.0.0 Ok"),
        (b"noop", b"250 2.0.0 Ok"),
        (b"RSET", b"250 2.0.0 Ok"),
        (b"VRFY postmaster", b"502 5.5.1 Command not implemented"),
        (b"EXPN all", b"502 5.5.1 Command not implemented"),
        (b"ETRN x", b"502 5.5.1 Command not implemented"),
        (b"TURN", b"502 5.5.1 Command not implemented"),
        (b"HELP", b"502 5.5.1 Command not implemented"),
        (b"AUTH PLAIN AAAA", b"502 5.5.1 Command not implemented"),
        (b"NONESUCH", b"500 5.5.2 Command not recognized"),
        (b"", b"500 5.5.2 Command not recognized"),
        (b"DATA", b"503 5.5.1 Need MAIL command"),
        (b"RCPT TO:<b@y.test>", b"503 5.5.1 Need MAIL command"),
        (b"EHLO", b"501 5.5.4 Hostname expected"),
        (b"XFORWARD", b"501 5.5.4 Syntax: XFORWARD attribute=value..."),
        (b"XFORWARD LOGIN=x", b"501 5.5.4 Bad XFORWARD attribute"),
        (b"MAIL", b"501 5.5.4 Syntax: FROM:<address>"),
        (b"MAIL FROM:a@x.test", b"501 5.1.7 Bad address syntax"),
        (b"MAIL FROM:<a@x.test> SIZE=10000001", b"552 5.3.4 Message size exceeds fixed limit"),
        (b"MAIL FROM:<s@x>\rRCPT TO:<z@evil>", b"501 5.5.2 Control character in command"),
        (b"MAIL FROM:<a\0b@x>", b"501 5.5.2 Control character in command"),
        (b"EHLO a\0b", b"501 5.5.2 Control character in command"),
        (b"\xff\xfe\xfd", b"500 5.5.2 Command not recognized"),
        (b"MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>", b"500 5.5.2 Line too long, or not ended by CRLF"),
        (b"x" * MAX_COMMAND, b"500 5.5.2 Line too long, or not ended by CRLF"),
        (b"\0" * 100_000, b"500 5.5.2 Line too long, or not ended by CRLF"),
        (b"EHLO " + b"x" * 2000, b"250-localhost"),
        (b"EHLO [IPv6:::1]", b"250-localhost"),
        (b"EHLO $(id)%s\xc3\xbc", b"250-localhost"),
    ],
)
async def test_command_outside_a_transaction_is_answered(sink, line, reply):
    """One reply each, and the session goes on."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        answer = await client.ask(line)
        assert answer.split(b"\r\n")[0] == reply
        if b"\n" in line:
            await client.reply()  # what followed the lone LF is a line of its own
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
        assert await client.ask(b"QUIT") == b"221 2.0.0 Bye\r\n"
        assert await client.reply() == b""
    assert sink.connections == []


async def test_mail_before_ehlo_is_refused(sink):
    """503."""
    async with hop(sink.port) as filter_:
        client = await filter_.connect()
        await client.reply()
        assert await client.ask(b"MAIL FROM:<a@x.test>") == b"503 5.5.1 Send EHLO first\r\n"


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"CONNECT x:25", b"BDAT 10 LAST", b"STARTTLS"])
async def test_command_of_another_protocol_closes(sink, line):
    """What follows is not read as commands."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(line + b"\r\nMAIL FROM:<a@x.test>\r\n")
        assert await client.reply() == b"502 5.5.1 Command not implemented\r\n"
        assert await client.reply() == b""


async def test_errors_too_many_close(sink):
    """A stranger's octets are not read for ever."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"\x16\x03\x01\r\n" * 100)
        replies = await client.replies(MAX_ERRORS + 1)
        assert replies[-1] == b"421 4.7.0 Too many errors"
        assert await client.reply() == b""


async def test_silence_closes_with_421(sink):
    """After command_timeout_s."""
    limits = Limits(1000, 10, command_timeout_s=0.05, data_timeout_s=5)
    async with hop(sink.port, limits=limits) as filter_:
        client = await filter_.session()
        assert await client.reply() == b"421 4.4.2 Timed out\r\n"
        assert await client.reply() == b""


async def test_pipelined_commands_are_answered_in_turn(sink):
    """In one segment and octet by octet."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        commands = b"NOOP\r\nVRFY x\r\nRSET\r\nQUIT\r\n"
        client.send(commands)
        answers = await client.replies(4)
        assert [answer[:3] for answer in answers] == [b"250", b"502", b"250", b"221"]
        client = await filter_.session()
        for octet in commands:
            client.send(bytes([octet]))
            await client.writer.drain()
        assert await client.replies(4) == answers


async def test_half_close_after_quit_is_answered(sink):
    """Our side stays open until all is said."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"NOOP\r\nQUIT\r\n")
        client.writer.write_eof()
        assert await client.replies(2) == [b"250 2.0.0 Ok", b"221 2.0.0 Bye"]


async def test_bug_in_a_session_is_answered_421(sink, monkeypatch, caplog):
    """Never 500, never its text."""

    def broken(_):
        raise RuntimeError("secret")

    async with hop(sink.port) as filter_:
        client = await filter_.session()
        monkeypatch.setattr(session_module, "split_command", broken)
        assert await client.ask(b"NOOP") == b"421 4.3.0 yard: internal error\r\n"
        assert await client.reply() == b""
    assert "secret" in caplog.text


async def test_replies_never_read_end_the_session(sink):
    """Memory is bounded in this direction too."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.writer.transport.pause_reading()
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                client.send(b"EHLO mx.test\r\n" * 100)
                await client.writer.drain()


async def test_drain_idle_session_gets_421(sink):
    """Once it has had its transaction."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert (await client.deliver(b".\r\n")).startswith(b"250")
        draining = asyncio.ensure_future(filter_.gate.drain(5))
        assert await client.reply() == b"421 4.3.2 Service shutting down\r\n"
        assert await client.reply() == b""
        assert await draining is True


async def test_drain_promised_transaction_is_carried(sink):
    """A fresh session, and one whose RSET was answered, would be deferred by Postfix."""
    async with hop(sink.port) as filter_:
        fresh, probed, silent = [await filter_.session() for _ in range(3)]
        assert (await probed.deliver(b".\r\n")).startswith(b"250")
        assert (await silent.deliver(b".\r\n")).startswith(b"250")
        assert await probed.ask(b"RSET") == b"250 2.0.0 Ok\r\n"
        draining = asyncio.ensure_future(filter_.gate.drain(5))
        assert await silent.reply() == b"421 4.3.2 Service shutting down\r\n"
        for client in (fresh, probed):
            assert (await client.deliver(b".\r\n")).startswith(b"250")
            assert await client.reply() == b"421 4.3.2 Service shutting down\r\n"
        assert await draining is True
    assert len(sink.messages) == 4


async def test_drain_rset_probe_is_refused(sink):
    """So that Postfix takes a fresh connection instead."""
    gate2_asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*_):
        gate2_asked.set()
        await go_on.wait()
        return b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"

    sink.replies[b"."] = slow
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(b"x\r\n.\r\nRSET\r\n"))
        await gate2_asked.wait()
        draining = asyncio.ensure_future(filter_.gate.drain(5))
        await asyncio.sleep(0)
        go_on.set()
        assert (await delivering).startswith(b"250 2.0.0")
        assert await client.reply() == b"421 4.3.2 Service shutting down\r\n"
        assert await draining is True


async def test_drain_promise_is_not_kept_for_ever(sink, monkeypatch):
    """A silent fresh session is closed after a while."""
    monkeypatch.setattr(session_module, "PATIENCE_S", 0.01)
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert await filter_.gate.drain(5) is True
        assert await client.reply() == b"421 4.3.2 Service shutting down\r\n"
