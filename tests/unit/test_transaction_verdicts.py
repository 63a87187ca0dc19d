"""THE PATH, over real sockets: policies, what checks find, and checks that fail."""

import logging

import pytest

import gateway.transaction
from gateway.check.gtube import GTUBE
from gateway.message.policy import Policy
from gateway.trace.logs import HumanFormatter, JsonFormatter

from .hop import hop


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
