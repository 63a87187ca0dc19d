"""
Run the checks of a policy on a message, side by side, each within its time.

A command that edits goes before the others, which then look at what will leave; its splices, of a content that is no
more, do not count.  Whatever goes wrong in a check becomes a finding of its own, ERROR, for which the check's on_error
stands: no broken scanner decides by accident.

Log levels: WARNING a check that failed; ERROR a bug in one, with traceback.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Sequence

from gateway.check.base import CheckFailed
from gateway.check.registry import Configured
from gateway.message.mail import MailObject
from gateway.message.verdict import ERROR, Finding, Report

log = logging.getLogger(__name__)


async def run(checks: Sequence[Configured], mail: MailObject) -> tuple[MailObject, list[Report]]:
    """
    Let all checks look at a message.

    Returns:
        The message as the editing checks left it, and one report for each check; splices are of that content.
    """
    reports = []
    for check in checks:
        if check.edits:
            report = await _one(check, mail)
            if report.content is not None:
                mail = dataclasses.replace(mail, content=_ended(report.content))
            reports.append(Report(report.findings, bug=report.bug))  # its splices would be of a content that is no more
    looking = [check for check in checks if not check.edits]
    return mail, reports + await asyncio.gather(*(_one(check, mail) for check in looking))


def _ended(content: bytes) -> bytes:
    """End the last line, so that a header field can be put behind any other."""
    return content if content.endswith(b"\r\n") or not content else content + b"\r\n"


async def _one(check: Configured, mail: MailObject) -> Report:
    bug = False
    try:
        async with asyncio.timeout(check.timeout_s):
            return await check.check.examine(mail)
    except TimeoutError:
        cause = f"no result in {check.timeout_s:g} s"
    except CheckFailed as failed:
        cause = str(failed)
    except Exception as error:
        log.exception("check %s failed", check.name, extra={"fields": {"pre": mail.client.queue_id_pre}})
        cause, bug = f"bug: {type(error).__name__}", True
    log.warning(
        "check failed", extra={"fields": {"check": check.name, "pre": mail.client.queue_id_pre, "cause": cause}}
    )
    return Report([Finding(check.name, ERROR, cause)], bug=bug)
