"""THE PATH, over real sockets: policies, what checks find, and checks that fail."""

import logging

import pytest

from gateway.check.gtube import GTUBE
from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Finding, Outcome, Report
from gateway.trace.logs import HumanFormatter, JsonFormatter

from .hop import CHECKS, check, hop

DISCARD = Judgement(Outcome(Action.DISCARD))
INSIDE = ("192.0.2.0/24",)


async def test_policy_of_gate_1_decides_which_checks_run(sink):
    """Its HELO names it."""
    content = GTUBE + b"\r\n.\r\n"
    async with hop(sink.port, inside=INSIDE) as filter_:
        for name, code in (
            (b"mx.test", b"250"),
            (b"default.policy.invalid", b"250"),
            (b"Strict.Policy.Invalid", b"550"),
        ):
            client = await filter_.session(name)
            await client.ask(b"XFORWARD ADDR=192.0.2.1")
            assert (await client.deliver(content)).startswith(code)
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


async def test_rejected_content_never_reaches_gate_2(sink, lines):
    """No final dot; the session goes on with the next message."""
    async with hop(sink.port, inside=INSIDE) as filter_:
        client = await filter_.session(b"strict.policy.invalid")
        await client.ask(b"XFORWARD ADDR=192.0.2.1")
        reply = await client.deliver(b"S: 1\r\n\r\n" + GTUBE + b"\r\n.\r\n")
        assert reply == b"550 5.7.1 Message content rejected\r\n"
        await sink.connections[0].ended.wait()
        assert sink.messages == []
        assert (await client.deliver(b"S: 2\r\n\r\nok\r\n.\r\n")).startswith(b"250")
    assert sink.messages == [b"S: 2\r\n\r\nok\r\n"]
    assert [line["verdict"] for line in lines()] == ["reject", "pass"]
    assert lines()[0]["findings"] == ["gtube.gtube"]


async def test_gtube_is_found_stuffed_or_split(sink):
    """Checks read content, not the wire form."""
    async with hop(sink.port, policies={"default": Policy("default", ("gtube",), DISCARD)}) as filter_:
        client = await filter_.session()
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        for octet in b"a\r\n" + GTUBE + b"\r\n.\r\n":
            client.send(bytes([octet]))
            await client.writer.drain()
        assert await client.reply() == b"250 2.0.0 Discarded\r\n"


async def test_bug_in_a_check_defers_that_message_only(sink, lines, caplog):
    """451 without its text, traceback in the log, the rest of the content is no command."""
    broken = True

    async def breaks(_):
        if broken:
            raise RuntimeError("secret\n\x1b")
        return Report()

    policies = {"default": Policy("default", ("breaks",))}
    async with hop(sink.port, policies=policies, checks={"breaks": check("breaks", breaks)}) as filter_:
        client = await filter_.session()
        content = b"x" * 200_000 + b"\r\nQUIT\r\n.\r\n"
        assert await client.deliver(content) == b"451 4.7.1 Message content cannot be checked now\r\n"
        broken = False
        assert (await client.deliver(b"ok\r\n.\r\n")).startswith(b"250")
    assert sink.messages == [b"ok\r\n"]
    assert [(line["verdict"], line["outcome"]) for line in lines()] == [("defer", "deferred"), ("pass", "sent")]
    assert lines()[0]["findings"] == ["breaks.error"]
    (bug,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert bug.exc_info is not None
    assert bug.fields == {"pre": b""}


CANARY = "CanaryOfTheContent"


@pytest.mark.parametrize("formatter", [HumanFormatter(), JsonFormatter()], ids=["human", "json"])
async def test_content_reaches_no_line(sink, caplog, formatter):
    """At level debug, with a bug whose exception quotes it, and with a message that is refused for it."""
    caplog.set_level(logging.DEBUG)
    content = f"S: {CANARY}\r\n\r\n{CANARY}\x1b[2J\r\n".encode() + GTUBE + b"\r\n.\r\n"

    async def quotes(mail):
        int(mail.content.decode("latin-1"))

    async def found(mail):
        return Report([Finding("found", "x", mail.content.decode("latin-1"))])

    checks = CHECKS | {"quotes": check("quotes", quotes), "found": check("found", found)}
    policies = {name: Policy(name, (name,), DISCARD) for name in ("gtube", "quotes", "found")}
    policies["default"] = Policy("default")
    async with hop(sink.port, policies=policies, checks=checks) as filter_:
        for name, code in ((b"default", b"250"), (b"gtube", b"250"), (b"found", b"250"), (b"quotes", b"451")):
            client = await filter_.session(name + b".policy.invalid")
            assert (await client.deliver(content)).startswith(code)
    formatted = [formatter.format(record) for record in caplog.records]
    assert any("ValueError" in line for line in formatted)
    for line in formatted:
        assert CANARY not in line
        assert line.isascii()
        assert line.isprintable()
