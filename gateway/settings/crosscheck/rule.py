"""What a rule is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from gateway.settings.hosts import Entry
from gateway.settings.mistakes import Problem, did_you_mean, shown
from gateway.settings.models import Settings
from gateway.settings.topology import Topology


@dataclass(frozen=True)
class Given:
    """What rules look at; a rule touches only the tables it has named."""

    settings: Settings
    hosts: Sequence[Entry]  # part of the table dns

    @cached_property
    def topology(self) -> Topology:
        """Return the container networks; derived from gateway.subnet and listen."""
        return Topology.of(self.settings)


@dataclass(frozen=True)
class Rule:
    """A check and what it reads: top-level tables, or a key such as gateway.subnet that earlier rules judge."""

    check: Callable[[Given], Iterator[Problem]]
    reads: frozenset[str]


def reads(*tables: str) -> Callable[[Callable[[Given], Iterator[Problem]]], Rule]:
    """Make a rule of a function."""
    return lambda check: Rule(check, frozenset(tables))


def no_such(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not defined, what is, and which one was probably meant."""
    names = sorted(known)
    expected = f"one of {', '.join(names)}" if names else f"a name defined in [{kind}]"
    return f"{shown(name)} is not defined in [{kind}]; expected {expected}{did_you_mean(name, names)}"
