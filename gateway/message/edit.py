"""
Edit: a change of content as a splice of octets, so that whatever no edit names stays as it came.

Parsing and writing a message anew changed 54 % of 7,275 real ones; a splice cannot.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.message.content import MAX_CHUNK
from gateway.message.header import Buffer


@dataclass(frozen=True, slots=True)
class Splice:
    """Put *octets* in the place of content[start:stop]; start = stop inserts, empty octets remove."""

    start: int
    stop: int
    octets: bytes  # CRLF line ends, no dot-stuffing

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"splice from {self.start} to {self.stop}")


class Overlap(ValueError):  # noqa: N818 - names what two edits do
    """Two splices want the same octets changed."""


def in_order(splices: Iterable[Splice]) -> list[Splice]:
    """
    Sort splices by place; those that insert at one place keep the order they were given in.

    What several of them remove is removed once, for each has what it wants: two may drop the forged copies of a field.

    Raises:
        Overlap: two of them change the same octets in any other way.
    """
    given = list(splices)
    changes = [splice for splice in given if splice.octets]
    removals = _merged(splice for splice in given if not splice.octets)
    ordered = sorted([*removals, *changes], key=lambda splice: (splice.start, splice.stop))
    for before, after in pairwise(ordered):
        if after.start < before.stop:
            raise Overlap(f"splices at {before.start} and {after.start}")
    return ordered


def _merged(removals: Iterable[Splice]) -> list[Splice]:
    """Put those that overlap together; those that only touch stay apart, for something may be inserted between."""
    merged: list[Splice] = []
    for splice in sorted(removals, key=lambda splice: splice.start):
        if merged and splice.start < merged[-1].stop:
            merged[-1] = Splice(merged[-1].start, max(merged[-1].stop, splice.stop), b"")
        elif splice.start < splice.stop:
            merged.append(splice)
    return merged


def apply(content: Buffer, splices: Iterable[Splice]) -> Iterator[bytes]:
    """
    Give the content with the splices made, in slices of 1 to MAX_CHUNK octets that may be cut anywhere.

    Raises:
        Overlap: two splices change the same octets; before anything is given.
        ValueError: a splice lies beyond the end: a bug of who made it; before anything is given.
    """
    ordered = in_order(splices)
    if ordered and max(splice.stop for splice in ordered) > len(content):
        raise ValueError(f"a splice beyond the {len(content)} octets of content")
    return _apply(content, ordered)


def _apply(content: Buffer, ordered: Sequence[Splice]) -> Iterator[bytes]:
    place = 0
    for splice in ordered:
        yield from _slices(content, place, splice.start)
        yield from _slices(splice.octets, 0, len(splice.octets))
        place = splice.stop
    yield from _slices(content, place, len(content))


def _slices(octets: Buffer, start: int, stop: int) -> Iterator[bytes]:
    for place in range(start, stop, MAX_CHUNK):
        yield octets[place : min(place + MAX_CHUNK, stop)]
