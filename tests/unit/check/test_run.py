"""Checks run side by side, each within its time, and none of them can decide by failing."""

import asyncio
import logging

import pytest

from gateway.check.base import CheckFailed
from gateway.check.registry import Configured
from gateway.check.run import run
from gateway.message.edit import Splice
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject
from gateway.message.verdict import ERROR, Finding, Report

MAIL = MailObject(Envelope(ReversePath(b"a@x.test")), Client({"IDENT": b"4pre"}), b"S: 1\r\n\r\nbody\r\n")


class Does:
    """A check that does what it is told."""

    def __init__(self, act):
        self._act = act
        self.saw = []

    async def examine(self, mail):
        """Act."""
        self.saw.append(mail.content)
        return await self._act(mail)


def configured(name, act, timeout_s=20.0, *, edits=False):
    """Make a check of a coroutine function."""
    return Configured(name, Does(act), timeout_s, edits)


def finds(name):
    """Make a check that has a finding."""

    async def act(_):
        return Report([Finding(name, "found")])

    return configured(name, act)


def gives(name, report):
    """Make a check that edits."""

    async def act(_):
        return report

    return configured(name, act, edits=True)


async def test_run_no_checks_is_no_reports():
    """And the message as it was."""
    assert await run([], MAIL) == (MAIL, [])


async def test_run_reports_come_in_the_order_of_the_policy():
    """Whoever is ready first."""
    ready = asyncio.Event()

    async def slow(_):
        await ready.wait()
        return Report([Finding("slow", "found")])

    async def quick(_):
        ready.set()
        return Report([Finding("quick", "found")])

    _, reports = await run([configured("slow", slow), configured("quick", quick)], MAIL)
    assert [report.findings[0].check for report in reports] == ["slow", "quick"]


async def test_run_all_are_under_way_at_once():
    """None waits for another: each lets the next one go on, and the last the first."""
    events = [asyncio.Event() for _ in range(20)]

    def one(number):
        async def act(_):
            events[number].set()
            await events[(number + 1) % 20].wait()
            return Report()

        return configured(f"c{number}", act)

    async with asyncio.timeout(10):
        _, reports = await run([one(number) for number in range(20)], MAIL)
    assert reports == [Report()] * 20


async def test_run_time_out_is_a_finding_and_costs_no_other(caplog):
    """The check is cancelled, so that nothing is left behind."""
    cancelled = asyncio.Event()

    async def never(_):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    _, reports = await run([configured("slow", never, 0.05), finds("other")], MAIL)
    assert reports == [Report([Finding("slow", ERROR, "no result in 0.05 s")]), Report([Finding("other", "found")])]
    assert cancelled.is_set()
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.WARNING, "check failed")
    assert record.fields == {"check": "slow", "pre": b"4pre", "cause": "no result in 0.05 s"}


async def test_run_failure_is_a_finding_with_its_cause(caplog):
    """A scanner that is down is no bug of ours: no traceback."""

    async def fails(_):
        raise CheckFailed("clamd: connection refused")

    _, reports = await run([configured("clamav", fails), finds("other")], MAIL)
    assert reports[0] == Report([Finding("clamav", ERROR, "clamd: connection refused")])
    assert reports[1].findings
    assert [record.exc_info for record in caplog.records] == [None]


async def test_run_bug_is_a_finding_with_a_traceback(caplog):
    """The words of the exception, which may quote the message, are in no finding."""

    async def fails(_):
        raise RuntimeError("secret")

    _, reports = await run([configured("x", fails)], MAIL)
    assert reports == [Report([Finding("x", ERROR, "bug: RuntimeError")], bug=True)]
    bug, failed = caplog.records
    assert (bug.levelno, bug.exc_info[0]) == (logging.ERROR, RuntimeError)
    assert failed.levelno == logging.WARNING


async def test_run_cancellation_is_no_finding():
    """The transaction's own end ends its checks."""
    started = asyncio.Event()

    async def never(_):
        started.set()
        await asyncio.Event().wait()

    running = asyncio.ensure_future(run([configured("x", never)], MAIL))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_run_what_edits_goes_first_and_others_see_its_content():
    """In the order of the policy, each on what the one before it left."""
    looking = finds("looks")
    first = gives("command:one", Report([Finding("command:one", "program")], content=b"S: 2\r\n\r\nedited\r\n"))
    second = gives("command:two", Report(content=None))
    mail, reports = await run([looking, first, second], MAIL)
    assert mail.content == b"S: 2\r\n\r\nedited\r\n"
    assert mail.header.fields[0].value == b"2"
    assert second.check.saw == looking.check.saw == [b"S: 2\r\n\r\nedited\r\n"]
    assert [report.findings for report in reports] == [
        [Finding("command:one", "program")],
        (),
        [Finding("looks", "found")],
    ]


async def test_run_splices_of_what_edits_do_not_count():
    """They would be of a content that is no more."""
    _, reports = await run([gives("command:x", Report(splices=[Splice(0, 4, b"")], content=b"S: 2\r\n"))], MAIL)
    assert [report.splices for report in reports] == [()]


async def test_run_edited_content_ends_its_last_line():
    """Or a field added behind its last one would become part of that; nothing at all stays nothing."""
    for given, left in ((b"S: 2", b"S: 2\r\n"), (b"", b""), (b"S: 2\r\n", b"S: 2\r\n")):
        mail, _ = await run([gives("command:x", Report(content=given))], MAIL)
        assert mail.content == left


async def test_run_failed_edit_leaves_the_message_as_it_was():
    """on_error says what follows."""

    async def fails(_):
        raise CheckFailed("exit code 1")

    mail, reports = await run([configured("command:x", fails, edits=True)], MAIL)
    assert mail.content == MAIL.content
    assert reports == [Report([Finding("command:x", ERROR, "exit code 1")])]
