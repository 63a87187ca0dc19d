"""
Rules about [aliases], [canonical] and [masquerade]: rewriting must come to an end.

Postfix looks a result up again until it finds nothing or the address itself, so an address may stand among its own
targets ("keep a copy here").  Going round by way of others, it gives up: mail to such an alias is deferred for as
long as the table stays as it is, and a canonical address becomes whichever came last.
Source: vdukhovni/postfix, postfix/src/cleanup/cleanup_map1n.c and cleanup_map11.c, src/global/mail_addr_map.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.lookup import lookup_keys, without_extension
from gateway.settings.mistakes import Problem
from gateway.settings.models import Settings

_SOMEBODY = "*"  # stands for any user in a sample of @domain; no address has it


@reads("aliases", "gateway")
def aliases_end(given: Given) -> Iterator[Problem]:
    """Mail to an alias that leads back to itself by way of others is deferred until it expires."""
    aliases = given.settings.aliases
    for key, loop in _loops(aliases, lambda address: _look_up(given.settings, aliases, address)):
        yield Problem(("aliases", key), f"leads back to itself ({loop}); expected targets that come to an end")


@reads("canonical", "gateway")
def canonical_ends(given: Given) -> Iterator[Problem]:
    """What an address in a circle becomes is decided by where Postfix gives up."""
    canonical = {key: [target] for key, target in given.settings.canonical.items()}
    for key, loop in _loops(canonical, lambda address: _look_up(given.settings, canonical, address)):
        yield Problem(("canonical", key), f"leads back to itself ({loop}); expected a target that stays as it is")


@reads("masquerade")
def exceptions_are_from_something(given: Given) -> Iterator[Problem]:
    """Nobody loses his host where there are no domains."""
    masquerade = given.settings.masquerade
    if masquerade.exceptions and not masquerade.domains:
        yield Problem(
            ("masquerade", "exceptions"), "not used without domains; expected masquerade.domains, or no such key"
        )


def _look_up(settings: Settings, table: Mapping[str, Sequence[str]], address: str) -> Sequence[str]:
    """
    Return what one look-up makes of an address: its targets, or nothing where rewriting ends.

    An extension that the table does not have is put behind each target.  Where a target has one already that would
    grow without end, so it is left as it is, which leads to the same keys.
    """
    local = address.rpartition("@")[0]
    delimiter = settings.gateway.recipient_delimiter
    keys = lookup_keys(address, delimiter)
    plain = without_extension(address, delimiter)
    extension = local.removeprefix(plain.rpartition("@")[0]) if address not in table and plain in table else ""
    key = next((key for key in keys if key in table), None)
    targets, growing = [], []
    for target in table[key] if key else ():
        if extension and without_extension(target, delimiter) != target:
            growing.append(target)
        else:
            name, _, place = target.rpartition("@")
            targets.append(f"{name or local.removesuffix(extension)}{extension}@{place}")
    return () if address in targets else targets + growing


def _loops(keys: Iterable[str], step: Callable[[str], Sequence[str]]) -> Iterator[tuple[str, str]]:
    """
    Find circles.

    Args:
        keys: The keys of a table; @domain stands for everybody in it.
        step: What one look-up makes of an address; empty where the table has nothing.

    Yields:
        A key of each circle, and the circle in words.
    """
    done: set[str] = set()
    for key in keys:
        start = _SOMEBODY + key if key.startswith("@") else key
        circle = _circle(start, step, done)
        if circle:
            yield key, " → ".join(address.removeprefix(_SOMEBODY) for address in circle)


def _circle(start: str, step: Callable[[str], Sequence[str]], done: set[str]) -> list[str]:
    """Walk depth-first from an address; return the first circle met, from and to the same address, or nothing."""
    trail = [start]
    branches = [iter(step(start))]
    while branches:
        target = next(branches[-1], None)
        if target is None:
            branches.pop()
            done.add(trail.pop())
        elif target in trail:
            done.update(trail)
            return [*trail[trail.index(target) :], target]
        elif target not in done:
            trail.append(target)
            branches.append(iter(step(target)))
    return []


RULES: tuple[Rule, ...] = (aliases_end, canonical_ends, exceptions_are_from_something)
