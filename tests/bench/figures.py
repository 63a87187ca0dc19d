"""
From measurements to figures: medians with their range, ratios in pairs, and what is wanted of them.

Ratios are taken pair by pair in a round, then their median: what slows the machine down for a minute slows both of
a pair, and drops out.  Quotients of medians would not have that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

SMALL, LARGE = 5_000, 100_000  # octets of a message
SIZES = {SMALL: "5 kB", LARGE: "100 kB"}


@dataclass(frozen=True)
class Measurement:
    """Some messages of one size, from the first connection until the last was at the sink."""

    round: int
    variant: str  # its letter
    octets: int  # per message
    messages: int
    seconds: float
    accepted_s: float  # until the last message was accepted
    load: float  # of the machine, one minute's, when it began
    cpu_ms: dict[str, float] = field(default_factory=dict)  # per message: gate 1, filter, gate 2, or server

    @property
    def rate(self) -> float:
        """Return messages per second."""
        return self.messages / self.seconds


@dataclass(frozen=True)
class Figure:
    """What the rounds give for one thing."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """
        Sum up one value from each round.

        Raises:
            ValueError: There is none.
        """
        if not values:
            raise ValueError("no measurement")
        return cls(median(values), min(values), max(values), len(values))


def rate(measurements: Sequence[Measurement], variant: str, octets: int) -> Figure:
    """Return a variant's messages per second."""
    return Figure.of([one.rate for one in _of(measurements, variant, octets)])


def cpu(measurements: Sequence[Measurement], variant: str, octets: int, part: str | None = None) -> Figure:
    """Return milliseconds of processor time per message, in a part of a variant or (None) in all of it."""
    all_ms = [one.cpu_ms for one in _of(measurements, variant, octets)]
    return Figure.of([sum(ms.values()) if part is None else ms[part] for ms in all_ms])


def ratio(
    measurements: Sequence[Measurement],
    pair: tuple[str, str],
    octets: int,
    value: Callable[[Measurement], float] = lambda one: one.rate,
) -> Figure:
    """Return what the first variant of a pair has, as a multiple of what the second has in the same round."""
    over, under = ({one.round: value(one) for one in _of(measurements, letter, octets)} for letter in pair)
    return Figure.of([over[number] / under[number] for number in sorted(over.keys() & under.keys())])


def _of(measurements: Sequence[Measurement], variant: str, octets: int) -> list[Measurement]:
    return [one for one in measurements if (one.variant, one.octets) == (variant, octets)]


@dataclass(frozen=True)
class Wish:
    """A figure, and what is wanted of it."""

    what: str
    octets: int
    figure: Figure
    wanted: float
    at_least: bool  # else at most

    @property
    def granted(self) -> bool:
        """True when the median is as wanted."""
        return self.figure.median >= self.wanted if self.at_least else self.figure.median <= self.wanted


WANTED_RATIOS = {"b": 0.95, "a": 0.5, "d": 6.0, "e": 2.0}  # c as a multiple of
WANTED_SEARCHED = 0.8  # f, three checks on, as a multiple of c
WANTED_PRESSED = 200  # messages per second of g, where no more than 250 are possible: 50 slots of 200 ms
WANTED_CPU_MS = {SMALL: 0.35, LARGE: 0.8}  # of the filter, per message


def wishes(measurements: Sequence[Measurement]) -> list[Wish]:
    """Compare with what is wanted, as far as it was measured."""
    there = {(one.variant, one.octets) for one in measurements}
    found = [
        Wish(f"c / {other}", octets, ratio(measurements, ("c", other), octets), wanted, at_least=True)
        for other, wanted in WANTED_RATIOS.items()
        for octets in SIZES
        if {("c", octets), (other, octets)} <= there
    ]
    found += [
        Wish("f / c", octets, ratio(measurements, ("f", "c"), octets), WANTED_SEARCHED, at_least=True)
        for octets in SIZES
        if {("f", octets), ("c", octets)} <= there
    ]
    found += [
        Wish("g, messages/s", octets, rate(measurements, "g", octets), WANTED_PRESSED, at_least=True)
        for octets in SIZES
        if ("g", octets) in there
    ]
    return found + [
        Wish("filter CPU, ms per message", octets, cpu(measurements, "c", octets, "filter"), wanted, at_least=False)
        for octets, wanted in WANTED_CPU_MS.items()
        if ("c", octets) in there
    ]
