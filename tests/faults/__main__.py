"""
Play all faults on an appliance made for it, and report.

    python -m tests.faults [--row N]... [--count N] [--json]

`make test-faults` runs it where the engine's containers can be reached by pid.  --row narrows to rows of
docs/faults.md, --count changes the 200 messages of a case, --json prints the report for machines.  The appliance has
queue volumes in memory, 48 MiB each, so that they can be filled.  STACK_PROJECT and STACK_SUBNET are those of the
stack tests.

Exit codes: 0 nothing was lost, each surplus copy is explained by a fault, and each fault ended as it should; 1 not so.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from tests.faults import rows_changes, rows_phases, rows_places, rows_storms
from tests.faults.places import make_small_volumes
from tests.faults.report import cells, show, to_json, totals
from tests.faults.stage import Result, Stage
from tests.stack.client import run
from tests.stack.conftest import PREFIX, Maker

CONFIG = "under-fault"
BASE_IMAGE = "debian:trixie-slim"

type Group = tuple[set[str], Callable[[], Iterator[Result]]]


def groups(stage: Stage, keeper: str, count: int) -> list[Group]:
    """Return the rows each group of cases covers, and how it is played; what replaces containers comes last."""

    def group(rows: str, play: Callable[..., Iterator[Result]], *arguments: object, share: float = 1) -> Group:
        return set(rows.split()), lambda: play(stage, *arguments, round(count * share))

    return [
        group("4 5 6", rows_phases.kill_filter_worker),
        group("8 9", rows_phases.kill_gate_2),
        group("10", rows_phases.kill_outbound),
        group("14", rows_phases.cut_connections),
        group("14", rows_places.drop_packets),
        group("12 13", rows_phases.freeze),
        group("15", rows_places.cut_internet),
        group("18 19", rows_places.fill_disks, keeper),
        group("20", rows_places.fill_small_places),
        group("21", rows_places.forbid_writing),
        group("21", rows_places.fail_disk),
        group("26", rows_changes.refuse, share=0.2),
        group("26", rows_storms.refuse_one_in_ten),
        group("38", rows_storms.storm, share=rows_storms.STORM),
        group("27", rows_changes.close_reused),
        group("28", rows_changes.poison, share=0.2),
        group("31", rows_changes.reload_badly),
        group("32", rows_changes.reload_well),
        group("1 2 3", rows_phases.kill_gate_1),
        group("7", rows_phases.kill_filter_container),
        group("11", rows_phases.stop_in_order),
        group("30", rows_places.use_up),
        group("16", rows_places.stop_resolver),
        group("29", rows_changes.crash_loop),
        group("33", rows_changes.recreate),
        group("33", rows_changes.replace_images),
    ]


@contextlib.contextmanager
def set_up() -> Iterator[tuple[Stage, str]]:
    """Make the appliance, and remove it at the end."""
    run("scripts/base-image")
    keeper = make_small_volumes(f"{PREFIX}-{CONFIG}", BASE_IMAGE)
    with tempfile.TemporaryDirectory() as directory:
        maker = Maker(Path(directory))
        try:
            appliance = maker(CONFIG)
            appliance.adopt(keeper)
            stage = Stage(appliance)
            stage.prepare()
            yield stage, keeper
            stage.close()
        finally:
            run("docker", "rm", "-fv", keeper, check=False)
            maker.remove_all()


def main() -> int:
    """Play, report, judge."""
    parser = argparse.ArgumentParser(prog="tests.faults")
    parser.add_argument("--row", action="append", default=[])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began = time.monotonic()
    results: list[Result] = []
    broken: list[str] = []
    progress = Console(stderr=True)
    with set_up() as (stage, keeper):
        for rows, play in groups(stage, keeper, asked.count):
            if asked.row and not rows & set(asked.row):
                continue
            try:
                for result in play():
                    results.append(result)
                    style = None if result.holds else "bold red"
                    progress.print("  ".join(cells(result)), style=style, highlight=False, soft_wrap=True)
            except AssertionError as error:  # the case could not be played to its end; the others can
                broken.append(f"row {' '.join(sorted(rows))}: {error}")
                progress.print(broken[-1], style="bold red", highlight=False)
    results.sort(key=lambda result: int(result.row))
    if asked.json:
        print(to_json(results, time.monotonic() - began))
    else:
        show(results, Console(width=None if sys.stdout.isatty() else 160))
    return 1 if broken or totals(results)["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
