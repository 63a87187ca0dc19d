"""Rules about sizes, slots and time-outs: each stage waits longer, and takes more, than the one it waits for."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings import sizes
from gateway.settings.checks import Command
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem

_LONGEST_COMMIT = 540  # seconds; the sender waits 600 for the reply to its dot (RFC 5321 section 4.5.3.2.6)
_LONGEST_TRANSACTION = 3600  # seconds; a slot of the filter is taken that long
_SMALLEST_LIMIT = 64 * 2**10  # octets; RFC 5321 section 4.5.3.1.7
_LARGEST_LIMIT = 2 * 2**30
_LARGEST_SPOOL = 32 * 2**30


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


@reads("filter", "checks", "policies")
def checks_end_in_time(given: Given) -> Iterator[Problem]:
    """
    A check that is cut by its own time-out is a case for its on_error; cut by the transaction's, mail is deferred
    again and again until it expires.

    Commands that edit run one after the other, before the rest, which run side by side (check.run).
    """
    table = given.settings.filter
    left = table.transaction_timeout - table.commit_timeout
    for name, policy in given.settings.policies.items():
        checks = [check for named in policy.checks if (check := given.settings.checks.named(named))]
        editing = [check.timeout for check in checks if isinstance(check, Command) and check.edits]
        side_by_side = [check.timeout for check in checks if not (isinstance(check, Command) and check.edits)]
        seconds = sum(editing) + max(side_by_side, default=0)
        if seconds >= left > 0:
            what = f"may take {seconds} s by their time-outs"
            expected = f"less than filter.transaction_timeout leaves before commit_timeout ({left} s)"
            yield Problem(("policies", name, "checks"), f"{what}; expected {expected}")


@reads("filter", "gateway", "policies")
def messages_fit_into_memory(given: Given) -> Iterator[Problem]:
    """What is searched is kept whole until its verdict, in a tmpfs with room for the largest message in each slot."""
    octets = sizes.spool(given.settings)
    if octets > _LARGEST_SPOOL:
        what = f"{given.settings.filter.max_transactions} messages of message_size_limit are {-(-octets // 2**30)} GiB"
        expected = f"at most {_LARGEST_SPOOL // 2**30} GiB, since the filter keeps them in memory while it searches"
        yield Problem(("filter", "max_transactions"), f"{what}; expected {expected}")


RULES: tuple[Rule, ...] = (
    every_worker_has_a_slot,
    transaction_outlasts_its_waits,
    commit_ends_before_the_sender_gives_up,
    transaction_ends,
    message_size_is_sane,
    checks_end_in_time,
    messages_fit_into_memory,
)
