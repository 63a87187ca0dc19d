"""
Rules about [aliases] and [canonical]: rewriting must come to an end.

Postfix rewrites a result again until nothing changes, or gives up after many rounds and defers the message: for
ever, since the table stays as it is.  A result equal to what was looked up ends it, so an address may stand among
its own targets ("keep a copy here").  Source: virtual(5), canonical(5), postfix src/cleanup/cleanup_map1n.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway.settings.crosscheck.domains import without_extension
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem

_SOMEBODY = "*"  # stands for any user in a sample of @domain; no address has it


@reads("aliases", "gateway")
def aliases_end(given: Given) -> Iterator[Problem]:
    """Mail to an alias that leads back to itself by way of others is deferred until it expires."""
    aliases = given.settings.aliases

    def step(address: str) -> Sequence[str]:
        for key in (address, without_extension(given.settings, address), "@" + address.rpartition("@")[2]):
            if key in aliases:
                return aliases[key]
        return ()

    for key, loop in _loops(aliases, step):
        yield Problem(("aliases", key), f"leads back to itself ({loop}); expected targets that come to an end")


@reads("canonical", "gateway")
def canonical_ends(given: Given) -> Iterator[Problem]:
    """Mail with a sender or recipient that is rewritten in a circle is deferred until it expires."""
    canonical = given.settings.canonical

    def step(address: str) -> Sequence[str]:
        local, _, domain = address.rpartition("@")
        for key in (address, without_extension(given.settings, address), "@" + domain):
            if key in canonical:
                target = canonical[key]
                return (local + target if target.startswith("@") else target,)
        return ()

    for key, loop in _loops(canonical, step):
        yield Problem(("canonical", key), f"leads back to itself ({loop}); expected a target that stays as it is")


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
    branches = [iter(_next(start, step))]
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
            branches.append(iter(_next(target, step)))
    return []


def _next(address: str, step: Callable[[str], Sequence[str]]) -> Sequence[str]:
    targets = step(address)
    return () if address in targets else targets


RULES: tuple[Rule, ...] = (aliases_end, canonical_ends)
