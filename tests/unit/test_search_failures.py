"""The yard, over real sockets: what goes wrong with checks, edits and the machine, and that nothing is left behind."""

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
from .hop import CHECKS, Shelf, hop, until
from .yard import FOUND, finds, policies, told

WIRE = b"S: 1\r\n\r\nbody\r\n"


async def fails(_):
    """Be a scanner that is down."""
    raise CheckFailed("connection refused")


async def breaks(_):
    """Have a bug."""
    raise RuntimeError("bug")


async def hangs(_):
    """Be a scanner that never answers."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("examine", [fails, breaks, hangs])
@pytest.mark.parametrize("on_error", [None, Action.DEFER, Action.PASS, Action.HOLD])
async def test_check_that_cannot_do_its_work_follows_on_error(sink, lines, tmp_path, examine, on_error):
    """Down, broken or silent is the same; deferred unless the settings say otherwise."""
    chosen = policies("reject", on_error={"told": on_error} if on_error else {})
    shelf, checks = Shelf(tmp_path), told(examine, timeout_s=0.05)
    async with hop(sink.port, policies=chosen, checks=checks, quarantine=shelf) as filter_:
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
    async with hop(sink.port, policies=policies(), checks=checks) as filter_:
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

    async with hop(sink.port, policies=policies(), checks=told(examine), limit_s=0.1) as filter_:
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

    async with hop(sink.port, policies=policies(), checks=told(examine)) as filter_:
        client = await filter_.session()
        delivering = asyncio.ensure_future(client.deliver(WIRE + b".\r\n"))
        await started.wait()
        assert await filter_.gate.drain(0.05) is False
        assert await delivering == b""
        await sink.left()
    assert sink.messages == []
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("lost", "cut off at the end of the drain")


# -- what the machine lacks


async def test_full_quarantine_defers(sink, lines, tmp_path):
    """As the store says."""

    class Full(Shelf):
        async def hold(self, mail, verdict, edits=()):
            raise Deferral(own_fault(452, "4.3.1", "insufficient storage"), cause="quarantine is full")

    async with hop(sink.port, policies=policies(), checks=told(finds(FOUND)), quarantine=Full(tmp_path)) as filter_:
        client = await filter_.session()
        assert await client.deliver(WIRE + b".\r\n") == b"452 4.3.1 yard: insufficient storage\r\n"
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    assert (lines()[0]["outcome"], lines()[0]["cause"]) == ("deferred", "quarantine is full")


async def test_no_quarantine_defers(sink, caplog):
    """Settings without one are refused; if all fails, it is a bug of ours and no loss."""
    async with hop(sink.port, policies=policies(), checks=told(finds(FOUND))) as filter_:
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
    async with hop(sink.port, policies=policies(), checks=told(finds())) as filter_:
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

    async with hop(sink.port, policies=policies(), checks=told(examine)) as filter_:
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

    async with hop(sink.port, policies=policies(), checks=told(examine)) as filter_:
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
    checks = told(finds(FOUND)) | CHECKS
    for action in ("pass", "tag", "hold", "reject", "defer", "discard", "redirect:abuse@z.test"):
        shelf = Shelf(tmp_path)
        async with hop(sink.port, policies=policies(action), checks=checks, quarantine=shelf) as filter_:
            await (await filter_.session()).deliver((b"x" * 70 + b"\r\n") * 20_000 + b".\r\n")
            open_ = [target for target in descriptors.below(directory) if "deleted" in target]
            assert open_ == [], action


# -- a message that always meets a bug


@pytest.mark.parametrize("standing", [False, True], ids=["in a check", "behind the checks"])
async def test_message_that_always_meets_a_bug_is_held_in_the_end(sink, lines, caplog, tmp_path, monkeypatch, standing):
    """Instead of a bounce days later; others are searched, and one that gate 1 does not name is deferred for ever."""
    monkeypatch.setattr("gateway.message.strikes.TRIES", 3)

    async def poisoned(mail):
        if b"poison" in mail.content and standing:
            return Report(splices=[Splice(10, 5), Splice(3, 9)])
        return await breaks(mail) if b"poison" in mail.content else Report()

    async def deliver(content, queue_id):
        client = await filter_.session()
        if queue_id:
            assert await client.ask(b"XFORWARD IDENT=" + queue_id) == b"250 2.0.0 Ok\r\n"
        return (await client.deliver(content + b".\r\n"))[:3]

    shelf = Shelf(tmp_path)
    async with hop(sink.port, policies=policies(), checks=told(poisoned), quarantine=shelf) as filter_:
        assert [await deliver(b"poison\r\n", b"4bad") for _ in range(4)] == [b"451", b"451", b"451", b"250"]
        assert await deliver(WIRE, b"4good") == b"250"
        assert [await deliver(b"poison\r\n", b"") for _ in range(4)] == [b"451"] * 4
    assert sink.messages == [WIRE]
    assert [(verdict.action, verdict.findings[0].key) for verdict in shelf.held] == [(Action.HOLD, "filter.bug")]
    assert shelf.content(1) == b"poison\r\n"
    assert lines()[3]["findings"] == ["filter.bug"]
    (alarm,) = [record for record in caplog.records if record.getMessage() == "held after too many bugs"]
    assert (alarm.levelname, alarm.fields["pre"]) == ("ERROR", b"4bad")
