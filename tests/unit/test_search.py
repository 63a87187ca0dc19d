"""
The yard, over real sockets: a client, the filter with checks that do as they are told, a sink.

Here: each verdict carried out.  In test_search_failures.py: what goes wrong, at each moment, and what is left behind.
"""

import asyncio
import random

import pytest

from gateway.check.gtube import GTUBE
from gateway.judge import Means
from gateway.message.edit import Splice
from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Finding, Outcome, Report
from gateway.search import Ahead, look_ahead

from .hop import Shelf, check, hop, splits
from .sink import Sink

WIRE = b"S: 1\r\n\r\n..dot\r\nbody\r\n"  # as it goes over the wire
CONTENT = b"S: 1\r\n\r\n.dot\r\nbody\r\n"


def finds(*findings, splices=(), content=None):
    """Make a check that reports."""

    async def examine(_):
        return Report(findings, splices, content)

    return examine


def policies(outside, inside="reject", **more):
    """Make the one policy there is, with one check named "told"."""
    found = [Outcome(Action(word.partition(":")[0]), word.partition(":")[2]) for word in (outside, inside)]
    return {"default": Policy("default", ("told",), *map(Judgement, found), **more)}


def told(examine, **more):
    """Make the configured checks: "told" does *examine*."""
    return {"told": check("told", examine, **more)}


FOUND = Finding("told", "found", "a detail")


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


async def test_tag_passes_with_the_policys_fields(sink):
    """And without copies that came; every other octet as it was."""
    tagging = policies("tag", tag_fields=(("X-Spam", "yes"),), subject_prefix="[SPAM]")
    async with hop(sink.port, policies=tagging, checks=told(finds(FOUND))) as filter_:
        client = await filter_.session()
        wire = b"X-Spam: no\r\nSubject: s\r\nA: b\r\n\r\n..dot\r\n\xff\0\r\n.\r\n"
        assert (await client.deliver(wire)).startswith(b"250 2.0.0 Ok: queued")
    assert sink.messages == [b"Subject: [SPAM] s\r\nA: b\r\nX-Spam: yes\r\n\r\n..dot\r\n\xff\0\r\n"]


async def test_tag_of_a_large_message_is_the_same(sink):
    """From the file."""
    tagging = policies("tag", tag_fields=(("X-Spam", "yes"),))
    body = b"..dot\r\n" * 300_000
    async with hop(sink.port, policies=tagging, checks=told(finds(FOUND))) as filter_:
        assert (await (await filter_.session()).deliver(b"A: b\r\n\r\n" + body + b".\r\n")).startswith(b"250")
    assert sink.messages == [b"A: b\r\nX-Spam: yes\r\n\r\n" + body]


async def test_pass_with_splices_of_a_check_makes_them(sink):
    """Such as Authentication-Results, whatever is found."""
    checks = told(finds(splices=[Splice(6, 6, b"X-Told: yes\r\n"), Splice(0, 1, b"T")]))
    async with hop(sink.port, policies=policies("hold"), checks=checks) as filter_:
        await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert sink.messages == [b"T: 1\r\nX-Told: yes\r\n\r\n..dot\r\nbody\r\n"]


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"S: 2\r\n\r\nclean", b"S: 2\r\n\r\nclean\r\n"),
        (b"S: 2\r\n\r\n.", b"S: 2\r\n\r\n..\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"", b""),
    ],
)
async def test_edited_content_ends_its_last_line(sink, content, wire):
    """And is stuffed, so that nothing in it ends the data."""
    async with hop(sink.port, policies=policies("hold"), checks=told(finds(content=content), edits=True)) as filter_:
        client = await filter_.session()
        assert (await client.deliver(WIRE + b".\r\n")).startswith(b"250")
        assert (await client.deliver(WIRE + b".\r\n")).startswith(b"250")
    assert sink.messages == [wire, wire]


async def test_content_without_a_last_line_end_after_edits_gets_one(sink):
    """A splice may remove it."""
    end = len(CONTENT)
    async with hop(
        sink.port, policies=policies("hold"), checks=told(finds(splices=[Splice(end - 2, end, b"")]))
    ) as filter_:
        assert (await (await filter_.session()).deliver(WIRE + b".\r\n")).startswith(b"250")
    assert sink.messages == [WIRE]


async def test_redirect_to_an_address(sink, lines):
    """One transaction of our own, to it alone; the first is dropped without a dot."""
    async with hop(sink.port, policies=policies("redirect:abuse@z.test"), checks=told(finds(FOUND))) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n", b"a@x.test", b"b@y.test", b"c@y.test") == (
            b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"
        )
    first, second = sink.connections
    assert first.messages == []
    assert second.commands[1:] == [b"MAIL FROM:<a@x.test>", b"RCPT TO:<abuse@z.test>", b"DATA"]
    assert second.messages == [WIRE]
    assert (lines()[0]["verdict"], lines()[0]["outcome"]) == ("redirect", "sent")


async def test_redirect_through_another_door(sink, lines):
    """All recipients, to the next hop behind it; its reply is ours."""
    async with Sink() as behind:
        behind.replies[b"."] = b"250 2.0.0 Ok: queued as 4BEHINDxyz\r\n"
        async with hop(
            sink.port,
            policies=policies("redirect:[192.0.2.7]:25"),
            checks=told(finds(FOUND)),
            doors={"[192.0.2.7]:25": behind.port},
        ) as filter_:
            client = await filter_.session()
            reply = await client.deliver(WIRE + b".\r\n", b"a@x.test", b"b@y.test", b"c@y.test")
            assert reply == b"250 2.0.0 Ok: queued as 4BEHINDxyz\r\n"
        assert behind.messages == [WIRE]
        assert behind.commands[1:] == [b"MAIL FROM:<a@x.test>", b"RCPT TO:<b@y.test>", b"RCPT TO:<c@y.test>", b"DATA"]
    assert sink.messages == []
    assert lines()[0]["post"] == b"4BEHINDxyz"


async def test_redirect_to_refused_recipients_sends_to_those_gate_2_took(sink):
    """What gate 1 was told of each stands."""

    async def refuse(_, line):
        return b"550 5.1.1 no\r\n" if b"c@y" in line else b"250 2.1.5 Ok\r\n"

    sink.replies[b"RCPT"] = refuse
    async with Sink() as behind:
        async with hop(
            sink.port,
            policies=policies("redirect:[::1]:25"),
            checks=told(finds(FOUND)),
            doors={"[::1]:25": behind.port},
        ) as filter_:
            client = await filter_.session()
            client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n")
            assert [reply[:3] for reply in await client.replies(4)] == [b"250", b"250", b"550", b"354"]
            client.send(WIRE + b".\r\n")
            assert (await client.reply()).startswith(b"250")
        assert [line for line in behind.commands if line.startswith(b"RCPT")] == [b"RCPT TO:<b@y.test>"]


async def test_redirect_and_tag_together(sink):
    """Each finding's wish that does not contradict the worst."""
    policy = Policy(
        "default",
        ("told",),
        Judgement(Outcome(Action.TAG), {"told.away": Outcome(Action.REDIRECT, "abuse@z.test")}),
        tag_fields=(("X-Spam", "yes"),),
    )
    async with hop(
        sink.port, policies={"default": policy}, checks=told(finds(FOUND, Finding("told", "away")))
    ) as filter_:
        await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert sink.messages == [b"S: 1\r\nX-Spam: yes\r\n\r\n..dot\r\nbody\r\n"]


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
