"""
What the filter alone carries when each message waits 200 ms for a scanner, with 50 slots.

It comes from gate 1's own network namespace, for the filter listens to nobody else, and past gate 1's queue, which
would be measured otherwise.  Behind the filter all is as it is: gate 2 queues, and delivers to the sink.
"""

from __future__ import annotations

from tests.bench.cgroup import Meter
from tests.bench.figures import SMALL, Measurement
from tests.bench.memory import ROOMY
from tests.bench.stage import HERE, Stage
from tests.bench.variants import PRESSED, load
from tests.stack.client import run, wait_for

MESSAGES = 2000
SLOTS, SCAN_S = 50, 0.2
PORT = 3310


def prepare(stage: Stage) -> None:
    """Give the filter its slots, and start the scanner on the network where the filter reaches one."""
    stage.put("filter")
    stage.appliance.edit(ROOMY[0], ROOMY[1].format(workers=2))
    stage.apply()
    scanner = stage.appliance.client("slow", network="scanners").name
    script = (HERE / "slow.py").read_text()
    run("docker", "exec", "-d", scanner, "python3", "-c", script, str(PORT), str(SCAN_S))
    listening = f"exec 3<>/dev/tcp/127.0.0.1/{PORT}"
    wait_for(lambda: run("docker", "exec", scanner, "bash", "-c", listening, check=False).returncode == 0, scanner)


def measure(stage: Stage, messages: int, number: int) -> Measurement:
    """Press messages through; *number* is the round's.  The seconds are those until the filter has answered all."""
    parts = {part: stage.appliance.container(name) for part, name in (("filter", "filter"), ("gate 2", "postfix-post"))}
    server = f"{stage.appliance.network('scan')[4]}:10025"
    gate1 = f"container:{stage.appliance.container('postfix-pre')}"
    arguments = (server, *map(str, (SLOTS, SMALL, messages)), "slow")
    script = (HERE / "press.py").read_text()

    def go() -> str:
        return run("docker", "run", "--rm", "--network", gate1, stage.tools, "python3", "-c", script, *arguments).stdout

    busy = load()
    meters = {part: Meter(container) for part, container in parts.items()}
    timing = stage.ends.during(messages + SLOTS, go)  # each session warms up with one
    cpu_ms = {part: 1000 * meter.seconds() / (messages + SLOTS) for part, meter in meters.items()}
    wait_for(lambda: stage.queues_empty() or None, "empty queues")
    return Measurement(number, PRESSED, SMALL, messages, timing.accepted_s, timing.accepted_s, busy, cpu_ms)
