"""A trap: a fault that waits on a hop for its moment, and what it says becomes of the octets it held."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.proxy import Session


@dataclass(frozen=True)
class Then:
    """What becomes of the octets at which a trap struck."""

    how: str = "pass"  # pass, close (FIN to both), reset (RST to both), silence, answer (and close the receiver's side)
    after_s: float = 0.0  # held so long first
    answer: bytes = b""  # to the sender, in place of what the receiver would say
    afterwards: Callable[[], None] | None = None  # called as soon as the octets were passed on


@dataclass
class Trap:
    """A fault that waits for its moment."""

    what: str
    hop: str  # as in phases.HOPS
    phase: str  # for the journal
    moment: str  # as in phases.HOPS, or `again`: the first command of another message on a connection
    strike: Callable[[Session], Then]
    times: int = 1
    gap_s: float = 1.0  # between two strikes
    after: int = 0  # dots that pass first on the hop
    lasts_s: float = 0.0  # how long each blow goes on
    struck: list[float] = field(default_factory=list)  # when, monotonic

    def due(self, dots: int) -> bool:
        """Tell whether it may strike now, after so many dots on its hop."""
        rested = not self.struck or time.monotonic() - self.struck[-1] >= self.gap_s
        return len(self.struck) < self.times and dots >= self.after and rested
