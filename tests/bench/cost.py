"""
The cost of the hop: six roads, two sizes, in rounds; and what the filter alone carries behind a slow scanner.

Rounds are interleaved, a b c f d e, a b c f d e, so that whatever the machine does besides falls on all alike.  The
last needs other settings, so it comes at the end, as often.
"""

from __future__ import annotations

from dataclasses import asdict

from tests.bench import machine, pressed, report
from tests.bench.figures import SIZES, Measurement
from tests.bench.plan import Plan
from tests.bench.plot import svg
from tests.bench.stage import Stage
from tests.bench.variants import VARIANTS
from tests.bench.variants import measure as measure_one


def measure(stage: Stage, plan: Plan) -> None:
    """Measure all, then write cost.json, cost.md and cost.svg."""
    console = plan.console
    with console.status("starting an appliance, and what it is compared with"):
        stage.search()
        stage.up()
    measurements: list[Measurement] = []
    busy: list[float] = []
    for number in range(1, plan.rounds + 1):
        with console.status("waiting for a quiet machine"):
            busy.append(machine.await_quiet(plan.patience_s))
        for variant in VARIANTS:
            for octets, size in SIZES.items():
                with console.status(f"round {number} of {plan.rounds}: {variant.title}, {size}"):
                    messages = plan.messages(variant.messages[octets])
                    measurements.append(measure_one(stage, variant, octets, messages, number))
        console.print(f"round {number}: the machine was {busy[-1]:.0%} busy with other things before it")
    with console.status("the filter alone, with a slow scanner"):
        pressed.prepare(stage)
        for number in range(1, plan.rounds + 1):
            busy.append(machine.await_quiet(plan.patience_s))
            measurements.append(pressed.measure(stage, plan.messages(pressed.MESSAGES), number))
    results = {"machine": machine.describe(), "busy": busy, "measurements": [asdict(one) for one in measurements]}
    plan.keep("cost.json", results)
    (plan.out / "cost.md").write_text(report.tables(measurements))
    (plan.out / "cost.svg").write_text(svg(measurements))
    report.show(console, "The cost of a hop, medians of the rounds", report.HEAD, list(report.rows(measurements)))
    report.show(console, "What is wanted", report.WISH_HEAD, list(report.wish_rows(measurements)))
    console.print(f"written: {plan.out}/cost.json, cost.md, cost.svg")
