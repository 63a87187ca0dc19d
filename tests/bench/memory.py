"""
The filter's memory: with many large messages in flight, with a line that does not end, and over many messages.

The first two need more room than the default settings give, so the appliance gets it for this: messages of more than
1 GB, and 50 transactions.  They come from gate 1's own network namespace, for the filter listens to nobody else; so
no queue of gate 1 stands between, and all are in flight at once.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import machine, report
from tests.bench.cgroup import memory_mib, processes
from tests.bench.figures import SMALL
from tests.bench.plan import Plan
from tests.bench.stage import HERE, Stage
from tests.stack.client import wait_for

LIMIT_MIB = 96  # wanted: no worker ever has more
MESSAGES, PART = 50_000, 2_500  # of the long run, and between two samples
GROWTH_MIB = 4  # by which the last quarter of the long run may exceed the second, and count as flat
ROOMY = ("[filter]\nworkers = 2\nmax_transactions = 10", "[filter]\nworkers = {workers}\nmax_transactions = 50")
LARGE_MESSAGES = ("subnet = ", 'message_size_limit = "1100MiB"\nsubnet = ')


@dataclass(frozen=True)
class Held:
    """What was in flight."""

    what: str
    workers: int
    transactions: int
    octets: int  # of each
    line: int  # octets; 0: one line without an end


HELD = (
    Held("50 transactions of 20 MB over 2 workers", 2, 50, 20_000_000, 80),
    Held("50 transactions of 20 MB in 1 worker", 1, 50, 20_000_000, 80),
    Held("one line of 1 GB", 1, 1, 1_000_000_000, 0),
)


def workers(stage: Stage) -> list[int]:
    """Return the host's process ids of the filter's workers."""
    return processes(stage.appliance.container("filter"), "gateway.worker")


def most(stage: Stage, field: str = "VmHWM") -> float:
    """Return the MiB that the largest worker has, or (VmHWM) ever had."""
    return max(memory_mib(pid, field) for pid in workers(stage))


def in_flight(stage: Stage, held: Held) -> dict[str, Any]:
    """Hold transactions open, look at the workers, let them go; all must be answered 250."""
    stage.restart_filter()
    idle = most(stage)
    server = f"{stage.appliance.network('scan')[4]}:10025"
    arguments = (server, *map(str, (held.transactions, held.octets, held.line)))
    gate1 = f"container:{stage.appliance.container('postfix-pre')}"
    script = (HERE / "hold.py").read_text()
    command = ["docker", "run", "--rm", "-i", "--network", gate1, stage.tools, "python3", "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "held\n", f"{held.what}: not all could be held"
        now = most(stage, "VmRSS")
        process.stdin.write("\n")
        process.stdin.close()
        taken = process.stdout.readline()
    assert taken == f"taken {held.transactions}\n", f"{held.what}: {taken}"
    wait_for(lambda: stage.queues_empty() or None, "empty queues", 600)
    return {"what": held.what, "idle_mib": idle, "held_mib": now, "most_mib": most(stage)}


def long_run(stage: Stage, plan: Plan) -> list[dict[str, float]]:
    """Send many small messages through gate 1, and look at the workers after each part."""
    stage.restart_filter()
    part, total = plan.messages(PART), plan.messages(MESSAGES)
    samples: list[dict[str, float]] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=plan.console) as bars:
        task = bars.add_task("messages", total=total)
        for done in range(part, total + 1, part):
            stage.ends.send(stage.server("gate 1"), SMALL, part)
            samples.append({"messages": done, "rss_mib": most(stage, "VmRSS")})
            bars.update(task, completed=done)
    return samples


def growth(samples: list[dict[str, float]]) -> float:
    """Return by how many MiB the largest of the last quarter exceeds the largest of the second."""
    values = [sample["rss_mib"] for sample in samples]
    quarter = len(values) // 4
    return max(values[-quarter:]) - max(values[quarter : 2 * quarter])


def measure(stage: Stage, plan: Plan) -> None:
    """Measure all, then write memory.json and memory.md."""
    console = plan.console
    with console.status("starting an appliance"):
        stage.up(others=False)
    samples = long_run(stage, plan)
    stage.appliance.edit(*LARGE_MESSAGES)
    found = []
    before = ROOMY[0]
    for held in HELD:
        after = ROOMY[1].format(workers=held.workers)
        if after != before:
            stage.appliance.edit(before, after)
        before = after
        with console.status(held.what):
            stage.apply()
            found.append(in_flight(stage, held))
    plan.keep("memory.json", {"machine": machine.describe(), "in_flight": found, "long_run": samples})
    rows = [[one["what"], *(f"{one[key]:.0f}" for key in ("idle_mib", "held_mib", "most_mib"))] for one in found]
    rows = [[*row, f"≤ {LIMIT_MIB}", "yes" if float(row[3]) <= LIMIT_MIB else "no"] for row in rows]
    head = ["in flight", "idle", "held", "most", "wanted", ""]
    last, grown = samples[-1], growth(samples)
    line = [f"{last['messages']:,.0f} messages of 5 kB", f"{samples[0]['rss_mib']:.0f}", f"{last['rss_mib']:.0f}"]
    rows.append(
        [*line, f"{max(one['rss_mib'] for one in samples):.0f}", "flat", "yes" if grown <= GROWTH_MIB else "no"]
    )
    report.show(console, "Memory of the largest worker, MiB (VmRSS, VmHWM)", head, rows)
    (plan.out / "memory.md").write_text(report.markdown(head, rows))
