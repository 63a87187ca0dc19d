"""The yard, over real sockets: what leaves when a policy has it changed, or sent elsewhere."""

import pytest

from gateway.message.edit import Splice
from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Finding, Outcome

from .hop import Shelf, hop
from .sink import Sink
from .yard import FOUND, finds, policies, told

WIRE = b"S: 1\r\n\r\n..dot\r\nbody\r\n"  # as it goes over the wire
CONTENT = b"S: 1\r\n\r\n.dot\r\nbody\r\n"


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


async def test_held_message_is_kept_with_its_edits(sink, tmp_path):
    """What a check wants changed and the tags of a milder finding, to be made on release; the content is as it came."""
    shelf = Shelf(tmp_path)
    checks = told(finds(FOUND, Finding("told", "odd"), splices=[Splice(0, 6, b"")]))
    judgement = Judgement(Outcome(Action.HOLD), {"told.odd": Outcome(Action.TAG)})
    held = {"default": Policy("default", ("told",), judgement, tag_fields=(("X-Spam", "yes"),))}
    async with hop(sink.port, policies=held, checks=checks, quarantine=shelf) as filter_:
        await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert shelf.content(1) == CONTENT
    assert shelf.edits == [Splice(0, 6, b""), Splice(6, 6, b"X-Spam: yes\r\n")]
