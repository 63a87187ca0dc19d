"""
Both roads through an appliance: gate 1 → filter → gate 2 → sink, then the same with socat where the filter was.

socat stands on the filter's addresses, on both its networks, and copies octets: what it and the filter do not have in
common the filter has done.  Client and sink are one process in one container, so that it knows what is under way.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.corpus.corpora import VOLUME, ensure
from tests.stack.appliance import Appliance
from tests.stack.client import ROOT, run, wait_for

type Progress = Callable[[str, int, int], None]  # road, messages whose end is known, messages in all


def compare_roads(appliance: Appliance, domain: str, next_hop: str, *, sample: int, progress: Progress) -> dict:
    """
    Send the messages on both roads and compare what came out.

    Args:
        appliance: One that runs; its filter is away for a while, and back in the end.
        domain: A relay domain of it, with any recipient.
        next_hop: That domain's, a name on the egress network; whatever has it now is removed.
        sample: How many messages of the corpora; 0 for all.
        progress: Called several times a second.

    Returns:
        What compare.py prints.

    Raises:
        CorpusMissingError: The messages could not be fetched.
    """
    ensure()
    container = _client_and_sink(appliance, next_hop)
    _travel(container, ["filter", appliance.outside, domain, str(sample)], progress)
    with _socat(appliance):
        _travel(container, ["socat", appliance.outside, domain, str(sample)], progress)
    done = run("docker", "exec", container, "python3", "-m", "tests.corpus.compare", str(sample))
    run("docker", "rm", "-fv", container)
    return json.loads(done.stdout)


def _client_and_sink(appliance: Appliance, next_hop: str) -> str:
    name = f"{appliance.project}-x-{next_hop}"
    run("docker", "rm", "-fv", name, check=False)
    appliance.adopt(name)
    mounts = ("-v", f"{VOLUME}:/corpus:ro", "-v", f"{ROOT}/tests:/code/tests:ro", "-w", "/code")
    network = f"{appliance.project}_edge"
    settings = ("--init", "--name", name, "--network", network, "-e", "PYTHONDONTWRITEBYTECODE=1")
    run("docker", "run", "-d", *settings, *mounts, f"sallyport-tools:{appliance.project}", "sleep", "infinity")
    run("docker", "network", "connect", "--alias", next_hop, f"{appliance.project}_egress", name)
    return name


def _travel(container: str, arguments: list[str], progress: Progress) -> None:
    command = ["docker", "exec", container, "python3", "-m", "tests.corpus.road", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            told = json.loads(line)
            progress(arguments[0], told["done"], told["of"])
        said = process.stderr.read()
    assert process.returncode == 0, f"the road ended with {process.returncode}:\n{said}"


@contextmanager
def _socat(appliance: Appliance) -> Iterator[None]:
    """Put socat in the filter's place for a while."""
    name = f"{appliance.project}-x-socat"
    scan, reinject = (str(appliance.address("filter", network)) for network in ("scan", "reinject"))
    target = f"TCP:{appliance.address('postfix-post', 'reinject')}:10026"
    run("docker", "rm", "-fv", name, check=False)
    appliance.compose("stop", "filter")
    appliance.adopt(name)
    try:
        image = f"sallyport-tools:{appliance.project}"
        network = ("--network", f"{appliance.project}_reinject", "--ip", reinject)
        listen = "TCP-LISTEN:10025,fork,reuseaddr,backlog=128"
        run("docker", "run", "-d", "--init", "--name", name, *network, image, "socat", listen, target)
        run("docker", "network", "connect", "--ip", scan, f"{appliance.project}_scan", name)
        hop = f"exec 3<>/dev/tcp/{scan}/10025; head -n 1 <&3 | grep -q ^220"
        wait_for(
            lambda: appliance.exec("postfix-pre", "bash", "-c", hop, check=False).returncode == 0, "gate 2 behind socat"
        )
        yield
    finally:
        run("docker", "rm", "-fv", name, check=False)
        appliance.compose("start", "filter")
        appliance.healthy("filter")
