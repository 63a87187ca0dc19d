"""
The yard, over real sockets: a client, the filter with checks that do as they are told, a sink.

Here: each verdict carried out.  In test_search_edits.py: what leaves changed, or for elsewhere.  In
test_search_failures.py and test_search_losses.py: what goes wrong, at each moment, and what is left behind.
"""

import asyncio
import random

import pytest

from gateway.check.gtube import GTUBE
from gateway.judge import Means
from gateway.message.policy import Policy
from gateway.message.verdict import Finding, Report
from gateway.search import Ahead, look_ahead

from .hop import Shelf, hop, splits
from .yard import FOUND, finds, policies, told

WIRE = b"S: 1\r\n\r\n..dot\r\nbody\r\n"  # as it goes over the wire
CONTENT = b"S: 1\r\n\r\n.dot\r\nbody\r\n"


async def test_message_that_nothing_is_found_in_passes_unchanged(sink, lines):
    """P3, whole or cut anywhere; our 250 is gate 2's."""
    async with hop(sink.port, policies=policies("hold"), checks=told(finds())) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n") == b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await client.replies(3)
        for octet in splits(WIRE + b".\r\n", [1]):
            client.send(octet)
            await client.writer.drain()
        assert (await client.reply()).startswith(b"250")
    assert sink.messages == [WIRE, WIRE]
    line, _ = lines()
    assert (line["verdict"], line["outcome"], line["post"]) == ("pass", "sent", b"4ABCdefGHI")
    assert list(line["ms"]) == ["wait", "envelope", "content", "checks", "write", "commit"]
    assert "findings" not in line


@pytest.mark.parametrize("octets", [0, 2, 1_048_574, 1_048_576, 1_048_578, 3_000_000])
async def test_message_of_any_size_passes_unchanged(sink, octets):
    """Empty, and on either side of what is kept in memory; dots and line ends at random."""
    rng = random.Random(octets)
    content = b"".join(rng.choice((b".", b"..", b"\r\n", b"x" * 99)) for _ in range(octets // 8))[: max(0, octets - 2)]
    content = content.rstrip(b"\r\n").ljust(max(0, octets - 2), b"y") + b"\r\n" if octets else b""
    assert len(content) == octets
    wire = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    async with hop(sink.port, policies=policies("hold"), checks=told(finds())) as filter_:
        assert (await (await filter_.session()).deliver(wire + b".\r\n")).startswith(b"250")
    assert sink.messages == [wire]


async def test_checks_see_the_content_without_stuffing(sink):
    """And envelope, client, policy and direction."""
    seen = []

    async def examine(mail):
        seen.append(mail)
        return Report()

    async with hop(sink.port, policies=policies("hold"), checks=told(examine), inside=["192.0.2.0/24"]) as filter_:
        client = await filter_.session()
        await client.ask(b"XFORWARD ADDR=192.0.2.1 IDENT=4pre")
        await client.deliver(WIRE + b".\r\n")
    (mail,) = seen
    assert mail.content == CONTENT
    assert (mail.inside, mail.policy, mail.client.queue_id_pre) == (True, "default", b"4pre")
    assert [recipient.path for recipient in mail.envelope.recipients] == [b"b@y.test"]


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        (b"192.0.2.1", True),
        (b"IPv6:2001:db8::1", True),
        (b"198.51.100.1", False),
        (b"[UNAVAILABLE]", False),
        (b"IPv6:::ffff:192.0.2.1", False),
    ],
)
async def test_direction_is_that_of_the_client(sink, address, inside):
    """Not of an address in the message; what is not told is outside."""
    async with hop(
        sink.port, policies=policies("discard"), checks=told(finds(FOUND)), inside=["192.0.2.0/24", "2001:db8::/32"]
    ) as filter_:
        client = await filter_.session()
        await client.ask(b"XFORWARD ADDR=" + address)
        reply = await client.deliver(WIRE + b".\r\n")
    assert reply[:3] == (b"550" if inside else b"250")
    assert sink.messages == []


async def test_reject_is_answered_at_the_dot(sink, lines):
    """Gate 2 gets no dot; the session goes on."""
    async with hop(sink.port, policies=policies("reject"), checks=told(finds(FOUND))) as filter_:
        client = await filter_.session()
        for _ in range(2):
            assert await client.deliver(WIRE + b".\r\n") == b"550 5.7.1 Message content rejected\r\n"
        await sink.left()
    assert sink.messages == []
    assert [received.partial for received in sink.connections] == [b"", b""]
    assert (lines()[0]["verdict"], lines()[0]["outcome"]) == ("reject", "rejected")
    assert lines()[0]["findings"] == ["told.found"]


async def test_reject_of_the_null_reverse_path_holds(sink, tmp_path):
    """As there is nobody to tell."""
    shelf = Shelf(tmp_path)
    async with hop(sink.port, policies=policies("reject"), checks=told(finds(FOUND)), quarantine=shelf) as filter_:
        assert await (await filter_.session()).deliver(WIRE + b".\r\n", b"") == b"250 2.0.0 Held as 1\r\n"
    assert shelf.content(1) == CONTENT


async def test_defer_is_answered_at_the_dot(sink, lines):
    """Gate 1 tries again."""
    async with hop(sink.port, policies=policies("defer"), checks=told(finds(FOUND))) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
        assert reply == b"451 4.7.1 Message content not accepted now\r\n"
    assert sink.messages == []
    assert (lines()[0]["verdict"], lines()[0]["outcome"]) == ("defer", "deferred")


async def test_discard_is_250_and_nobody_gets_it(sink, lines):
    """Logged, with what was found."""
    async with hop(sink.port, policies=policies("discard"), checks=told(finds(FOUND))) as filter_:
        assert await (await filter_.session()).deliver(WIRE + b".\r\n") == b"250 2.0.0 Discarded\r\n"
        await sink.left()
    assert sink.messages == []
    (line,) = lines()
    assert (line["verdict"], line["outcome"], line["post"], line["findings"]) == (
        "discard",
        "sent",
        b"",
        ["told.found"],
    )


async def test_hold_keeps_the_message_and_answers_250(sink, lines, tmp_path):
    """On disk before the 250; gate 2 gets nothing."""
    shelf = Shelf(tmp_path)
    async with hop(sink.port, policies=policies("hold"), checks=told(finds(FOUND)), quarantine=shelf) as filter_:
        assert await (await filter_.session()).deliver(WIRE + b".\r\n") == b"250 2.0.0 Held as 1\r\n"
        await sink.left()
    assert sink.messages == []
    assert shelf.content(1) == CONTENT
    assert shelf.held[0].findings == (FOUND,)
    (line,) = lines()
    assert (line["verdict"], line["outcome"], line["reply"]) == ("hold", "sent", b"250 2.0.0 Held as 1")


async def test_hold_keeps_what_an_editing_check_left(sink, tmp_path):
    """It is what the other checks have seen, and so what may be released."""
    shelf = Shelf(tmp_path)
    checks = told(finds(FOUND, content=b"S: 2\r\n\r\nclean\r\n"), edits=True)
    async with hop(sink.port, policies=policies("hold"), checks=checks, quarantine=shelf) as filter_:
        await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert shelf.content(1) == b"S: 2\r\n\r\nclean\r\n"


async def test_gate_2_refuses_what_was_searched(sink, lines):
    """Its own word on the dot is the answer; the next message goes on another connection."""
    sink.replies[b"."] = b"552 5.3.4 too big\r\n"
    async with hop(sink.port, policies=policies("hold"), checks=told(finds())) as filter_:
        assert await (await filter_.session()).deliver(WIRE + b".\r\n") == b"552 5.3.4 too big\r\n"
    assert lines()[0]["outcome"] == "rejected"


async def test_messages_are_searched_side_by_side(sink):
    """A check that waits for all five transactions to be there gets them all: nothing serialises."""
    there, count = asyncio.Event(), 0

    async def examine(_):
        nonlocal count
        count += 1
        if count == 5:
            there.set()
        await there.wait()
        return Report()

    async with hop(sink.port, policies=policies("hold"), checks=told(examine)) as filter_:
        clients = [await filter_.session() for _ in range(5)]
        replies = await asyncio.gather(*(client.deliver(WIRE + b".\r\n") for client in clients))
    assert {reply[:3] for reply in replies} == {b"250"}


async def test_gtube_goes_the_whole_way(sink, tmp_path):
    """A real check from stuffed octets to the quarantine."""
    shelf = Shelf(tmp_path)
    async with hop(sink.port, quarantine=shelf) as filter_:
        client = await filter_.session(b"strict.policy.invalid")
        assert (await client.deliver(b"S: 1\r\n\r\n" + GTUBE + b"\r\n.\r\n")).startswith(b"250 2.0.0 Held")
    assert shelf.held[0].findings == (Finding("gtube", "gtube"),)


@pytest.mark.parametrize(("checks", "whole"), [((), False), (("gtube",), True)])
async def test_policy_that_looks_at_nothing_keeps_nothing(checks, whole):
    """It costs neither memory nor time: nothing is read ahead where nothing is to be found."""
    assert await look_ahead(None, Means(None, 1, {}), Policy("x", checks)) == Ahead(whole, ())
