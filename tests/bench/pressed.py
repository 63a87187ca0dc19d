"""
What the filter alone carries when each message waits 200 ms for a scanner, with 50 slots.

It comes from gate 1's own network namespace, for the filter listens to nobody else.  Gate 1 itself has no part in it,
and in gate 2's place, on its address, is smtp-sink: both would be measured otherwise, and what their queues carry is
the other roads' question.
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
REINJECT_PORT = 10026


def prepare(stage: Stage) -> None:
    """Give the filter its slots, a scanner where it reaches one, and a sink in gate 2's place."""
    stage.put("filter")
    stage.appliance.edit(ROOMY[0], ROOMY[1].format(workers=2))
    stage.apply()
    scanner = stage.appliance.client("slow", network="scanners").name
    script = (HERE / "slow.py").read_text()
    run("docker", "exec", "-d", scanner, "python3", "-c", script, str(PORT), str(SCAN_S))
    address = str(stage.appliance.address("postfix-post", "reinject"))
    run("docker", "stop", stage.appliance.container("postfix-post"))
    sink = stage.appliance.client("reinject-sink", network="reinject", ip=address).name
    run("docker", "exec", "-d", sink, "smtp-sink", "-u", "nobody", f"0.0.0.0:{REINJECT_PORT}", "1024")
    for name, port in ((scanner, PORT), (sink, REINJECT_PORT)):
        listening = f"exec 3<>/dev/tcp/127.0.0.1/{port}"
        wait_for(
            lambda name=name, at=listening: run("docker", "exec", name, "bash", "-c", at, check=False).returncode == 0,
            name,
        )


def measure(stage: Stage, messages: int, number: int) -> Measurement:
    """Press messages through; *number* is the round's.  The seconds are those until the filter has answered all."""
    server = f"{stage.appliance.network('scan')[4]}:10025"
    gate1 = f"container:{stage.appliance.container('postfix-pre')}"
    arguments = (server, *map(str, (SLOTS, SMALL, messages)), "slow")
    script = (HERE / "press.py").read_text()
    busy, meter = load(), Meter(stage.appliance.container("filter"))
    pressing = ("docker", "run", "--rm", "--network", gate1, stage.tools, "python3", "-c", script, *arguments)
    begin, end = map(float, run(*pressing).stdout.split())
    cpu_ms = {"filter": 1000 * meter.seconds() / (messages + SLOTS)}  # each session warms up with one
    return Measurement(number, PRESSED, SMALL, messages, end - begin, end - begin, busy, cpu_ms)
