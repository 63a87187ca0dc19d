"""How much to measure, and where the results go."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

QUICK_SHARE = 20  # a quick run sends one message in so many


@dataclass(frozen=True)
class Plan:
    """What the operator asked for."""

    rounds: int
    quick: bool  # try the harness; the figures mean nothing
    patience_s: float  # to wait for a quiet machine, before each round
    out: Path  # directory of the results
    console: Console

    def messages(self, full: int) -> int:
        """Return how many of *full* messages to send."""
        return max(10, full // QUICK_SHARE) if self.quick else full

    def keep(self, name: str, results: Any) -> None:
        """Write results as JSON."""
        (self.out / name).write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
