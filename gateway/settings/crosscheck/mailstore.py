"""Rules about [mailstore]: nothing of it is asked for in vain."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem
from gateway.settings.sizes import quota_too_small

_USELESS = {  # without Dovecot
    "imaps": "nobody answers there",
    "managesieve": "nobody answers there",
    "quota": "Postfix keeps no quota",
    "sieve": "nobody runs it",
}


@reads("mailstore")
def mailstore_is_enabled(given: Given) -> Iterator[Problem]:
    """Whoever wrote one of these keys expects something that Postfix alone does not do."""
    table = given.settings.mailstore
    for key, why in _USELESS.items():
        if getattr(table, key) and not table.enabled:
            yield Problem(("mailstore", key), f"stands beside enabled = false, so {why}; expected enabled = true")


@reads("mailstore", "gateway")
def quota_holds_a_message(given: Given) -> Iterator[Problem]:
    """A message larger than the whole mailbox would be deferred until it expires, or bounce from an empty mailbox."""
    what = quota_too_small(given.settings.mailstore.quota, given.settings.gateway.message_size_limit)
    if what:
        yield Problem(("mailstore", "quota"), what)


RULES: tuple[Rule, ...] = (mailstore_is_enabled, quota_holds_a_message)
