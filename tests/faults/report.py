"""The results of a run as a table and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby

from rich.console import Console
from rich.table import Table

from tests.faults.stage import Result

COLUMNS = ("row", "fault", "phase", "blows", "acked", "delivered", "DSNs", "duplicates", "lost", "recovery s", "")


def duplicates(found: dict[str, int]) -> str:
    """Write the surplus copies by phase: `c8:1 c9:2`."""
    return " ".join(f"{phase}:{count}" for phase, count in found.items()) or "-"


def cells(result: Result) -> list[str]:
    """Return a result as a line of the table."""
    verdict = result.verdict
    wrong = [*result.complaints]
    wrong += [f"{len(found)} {name}" for name, found in _broken(result).items() if found]
    return [
        result.row,
        result.what,
        result.phase or "-",
        str(result.blows),
        str(verdict.acked),
        str(verdict.delivered),
        str(verdict.bounced),
        duplicates(verdict.duplicates),
        str(len(verdict.lost)),
        f"{result.recovery_s:.1f}",
        "; ".join(wrong) or "ok",
    ]


def _broken(result: Result) -> dict[str, list[str]]:
    verdict = result.verdict
    return {"lost": verdict.lost, "unmatched copies": verdict.unmatched, "altered": verdict.altered}


def totals(results: list[Result]) -> dict[str, int]:
    """Add up what counts."""
    verdicts = [result.verdict for result in results]
    return {
        "cases": len(results),
        "blows": sum(result.blows for result in results),
        "acked": sum(verdict.acked for verdict in verdicts),
        "delivered": sum(verdict.delivered for verdict in verdicts),
        "bounced": sum(verdict.bounced for verdict in verdicts),
        "duplicates": sum(sum(verdict.duplicates.values()) for verdict in verdicts),
        "unmatched": sum(len(verdict.unmatched) for verdict in verdicts),
        "altered": sum(len(verdict.altered) for verdict in verdicts),
        "lost": sum(len(verdict.lost) for verdict in verdicts),
        "failed": sum(not result.holds for result in results),
    }


def show(results: list[Result], console: Console) -> None:
    """Print the table and a line of totals."""
    table = Table(*COLUMNS[:3], box=None, pad_edge=False)
    for column in COLUMNS[3:-1]:
        table.add_column(column, justify="right")
    table.add_column(COLUMNS[-1])
    for _, rows in groupby(results, key=lambda result: result.row):
        for result in rows:
            table.add_row(*cells(result), style=None if result.holds else "bold red")
        table.add_section()
    console.print(table)
    console.print(" · ".join(f"{name} {count}" for name, count in totals(results).items()), highlight=False)


def to_json(results: list[Result], seconds: float) -> str:
    """Return everything, for machines."""
    return json.dumps(
        {"seconds": round(seconds, 1), "totals": totals(results), "cases": [asdict(result) for result in results]},
        indent=1,
    )
