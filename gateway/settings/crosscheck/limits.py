"""Rules about sizes, slots and time-outs: each stage waits longer, and takes more, than the one it waits for."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem

_LONGEST_COMMIT = 540  # seconds; the sender waits 600 for the reply to its dot (RFC 5321 section 4.5.3.2.6)
_LONGEST_TRANSACTION = 3600  # seconds; a slot of the filter is taken that long
_SMALLEST_LIMIT = 64 * 2**10  # octets; RFC 5321 section 4.5.3.1.7
_LARGEST_LIMIT = 2 * 2**30


@reads("filter")
def every_worker_has_a_slot(given: Given) -> Iterator[Problem]:
    """The slots are shared out over the workers; one without any would never take a transaction."""
    table = given.settings.filter
    if table.workers > table.max_transactions:
        what = f"{table.workers} workers share {table.max_transactions} transactions"
        yield Problem(("filter", "workers"), f"{what}; expected no more workers than max_transactions")


@reads("filter")
def transaction_outlasts_its_waits(given: Given) -> Iterator[Problem]:
    """
    The dot goes out while commit_timeout is left, and before it gate 2 may take reply_timeout for one answer.

    A transaction cut while gate 2 may still answer is one that both queues hold: a duplicate.  Gate 1 and gate 2 both
    wait longer than transaction_timeout (render.postfix).
    """
    table = given.settings.filter
    least = table.reply_timeout + table.commit_timeout
    if table.transaction_timeout <= least:
        expected = f"more than reply_timeout and commit_timeout together ({least} s)"
        yield Problem(("filter", "transaction_timeout"), f"{table.transaction_timeout} s; expected {expected}")


@reads("filter")
def commit_ends_before_the_sender_gives_up(given: Given) -> Iterator[Problem]:
    """Past ten minutes a peer may send the message again, although gate 2 has it."""
    seconds = given.settings.filter.commit_timeout
    if seconds > _LONGEST_COMMIT:
        what = f"{seconds} s; expected at most {_LONGEST_COMMIT} s, less than the ten minutes of RFC 5321"
        yield Problem(("filter", "commit_timeout"), what)


@reads("filter")
def transaction_ends(given: Given) -> Iterator[Problem]:
    """Gate 1 waits a minute longer than this and gate 2 longer still; a stuck one holds a slot of each."""
    seconds = given.settings.filter.transaction_timeout
    if seconds > _LONGEST_TRANSACTION:
        what = f"{seconds} s; expected at most {_LONGEST_TRANSACTION} s"
        yield Problem(("filter", "transaction_timeout"), what)


@reads("gateway")
def message_size_is_sane(given: Given) -> Iterator[Problem]:
    """A smaller limit refuses what every server must take; a larger one outgrows the filter's temporary files."""
    octets = given.settings.gateway.message_size_limit
    if not _SMALLEST_LIMIT <= octets <= _LARGEST_LIMIT:
        yield Problem(("gateway", "message_size_limit"), f"{octets} octets; expected 64KiB to 2GiB")


RULES: tuple[Rule, ...] = (
    every_worker_has_a_slot,
    transaction_outlasts_its_waits,
    commit_ends_before_the_sender_gives_up,
    transaction_ends,
    message_size_is_sane,
)
