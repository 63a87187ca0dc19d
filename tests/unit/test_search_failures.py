"""The yard, over real sockets: what goes wrong, at each moment, and that nothing of it is left behind."""

import asyncio
import resource
import signal
import tempfile
import threading

import pytest

from gateway.accept.session import Limits
from gateway.check.base import LARGE, CheckFailed, Inspection
from gateway.check.registry import Configured
from gateway.message.edit import Splice
from gateway.message.failure import Deferral
from gateway.message.policy import Judgement, Policy
from gateway.message.reply import own_fault
from gateway.message.verdict import Action, Finding, Outcome, Report

from . import descriptors
from .hop import CHECKS, Shelf, check, hop, until
from .sink import HANG_UP

WIRE = b"S: 1\r\n\r\nbody\r\n"
FOUND = Finding("told", "found")
COMMANDS = b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n"


def policy(outside="hold", **more):
    """Make the one policy there is."""
    action, _, target = outside.partition(":")
    return {"default": Policy("default", ("told",), Judgement(Outcome(Action(action), target)), **more)}


def told(examine, **more):
    """Make the configured check."""
    return {"told": check("told", examine, **more)}


async def fails(_):
    """Be a scanner that is down."""
    raise CheckFailed("connection refused")


async def breaks(_):
    """Have a bug."""
    raise RuntimeError("bug")


async def hangs(_):
    """Be a scanner that never answers."""
    await asyncio.Event().wait()


async def finds(_):
    """Find something."""
    return Report([FOUND])


async def nothing(_):
    """Find nothing."""
    return Report()


@pytest.mark.parametrize("examine", [fails, breaks, hangs])
@pytest.mark.parametrize("on_error", [None, Action.DEFER, Action.PASS, Action.HOLD])
async def test_check_that_cannot_do_its_work_follows_on_error(sink, lines, tmp_path, examine, on_error):
    """Down, broken or silent is the same; deferred unless the settings say otherwise."""
    policies = policy("reject", on_error={"told": on_error} if on_error else {})
    shelf, checks = Shelf(tmp_path), told(examine, timeout_s=0.05)
    async with hop(sink.port, policies=policies, checks=checks, quarantine=shelf) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert reply == {
        Action.PASS: b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n",
        Action.HOLD: b"250 2.0.0 Held as 1\r\n",
    }.get(on_error, b"451 4.7.1 Message content cannot be checked now\r\n")
    assert sink.messages == ([WIRE] if on_error is Action.PASS else [])
    assert len(shelf.held) == (on_error is Action.HOLD)
    assert (lines()[0]["verdict"], lines()[0]["findings"]) == (str(on_error or "defer"), ["told.error"])


async def test_check_in_a_thread_that_runs_out_of_time_costs_its_message_only(sink):
    """The thread goes on for a while, on a content that is not there any more."""
    go_on, ended = threading.Event(), threading.Event()

    class Slow(Inspection):
        def look(self, mail):
            go_on.wait(20)
            try:
                mail.content.find(b"x")
            finally:
                ended.set()
            return Report()

    checks = {"told": Configured("told", Slow(), 0.05)}
    content = b"x" * 70 + b"\r\n"
    async with hop(sink.port, policies=policy(), checks=checks) as filter_:
        reply = await (await filter_.session()).deliver(content * 20_000 + b".\r\n")
        assert reply == b"451 4.7.1 Message content cannot be checked now\r\n"
        go_on.set()
        assert await asyncio.to_thread(ended.wait, 20)
    assert sink.messages == []


async def test_transaction_out_of_time_ends_its_checks(sink, lines):
    """451, no dot, and none of them is left."""
    cancelled = asyncio.Event()

    async def examine(_):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with hop(sink.port, policies=policy(), checks=told(examine), limit_s=0.1) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n") == b"451 4.4.7 yard: transaction took too long\r\n"
        assert cancelled.is_set()
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
        await sink.left()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("deferred", "out of time")


async def test_drain_that_ends_cuts_the_checks_off(sink, lines):
    """Gate 1 still has the message."""
    started = asyncio.Event()

    async def examine(_):
        started.set()
        await asyncio.Event().wait()

    async with hop(sink.port, policies=policy(), checks=told(examine)) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(WIRE + b".\r\n"))
        await started.wait()
        assert await filter_.gate.drain(0.05) is False
        assert await delivering == b""
        await sink.left()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "cut off at the end of the drain")


# -- gate 1 leaves


async def test_gate_1_leaves_during_the_content(sink, lines):
    """What was kept of it is gone."""
    async with hop(sink.port, policies=policy(), checks=told(nothing)) as filter_:
        client = await filter_.session()
        client.send(COMMANDS)
        await client.replies(3)
        client.send(b"x" * 2_000_000 + b"\r\n")
        client.writer.write_eof()
        assert await client.reply() == b""
        await sink.left()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "gate 1 closed the connection")


@pytest.mark.parametrize(
    ("outside", "outcome", "cause"),
    [
        ("pass", "lost", "gate 1 closed before the verdict"),
        ("tag", "lost", "gate 1 closed before the verdict"),
        ("redirect:abuse@z.test", "lost", "gate 1 closed before the verdict"),
        ("hold", "lost", "gate 1 closed before the message was held"),
        ("reject", "rejected", "gate 1 closed before it had the reply"),
        ("defer", "deferred", "gate 1 closed before it had the reply"),
        ("discard", "sent", "gate 1 closed before it had the reply"),
    ],
)
async def test_gate_1_leaves_while_checks_run(sink, lines, tmp_path, outside, outcome, cause):
    """It tries again, so nobody gets a copy meanwhile, and none is held."""
    started, go_on = asyncio.Event(), asyncio.Event()

    async def examine(_):
        started.set()
        await go_on.wait()
        return Report([FOUND])

    shelf = Shelf(tmp_path)
    async with hop(sink.port, policies=policy(outside), checks=told(examine), quarantine=shelf) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(WIRE + b".\r\n"))
        await started.wait()
        client.writer.transport.abort()
        delivering.cancel()
        await asyncio.wait([delivering])
        await until(lambda: all(session.lost for session in filter_.gate._sessions))
        go_on.set()
        assert await filter_.gate.drain(5)
        await sink.left()
    assert (sink.messages, shelf.held) == ([], [])
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == (outcome, cause)


async def test_gate_1_leaves_while_the_message_is_held(sink, lines, tmp_path):
    """It is held, and that is logged; the retry may be held as well."""
    started, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Shelf):
        async def hold(self, mail, verdict):
            started.set()
            await go_on.wait()
            return await super().hold(mail, verdict)

    shelf = Slow(tmp_path)
    async with hop(sink.port, policies=policy(), checks=told(finds), quarantine=shelf) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(WIRE + b".\r\n"))
        await started.wait()
        client.writer.transport.abort()
        delivering.cancel()
        await asyncio.wait([delivering])
        go_on.set()
        assert await filter_.gate.drain(5)
    assert shelf.content(1) == WIRE
    assert (lines()[0]["verdict"], lines()[0]["cause"]) == ("hold", "gate 1 closed before it had the reply")


async def test_gate_1_leaves_after_the_dot(sink, lines):
    """Gate 2's word is in the log."""
    asked, go_on = sink.hold(b".")
    async with hop(sink.port, policies=policy(), checks=told(nothing)) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(WIRE + b".\r\n"))
        await asked.wait()
        client.writer.transport.abort()
        delivering.cancel()
        await asyncio.wait([delivering])
        go_on.set()
        assert await filter_.gate.drain(5)
    assert sink.messages == [WIRE]
    assert (lines()[0]["outcome"], lines()[0]["post"]) == ("sent", b"4ABCdefGHI")


# -- gate 2 leaves


async def test_gate_2_leaves_while_checks_run(sink, lines):
    """451, whatever was found to pass; the next message goes on a fresh connection."""

    async def examine(_):
        sink.connections[0].transport.abort()
        await sink.connections[0].ended.wait()
        return Report()

    async with hop(sink.port, policies=policy(), checks=told(examine)) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n") == b"451 4.4.2 yard: connection to next hop lost\r\n"
        assert (await client.deliver(WIRE + b".\r\n")).startswith(b"250")
    assert [line["outcome"] for line in lines()] == ["deferred", "sent"]


@pytest.mark.parametrize("outside", ["reject", "hold", "discard", "redirect:abuse@z.test"])
async def test_gate_2_leaves_before_a_verdict_that_does_not_need_it(sink, tmp_path, outside):
    """That verdict is carried out."""

    async def examine(_):
        sink.connections[0].transport.abort()
        await sink.connections[0].ended.wait()
        return Report([FOUND])

    shelf = Shelf(tmp_path)
    async with hop(sink.port, policies=policy(outside), checks=told(examine), quarantine=shelf) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert reply[:3] == (b"550" if outside == "reject" else b"250")
    assert len(sink.messages) == outside.startswith("redirect")
    assert len(shelf.held) == (outside == "hold")


@pytest.mark.parametrize("verb", [b"MAIL", b"RCPT", b"DATA", b"."])
async def test_gate_2_leaves_a_redirect(sink, lines, verb):
    """At each command of the second transaction; after its dot the outcome is unknown."""
    honest = sink.replies[verb]

    async def second(received, _):
        return honest if received is sink.connections[0] else HANG_UP

    async with hop(sink.port, policies=policy("redirect:abuse@z.test"), checks=told(finds)) as filter_:
        client = await filter_.session()
        sink.replies[verb] = second
        reply = await client.deliver(WIRE + b".\r\n")
        assert reply.startswith(b"451 4.4.2 yard: ")
        await sink.left()
    assert len(sink.connections) == 2
    assert lines()[0]["outcome"] == ("unknown" if verb == b"." else "deferred")


async def test_redirect_that_is_refused_defers(sink, lines):
    """Gate 1 was told of its own recipients, not of ours."""

    async def refuse(_, line):
        return b"550 5.1.1 no such user\r\n" if b"z.test" in line else b"250 2.1.5 Ok\r\n"

    async def refuse_without_recipient(received, _):
        ours = received is not sink.connections[0]
        return b"554 5.5.1 No valid recipients\r\n" if ours else b"354 go\r\n"

    sink.replies |= {b"RCPT": refuse, b"DATA": refuse_without_recipient}
    async with hop(sink.port, policies=policy("redirect:abuse@z.test"), checks=told(finds)) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
        assert reply == b"451 4.4.0 yard: redirect refused by next hop\r\n"
        await sink.left()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("deferred", "redirect: b'550 5.1.1 no such user'")


async def test_redirect_to_a_door_that_is_down_defers(sink):
    """It comes back with the next try."""
    policies = policy("redirect:[192.0.2.7]:25")
    async with hop(sink.port, policies=policies, checks=told(finds), doors={"[192.0.2.7]:25": 1}) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert reply == b"451 4.4.1 yard: next hop cannot be reached\r\n"


# -- what the machine lacks


async def test_full_quarantine_defers(sink, lines, tmp_path):
    """As the store says."""

    class Full(Shelf):
        async def hold(self, mail, verdict):
            raise Deferral(own_fault(452, "4.3.1", "insufficient storage"), cause="quarantine is full")

    async with hop(sink.port, policies=policy(), checks=told(finds), quarantine=Full(tmp_path)) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n") == b"452 4.3.1 yard: insufficient storage\r\n"
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("deferred", "quarantine is full")


async def test_no_quarantine_defers(sink, caplog):
    """Settings without one are refused; if all fails, it is a bug of ours and no loss."""
    async with hop(sink.port, policies=policy(), checks=told(finds)) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
    assert reply == b"451 4.3.0 yard: internal error\r\n"
    assert any(record.exc_info for record in caplog.records)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Give a temporary directory of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def full(directory):
    """Let no file grow beyond 2 MiB, as on a disk that is full; ours are the only ones that would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 2**20, hard))
    yield directory
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


async def test_full_temporary_directory_is_452_at_the_dot_and_leaves_nothing(sink, lines, full):
    """The rest of the content is read, not taken as commands; small messages pass all the while."""
    async with hop(sink.port, policies=policy(), checks=told(nothing)) as filter_:
        client = await filter_.session()
        large = (b"x" * 70 + b"\r\n") * 50_000 + b"QUIT\r\n.\r\n"
        assert await client.deliver(large) == b"452 4.3.1 yard: insufficient storage\r\n"
        assert descriptors.below(full) == []
        assert list(full.iterdir()) == []
        assert (await client.deliver(WIRE + b".\r\n")).startswith(b"250")
    assert sink.messages == [WIRE]
    assert [line["outcome"] for line in lines()] == ["deferred", "sent"]
    assert lines()[0]["cause"] == "temporary directory: File too large"


# -- edits that cannot be made


async def test_edits_that_contradict_each_other_defer(sink, lines, caplog):
    """A bug of ours: logged, and nothing half-edited gets its dot."""

    async def examine(_):
        return Report(splices=[Splice(0, 4, b"X"), Splice(2, 6, b"Y")])

    async with hop(sink.port, policies=policy(), checks=told(examine)) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n") == b"451 4.3.0 yard: internal error\r\n"
        await sink.left()
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert sink.messages == []
    assert lines()[0]["cause"] == "bug: Overlap"


@pytest.mark.parametrize("octets", [b"X: y\n", b"X: y\r\n.\n", b"X: y\r", b"\n.\r\n"])
async def test_edit_with_a_lone_line_end_never_leaves(sink, lines, octets):
    """No end of data for any program behind us, and no dot: it is deferred."""

    async def examine(_):
        return Report(splices=[Splice(6, 6, octets)])

    async with hop(sink.port, policies=policy(), checks=told(examine)) as filter_:
        reply = await (await filter_.session()).deliver(WIRE + b".\r\n")
        assert reply == b"451 4.3.0 yard: internal error\r\n"
        await sink.left()
    assert sink.messages == []
    assert lines()[0]["cause"] == "bug: ValueError"


# -- what is left behind


async def test_nothing_is_left_after_a_thousand_messages_of_all_verdicts(sink, tmp_path, directory):
    """No descriptor, no task, no connection to gate 2 in its content; what is kept open is there for the next one."""
    turn = 0

    async def examine(mail):
        nonlocal turn
        turn += 1
        if turn % 11 == 0:
            raise CheckFailed("down")
        if turn % 13 == 0:
            raise RuntimeError("bug")
        if turn % 50 == 0:
            return Report(splices=[Splice(0, 4, b"X"), Splice(2, 6, b"Y")])
        return Report([Finding("told", ACTIONS[turn % len(ACTIONS)])])

    targets = {"redirect": "abuse@z.test"}
    verdicts = {f"told.{action}": Outcome(Action(action), targets.get(action, "")) for action in ACTIONS}
    policies = {
        "default": Policy("default", ("told",), Judgement(Outcome(Action.HOLD), verdicts), tag_fields=(("X", "y"),))
    }
    limits = Limits(max_message_octets=10_000_000, max_recipients=1000, command_timeout_s=20, data_timeout_s=20)
    large = (b"x" * 70 + b"\r\n") * (LARGE * 5 // 72)

    async with hop(
        sink.port, policies=policies, checks=told(examine), quarantine=Shelf(tmp_path), limits=limits
    ) as filter_:
        client = await filter_.session()

        async def some(count):
            for number in range(count):
                content = large if number % 50 == 1 else WIRE
                assert (await client.deliver(content + b".\r\n"))[:1] in (b"2", b"4", b"5")

        await some(100)
        await settled(sink)
        before = descriptors.count(), len(asyncio.all_tasks())
        await some(900)
        await settled(sink)
        assert (descriptors.count(), len(asyncio.all_tasks())) <= before
        assert descriptors.below(directory) == []
    assert len(sink.messages) > 300
    await sink.left()


ACTIONS = [action.value for action in Action]


async def settled(sink):
    """Wait until gate 2 has noticed what was closed: at most one connection is kept, and none is in its content."""

    def left():
        return [received for received in sink.connections if not received.ended.is_set()]

    def in_content(received):
        return received.verbs().count(b"DATA") > len(received.messages)

    await until(lambda: len(left()) <= 1 and not any(map(in_content, left())))


async def test_spool_files_are_gone_after_each_large_message(sink, directory, tmp_path):
    """Whatever the verdict, and whatever a check still looks at."""
    checks = told(finds) | CHECKS
    for action in ("pass", "tag", "hold", "reject", "defer", "discard", "redirect:abuse@z.test"):
        shelf = Shelf(tmp_path)
        async with hop(sink.port, policies=policy(action), checks=checks, quarantine=shelf) as filter_:
            await (await filter_.session()).deliver((b"x" * 70 + b"\r\n") * 20_000 + b".\r\n")
            open_ = [target for target in descriptors.below(directory) if "deleted" in target]
            assert open_ == [], action
