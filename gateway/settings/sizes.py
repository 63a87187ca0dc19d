"""
What follows from the file for sizes: what the filter's container needs of memory, and the smallest quota.

A message that a policy looks into is kept whole until its verdict: a small one in the worker, a larger one in /tmp, a
tmpfs, whose pages count as the container's memory.  There is room for the largest message in every slot at once, for
full means that mail is deferred.
"""

from __future__ import annotations

from gateway.settings.models import Settings

FILTER_HEADROOM = 2**20  # octets the filter takes beyond gate 1's limit: headers added on the way
_MIB = 2**20
_SMALLEST_SPOOL = 512 * _MIB
_SMALLEST_MEMORY = 1024 * _MIB
_BASE = 256 * _MIB  # supervisor and what the kernel counts, programs that checks run
_WORKER = 128 * _MIB


def slots(settings: Settings) -> int:
    """Return how many transactions the workers really take: each has the same whole share."""
    return settings.filter.workers * worker_transactions(settings)


def worker_transactions(settings: Settings) -> int:
    """Return the share of [filter] max_transactions that one worker takes."""
    return settings.filter.max_transactions // settings.filter.workers


def spool(settings: Settings) -> int:
    """Return the octets of the filter's /tmp, whole MiB: the least there is where no policy looks into messages."""
    if not _looks_into(settings):
        return _SMALLEST_SPOOL
    needed = slots(settings) * (settings.gateway.message_size_limit + FILTER_HEADROOM)
    return max(_SMALLEST_SPOOL, -(-needed // _MIB) * _MIB)


def memory(settings: Settings) -> int:
    """
    Return the octets the filter's container may have, whole MiB; with /tmp, where a policy puts anything there.

    Other memory is another container to Docker.  So six workers come along within the smallest where no policy looks
    into messages, and a changed number of them is seamless (`reload`).
    """
    kept = spool(settings) if _looks_into(settings) else 0
    return max(_SMALLEST_MEMORY, kept + _BASE + settings.filter.workers * _WORKER)


def quota_too_small(quota: int | None, message_size_limit: int) -> str | None:
    """Say why a quota, of all mailboxes or of one, would not do; None if it would, or there is none."""
    if quota is None or quota >= message_size_limit:
        return None
    what = f"{quota} octets is less than the largest message ({message_size_limit})"
    return f"{what}; expected at least [gateway] message_size_limit"


def _looks_into(settings: Settings) -> bool:
    return any(policy.checks for policy in settings.policies.values())
