"""
Measure: `cost` (the table and the plot), `memory`, `tuning` (settings of the gates, one by one), or `directory`.

    ROUNDS=5 QUICK=1 PATIENCE=60 python -m tests.bench [cost | memory | tuning | directory]

QUICK=1 tries the harness: one round of a few messages.  PATIENCE: seconds to wait for a quiet machine before each
round.  Results go to .run/bench/.  Exit codes: 0 measured; 1 something broke, such as a message lost.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from tests.bench import cost, directory, memory, tuning
from tests.bench.ends import NotAllArrivedError
from tests.bench.plan import Plan
from tests.bench.stage import Stage
from tests.stack.client import ROOT

MEASURES = {
    "cost": cost.measure,
    "memory": memory.measure,
    "tuning": tuning.measure,
    "directory": directory.measure,
}


def main(what: str) -> int:
    """Set the stage, measure, clear the stage."""
    quick = os.environ.get("QUICK") == "1"
    rounds = int(os.environ.get("ROUNDS") or (1 if quick else 5))
    out = ROOT / ".run" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(rounds, quick, float(os.environ.get("PATIENCE") or 60), out, Console())
    with TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        try:
            MEASURES[what](stage, plan)
        except (NotAllArrivedError, AssertionError) as error:
            plan.console.print(str(error), style="red", markup=False)
            return 1
        finally:
            if os.environ.get("BENCH_KEEP") != "1":
                stage.down()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "cost"))
