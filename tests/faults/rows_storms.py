"""Rows 26 and 38 of docs/faults.md: very many refusals at once, and what they must not set off."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from tests.faults.rows_changes import ACCEPT, REFUSALS
from tests.faults.stage import Result, Stage

RECIPIENTS = 1000  # of one message: what gate 1 takes in one transaction
STORM = 10  # times the count: 2,000 messages
SENDERS = {  # who sends it, the reverse-path, DSNs that reach somebody for each message
    "real senders": ("s-{id}@back.test", 1),
    "the null sender": ("", 0),
    "senders that refuse too": ("never-{id}@back.test", 0),
}


def refuse_one_in_ten(stage: Stage, _: int = 0) -> Iterator[Result]:
    """Row 26: one message for 1,000, of whom gate 2, then the next hop, refuses 100, each by a reply of its own."""
    stage.rewrite(REFUSALS, "postfix-post")
    try:
        yield _one_in_ten(stage, "gate 2", "postfix-pre", "rcpt-never", "550 5.7.1 <{}>: Recipient address rejected")
    finally:
        stage.rewrite(ACCEPT, "postfix-post")
    yield _one_in_ten(stage, "next hop", "postfix-post", "never", "550 5.1.1 No such user")


def _one_in_ten(stage: Stage, who: str, teller: str, prefix: str, reply: str) -> Result:
    recipients = [f"{'r' if number % 10 else prefix}-{number}-{{id}}@fault.test" for number in range(RECIPIENTS)]
    since = str(time.time())
    result = stage.play("26", f"{who} refuses 100 of 1,000", count=1, recipients=recipients)
    found = (result.verdict.bounced, result.verdict.delivered)
    if found != (RECIPIENTS // 10, RECIPIENTS - RECIPIENTS // 10):
        result.complaints.append(f"DSNs and deliveries {found}")
    log = stage.appliance.logs(teller, since)
    told = re.findall(rf"to=<({prefix}-[^>]*)>.* said: (.*?) \(in reply", log)
    own = {address for address, text in told if text.startswith(reply.format(address))}
    if len(own) != RECIPIENTS // 10:
        result.complaints.append(f"{len(own)} recipients with their own reply")
    result.complaints += _made(log, 1)
    return result


def storm(stage: Stage, count: int = 2000) -> Iterator[Result]:
    """Row 38: a next hop that refuses everything; each message ends in one DSN, or in none where none may be made."""
    for who, (sender, dsns) in SENDERS.items():
        yield refuse_all(stage, who, sender, dsns, count)


def refuse_all(stage: Stage, who: str, sender: str, dsns: int, count: int) -> Result:
    """Send a batch that the next hop refuses, and count what comes back."""
    since, before, began = str(time.time()), stage.stored(), time.monotonic()
    recipients = ["never-{id}@fault.test"]
    result = stage.play("38", "", count=count, sender=sender, recipients=recipients, parallel=10)
    took_s = time.monotonic() - began
    result.what = f"{count:,} refused, from {who}: {took_s:.0f} s"
    log = stage.appliance.logs("postfix-post", since)
    ended = set(re.findall(r"to=<(never-[^>]*@fault\.test)>.* status=bounced", log))
    # Nobody can be told: the end is in the log (RFC 5321 section 6.1).
    result.verdict.lost = [recipient for recipient in result.verdict.lost if dsns or recipient not in ended]
    result.complaints += _made(log, count * bool(sender))
    if (found := stage.stored() - before) != dsns * count:
        result.complaints.append(f"{found} messages at the sink, expected {dsns * count}")
    return result


def _made(log: str, expected: int) -> list[str]:
    """Complain unless a gate made so many DSNs."""
    found = log.count(": sender non-delivery notification: ")
    return [] if found == expected else [f"{found} DSNs made, expected {expected}"]
