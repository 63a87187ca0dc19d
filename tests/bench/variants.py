"""The roads that are compared, and one measurement of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.bench import attached
from tests.bench.cgroup import Meter
from tests.bench.figures import LARGE, SMALL, Measurement
from tests.bench.stage import Stage
from tests.stack.client import wait_for

WARM_UP = 40  # messages that go first, so that all processes are there


@dataclass(frozen=True)
class Variant:
    """One road."""

    letter: str
    title: str
    in_place: str  # in the filter's place; empty: one Postfix instead of the appliance
    server: str  # of Stage.server()
    messages: dict[int, int]  # per measurement, by octets; fewer for the slow, so that all take some seconds
    to: str = "someone@bench.test"
    attached: bool = False  # messages as people send them, not just x


# In the order in which they are measured: what is compared closely stands together.
VARIANTS = (
    Variant("a", "one plain Postfix", "", "plain", {SMALL: 2000, LARGE: 400}),
    Variant("b", "gate 1 → socat → gate 2", "socat", "gate 1", {SMALL: 2000, LARGE: 400}),
    Variant("c", "gate 1 → the filter → gate 2", "filter", "gate 1", {SMALL: 2000, LARGE: 400}),
    Variant(
        "f",
        "gate 1 → the filter with three checks → gate 2",
        "filter",
        "gate 1",
        {SMALL: 2000, LARGE: 400},
        "someone@searched.test",
        attached=True,
    ),
    Variant("d", "gate 1 → amavisd-new → gate 2", "amavis", "gate 1", {SMALL: 500, LARGE: 200}),
    Variant("e", "pipe(8), shell script, sendmail", "", "pipe", {SMALL: 1000, LARGE: 300}),
)
PRESSED = "g"
TITLES = dict(sorted((variant.letter, variant.title) for variant in VARIANTS)) | {
    PRESSED: "the filter alone, a scanner of 200 ms, 50 slots"
}


def load() -> float:
    """Return the machine's load of the last minute."""
    return float(Path("/proc/loadavg").read_text().split()[0])


def measure(stage: Stage, variant: Variant, octets: int, messages: int, number: int) -> Measurement:
    """Send messages on one road; *number* is the round's."""
    if variant.in_place:
        stage.put(variant.in_place)
        gates = {gate: stage.appliance.container(gate) for gate in ("postfix-pre", "postfix-post")}
        parts = {"gate 1": gates["postfix-pre"], "filter": stage.in_place(), "gate 2": gates["postfix-post"]}
    else:
        parts = {"server": stage.plain(variant.server)}
    server = stage.server(variant.server)
    file = stage.ends.put(f"attached-{octets}", attached.message(octets)) if variant.attached else ""
    stage.ends.send(server, octets, min(WARM_UP, messages), to=variant.to, file=file)
    busy = load()
    meters = {part: Meter(container) for part, container in parts.items()}
    timing = stage.ends.send(server, octets, messages, to=variant.to, file=file)
    cpu_ms = {part: 1000 * meter.seconds() / messages for part, meter in meters.items()}
    if variant.in_place:
        wait_for(lambda: stage.queues_empty() or None, "empty queues")
    return Measurement(number, variant.letter, octets, messages, timing.seconds, timing.accepted_s, busy, cpu_ms)
