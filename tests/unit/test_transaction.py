"""THE PATH, over real sockets: a client, the filter, a sink."""

import asyncio
import hashlib
import logging
import random

import pytest

import gateway.transaction
from gateway.accept.session import Limits
from gateway.check.gtube import GTUBE
from gateway.forward.connection import Timeouts
from gateway.message.policy import Policy
from gateway.trace.logs import HumanFormatter, JsonFormatter

from .hop import hop, splits
from .sink import HANG_UP, Sink
from .smuggling import HEAD, LEGAL, SMUGGLED, VARIANTS


@pytest.fixture
async def sink():
    """Give a sink."""
    async with Sink() as running:
        yield running


@pytest.fixture
def lines(caplog):
    """Give the fields of the lines written so far."""
    caplog.set_level(logging.INFO)
    return lambda: [record.fields for record in caplog.records if record.message == "transaction"]


def gate(sink, verb, answer):
    """Make the sink wait before it answers *verb*; give the events `asked` and `go_on`."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(*_):
        asked.set()
        await go_on.wait()
        return answer

    sink.replies[verb] = wait
    return asked, go_on


async def test_message_passes_with_everything_it_came_with(sink, lines):
    """Parameters, client and content verbatim; our 250 is gate 2's."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"XFORWARD NAME=mail.x.test ADDR=192.0.2.1 PORT=4711\r\nXFORWARD PROTO=ESMTP HELO=[192.0.2.1]")
        client.send(b" IDENT=4preQueueId SOURCE=REMOTE\r\n")
        client.send(b'MAIL FROM:<"a b"@x.test> size=30 BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=Ab+2Bc\r\n')
        client.send(b"RCPT TO:<B@y.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Orig@y.test\r\n")
        client.send("RCPT TO:<ü@y.test> NOTIFY=NEVER\r\nDATA\r\n".encode())
        assert [reply[:3] for reply in await client.replies(6)] == [b"250"] * 5 + [b"354"]
        client.send(b"S: \xff\0\r\n\r\n..dot\r\n.\r\n")
        assert await client.reply() == b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"
    assert sink.commands[1:] == [
        b"XFORWARD NAME=mail.x.test ADDR=192.0.2.1 PORT=4711",
        b"XFORWARD PROTO=ESMTP HELO=[192.0.2.1] IDENT=4preQueueId SOURCE=REMOTE",
        b'MAIL FROM:<"a b"@x.test> size=30 BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=Ab+2Bc',
        b"RCPT TO:<B@y.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Orig@y.test",
        "RCPT TO:<ü@y.test> NOTIFY=NEVER".encode(),
        b"DATA",
    ]
    assert sink.messages == [b"S: \xff\0\r\n\r\n..dot\r\n"]
    (line,) = lines()
    assert (line["pre"], line["post"], line["outcome"]) == (b"4preQueueId", b"4ABCdefGHI", "sent")
    assert (line["octets"], line["recipients"], line["client"]) == (15, 2, b"mail.x.test[192.0.2.1]")
    assert list(line["ms"]) == ["wait", "envelope", "content", "commit"]


async def test_null_reverse_path_passes_as_null(sink):
    """Not as `<<>>`."""
    async with hop(sink.port) as filter_:
        assert (await (await filter_.session()).deliver(b".\r\n", b"")).startswith(b"250")
    assert b"MAIL FROM:<>" in sink.commands


@pytest.mark.parametrize(
    "path",
    [
        b"=?utf-8?q?a=3e=0d=0aRCPT=20TO=3a=3cz=40evil=2eorg?=@lan.example",
        b"=?utf-8?b?YT4NClJDUFQgVE86PHpAZXZpbC5vcmc=?=@lan.example",
        b"=?utf-8?q?a=00b?=@lan.example",
        b'"\\a"@x.test',
        b'"a>b\\"c"@x.test',
        b"@r1.test,@r2.test:u@x.test",
    ],
)
async def test_paths_are_never_decoded(sink, path):
    """Same octets in MAIL and RCPT, and no second RCPT."""
    async with hop(sink.port) as filter_:
        assert (await (await filter_.session()).deliver(b".\r\n", path, path)).startswith(b"250")
    assert sink.commands[1:] == [b"MAIL FROM:<" + path + b">", b"RCPT TO:<" + path + b">", b"DATA"]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
async def test_illegal_end_of_data_leaves_one_message(sink, variant):
    """Whole, octet by octet, and across the reads of a large message."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        for head, size in ((HEAD, 1000), (HEAD, 1), (HEAD.ljust(65_533, b"x"), 8192), (b"", 3)):
            client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
            await client.replies(3)
            for data in splits(head + variant + SMUGGLED, [size]):
                client.send(data)
                await client.writer.drain()
            assert (await client.reply()).startswith(b"250")
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert len(sink.messages) == 4
    for message in sink.messages:
        assert message.endswith(b"S: smuggled\r\n\r\n2\r\n")
        assert message.count(b"\r") == message.count(b"\n") == message.count(b"\r\n")


@pytest.mark.parametrize("variant", LEGAL.values(), ids=LEGAL)
async def test_legal_end_of_data_ends_it(sink, variant):
    """What follows is commands, and DATA with content at once is out of step."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert (await client.deliver(HEAD + variant + SMUGGLED)).startswith(b"250")
        assert await client.reply() == b"421 4.5.0 Improper command pipelining\r\n"
    assert len(sink.messages) == 1


async def test_dot_then_end_of_connection_is_no_message(sink, lines):
    """Truncated mail is never taken as complete."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        client.send(b"S: 1\r\n\r\nbody\r\n.")
        client.writer.write_eof()
        assert await client.reply() == b""
        await sink.connections[0].ended.wait()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 closed the connection")


async def test_large_content_is_identical(sink):
    """8 MB of random octets, dots and line ends, against what the wire form must be."""
    rng = random.Random(25)
    block = b"".join(
        rng.choice((b"..", b"", b"\t")) + rng.randbytes(60).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"
        for _ in range(2000)
    )
    content = block.replace(b"\r\n.", b"\r\n..") * 70
    async with hop(sink.port) as filter_:
        assert (await (await filter_.session()).deliver(content + b".\r\n")).startswith(b"250")
    assert hashlib.sha256(sink.messages[0]).digest() == hashlib.sha256(content).digest()


async def test_policy_of_gate_1_decides_which_checks_run(sink):
    """Its HELO names it."""
    content = GTUBE + b"\r\n.\r\n"
    async with hop(sink.port) as filter_:
        for name, code in (
            (b"mx.test", b"250"),
            (b"default.policy.invalid", b"250"),
            (b"Strict.Policy.Invalid", b"550"),
        ):
            assert (await (await filter_.session(name)).deliver(content)).startswith(code)
    assert len(sink.messages) == 2


async def test_unknown_policy_is_deferred(sink, lines):
    """And nothing is sent to gate 2."""
    async with hop(sink.port) as filter_:
        client = await filter_.session(b"nonesuch.policy.invalid")
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        assert await client.replies(3) == [b"451 4.3.0 yard: unknown policy"] * 3
        assert await client.ask(b"RSET") == b"250 2.0.0 Ok\r\n"
        assert await client.ask(b"DATA") == b"503 5.5.1 Need MAIL command\r\n"
    assert sink.connections == []
    assert lines()[0]["outcome"] == "deferred"


@pytest.mark.parametrize(
    ("reverse_path", "reply"),
    [
        (b"a@x.test", b"550 5.7.1 Message content rejected\r\n"),
        (b"", b"451 4.7.1 Message content not accepted now\r\n"),
    ],
)
async def test_rejected_content_never_reaches_gate_2(sink, lines, reverse_path, reply):
    """No final dot; the session goes on with the next message."""
    async with hop(sink.port) as filter_:
        client = await filter_.session(b"strict.policy.invalid")
        assert await client.deliver(b"S: 1\r\n\r\n" + GTUBE + b"\r\n.\r\n", reverse_path) == reply
        await sink.connections[0].ended.wait()
        assert sink.messages == []
        assert (await client.deliver(b"S: 2\r\n\r\nok\r\n.\r\n", reverse_path)).startswith(b"250")
    assert sink.messages == [b"S: 2\r\n\r\nok\r\n"]
    assert [line["verdict"] for line in lines()] == ["defer" if reply[:1] == b"4" else "reject", "pass"]
    assert lines()[0]["findings"] == ["gtube"]


async def test_gtube_is_found_stuffed_or_split(sink):
    """Checks read content, not the wire form."""
    async with hop(sink.port, policies={"default": Policy("default", ("gtube",))}) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        for octet in b"a\r\n" + GTUBE + b"\r\n.\r\n":
            client.send(bytes([octet]))
            await client.writer.drain()
        assert (await client.reply()).startswith(b"550")


class Broken:
    """A check with a bug."""

    def __init__(self, where):
        self.where = where

    def feed(self, content):
        """Fail, or not."""
        if self.where == "feed":
            raise RuntimeError("secret\n\x1b")

    def finish(self):
        """Fail, or not."""
        if self.where == "finish":
            raise RuntimeError("secret\n\x1b")
        return []


@pytest.mark.parametrize("where", ["feed", "finish"])
async def test_bug_in_a_check_defers_that_message_only(sink, lines, monkeypatch, caplog, where):
    """451 without its text, traceback in the log, the rest of the content is no command."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        with monkeypatch.context() as patch:
            patch.setattr(gateway.transaction, "start", lambda _: [Broken(where)])
            content = b"x" * 200_000 + b"\r\nQUIT\r\n.\r\n"
            assert await client.deliver(content) == b"451 4.3.0 yard: internal error\r\n"
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert sink.messages == [b"ok\r\n"]
    assert [line["outcome"] for line in lines()] == ["deferred", "sent"]
    (bug,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert bug.exc_info is not None
    assert bug.fields == {"pre": b""}


@pytest.mark.parametrize("verb", [b"BANNER", b"EHLO", b"MAIL", b"RCPT", b"DATA", b"."])
async def test_gate_2_lost_at_any_point_defers(sink, lines, verb):
    """Every command of the group is answered 4xx, and gate 2's return heals it."""
    kept = sink.replies.pop(verb, None)
    sink.replies[verb] = HANG_UP
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n")
        replies = await client.replies(4)
        if verb == b".":
            client.send(b"x\r\n.\r\n")
            replies = [await client.reply()]
        assert all(reply.startswith(b"451 4.4.") for reply in replies)
        if verb != b".":
            late = await client.ask(b"RCPT TO:<d@y.test>")  # sent before it read the 451: no bounce for it either
            assert late.startswith(b"451 4.4.")
        del sink.replies[verb]
        if kept is not None:
            sink.replies[verb] = kept
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert lines()[0]["outcome"] == ("unknown" if verb == b"." else "deferred")
    assert lines()[1]["outcome"] == "sent"


async def test_gate_2_lost_during_content_defers(sink, lines):
    """The rest of the content is read and dropped."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        client.send(b"x" * 1000)
        sink.connections[0].transport.abort()
        await sink.connections[0].ended.wait()
        client.send(b"y" * 1_000_000 + b"\r\nQUIT\r\n.\r\n")
        assert await client.reply() == b"451 4.4.2 yard: connection to next hop lost\r\n"
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert lines()[0]["outcome"] == "deferred"


async def test_gate_2_down_defers_and_recovers(sink, lines):
    """Without a restart of ours."""
    await sink.stop()
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert await client.ask(b"MAIL FROM:<a@x.test>") == b"451 4.4.1 yard: next hop cannot be reached\r\n"
        await sink.start(sink.port)
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert [line["outcome"] for line in lines()] == ["deferred", "sent"]


async def test_gate_2_silent_after_the_dot_is_an_unknown_outcome(sink, lines):
    """After commit_timeout_s; gate 1 hears 451 and tries again."""
    asked, _ = gate(sink, b".", b"")
    async with hop(sink.port, timeouts=Timeouts(5, 5, 0.05)) as filter_:
        client = await filter_.session()
        reply = await client.deliver(b"x\r\n.\r\n")
        assert reply == b"451 4.4.2 yard: no usable reply from next hop after end of data\r\n"
        assert asked.is_set()
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("unknown", "no reply from gate 2 for 0.05 s")


async def test_gate_1_gone_after_the_dot_does_not_stop_it(sink, lines):
    """Gate 2 has the message; its answer is in the log."""
    asked, go_on = gate(sink, b".", b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n")
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(b"x\r\n.\r\n"))
        await asked.wait()
        client.writer.transport.abort()
        delivering.cancel()
        await asyncio.wait([delivering])
        go_on.set()
        await filter_.gate.drain(5)
    (line,) = lines()
    assert (line["outcome"], line["post"]) == ("sent", b"4ABCdefGHI")
    assert line["cause"] == "gate 1 closed before it had the reply"


async def test_gate_1_gone_before_the_dot_sends_none(sink, lines, monkeypatch):
    """It still has the message; gate 2 must not get a copy."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()

        class Leaving:
            def feed(self, content):
                pass

            def finish(self):
                for session in filter_.gate._sessions:
                    session.eof_received()
                return []

        monkeypatch.setattr(gateway.transaction, "start", lambda _: [Leaving()])
        assert await client.deliver(b"x\r\n.\r\n") == b""
        await sink.connections[0].ended.wait()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 closed before the verdict")


async def test_back_pressure_reaches_gate_1(sink):
    """While gate 2 takes nothing, no more is read than a few buffers hold."""
    reading = asyncio.Event()

    async def stall(received, _):
        received.transport.pause_reading()
        reading.set()
        return b"354 go\r\n"

    sink.replies[b"DATA"] = stall
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        client.writer.transport.set_write_buffer_limits(high=0)
        sent = 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    client.send(b"x" * 100_000)
                    sent += 100_000
                    await client.writer.drain()
        (session,) = filter_.gate._sessions
        assert len(session.inbox) < 1_000_000
        assert sent < 50_000_000
        client.writer.transport.abort()


async def test_connection_to_gate_2_serves_one_message_after_another(sink):
    """Over sessions as well."""
    async with hop(sink.port) as filter_:
        for _ in range(3):
            client = await filter_.session()
            for _ in range(3):
                assert (await client.deliver(b"x\r\n.\r\n")).startswith(b"250")
    assert len(sink.connections) == 1
    assert len(sink.messages) == 9


async def test_hostile_reply_of_gate_2_is_made_harmless(sink):
    """One well-formed reply, its class kept."""
    sink.replies[b"RCPT"] = b"550-no \x1b[2J\xff\r\n550 " + b"x" * 2000 + b"\r\n"
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        assert await client.ask(b"MAIL FROM:<a@x.test>") == b"250 2.1.0 Ok\r\n"
        reply = await client.ask(b"RCPT TO:<b@y.test>")
        assert reply == b"550-no ?[2J?\r\n550 " + b"x" * 506 + b"\r\n"


async def test_client_of_one_message_is_not_told_for_the_next(sink):
    """XFORWARD holds for one transaction, as at Postfix."""
    async with hop(sink.port) as filter_:
        client = await filter_.session()
        await client.ask(b"XFORWARD NAME=one.test IDENT=4one")
        await client.deliver(b"x\r\n.\r\n")
        await client.deliver(b"x\r\n.\r\n")
    told = [line for line in sink.commands if line.startswith(b"XFORWARD NAME")]
    assert b"NAME=one.test" in told[0]
    assert b"NAME=[UNAVAILABLE]" in told[1]


# -- its time


async def test_transaction_that_takes_too_long_is_deferred(sink, lines):
    """Gate 2 silent on RCPT: all is answered 4xx, also what gate 1 sends without having read that."""
    asked, _ = gate(sink, b"RCPT", b"")
    async with hop(sink.port, limit_s=0.1) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        assert await client.replies(3) == [b"451 4.4.7 yard: transaction took too long"] * 3
        assert asked.is_set()
        assert await client.ask(b"RCPT TO:<c@y.test>") == b"451 4.4.7 yard: transaction took too long\r\n"
        sink.replies[b"RCPT"] = b"250 2.1.5 Ok\r\n"
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert [(line["outcome"], line.get("cause")) for line in lines()] == [("deferred", "out of time"), ("sent", None)]


async def test_content_that_takes_too_long_is_deferred_at_its_dot(sink, lines):
    """However fast it comes: no dot goes to gate 2, and the session goes on."""
    async with hop(sink.port, limit_s=0.2) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        while not sink.connections[0].ended.is_set():
            client.send(b"x" * 70_000 + b"\r\n")
            await client.writer.drain()
            await asyncio.sleep(0.01)
        client.send(b".\r\n")
        assert await client.reply() == b"451 4.4.7 yard: transaction took too long\r\n"
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert sink.messages == []
    assert lines()[0]["outcome"] == "deferred"


async def test_what_nobody_wants_is_not_read_for_ever(sink, lines):
    """After data_timeout_s gate 1 hears 421 in the midst of it."""
    sink.replies[b"DATA"] = b"354 go\r\n"
    limits = Limits(10_000_000, 10, command_timeout_s=5, data_timeout_s=0.2)
    async with hop(sink.port, limit_s=0.1, limits=limits) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        answer = asyncio.ensure_future(client.reply())
        while not answer.done():
            client.send(b"x" * 1000 + b"\r\n")
            await asyncio.sleep(0.01)
        assert await answer == b"421 4.4.2 Timed out\r\n"
    assert sink.messages == []
    assert lines()[0]["outcome"] == "deferred"


async def test_drip_of_content_is_cut(sink, lines):
    """An octet now and then is no progress."""
    limits = Limits(10_000_000, 10, command_timeout_s=5, data_timeout_s=0.2)
    async with hop(sink.port, limits=limits) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        answer = asyncio.ensure_future(client.reply())
        while not answer.done():
            client.send(b"x")
            await asyncio.sleep(0.01)
        assert await answer == b"421 4.4.2 Timed out\r\n"
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 was silent or slow for too long")


async def test_no_limit_cuts_off_after_the_dot(sink, lines):
    """Gate 2 takes longer over its answer than the whole transaction had time."""
    asked, go_on = gate(sink, b".", b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n")
    async with hop(sink.port, limit_s=0.1) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(b"x\r\n.\r\n"))
        await asked.wait()
        await asyncio.sleep(0.2)
        go_on.set()
        assert (await delivering).startswith(b"250")
    assert lines()[0]["outcome"] == "sent"


CANARY = "CanaryOfTheContent"


class Quoting:
    """A check with a bug whose words quote content."""

    def feed(self, content):
        """Fail."""
        int(content.decode("latin-1"))

    def finish(self):
        """Find nothing."""
        return []


@pytest.mark.parametrize("formatter", [HumanFormatter(), JsonFormatter()], ids=["human", "json"])
async def test_content_reaches_no_line(sink, caplog, monkeypatch, formatter):
    """At level debug, with a bug whose exception quotes it, and with a message that is refused for it."""
    caplog.set_level(logging.DEBUG)
    content = f"S: {CANARY}\r\n\r\n{CANARY}\x1b[2J\r\n".encode() + GTUBE + b"\r\n.\r\n"
    async with hop(sink.port) as filter_:
        assert (await (await filter_.session()).deliver(content)).startswith(b"250")
        assert (await (await filter_.session(b"strict.policy.invalid")).deliver(content)).startswith(b"550")
        monkeypatch.setattr(gateway.transaction, "start", lambda _: [Quoting()])
        assert (await (await filter_.session()).deliver(content)).startswith(b"451")
    formatted = [formatter.format(record) for record in caplog.records]
    assert any("ValueError" in line for line in formatted)
    for line in formatted:
        assert CANARY not in line
        assert line.isascii()
        assert line.isprintable()
