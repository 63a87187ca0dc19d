"""Faults of places, not of processes: a full or read-only disk, a cut network, memory and descriptors used up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults import processes
from tests.faults.stage import Stage
from tests.stack.client import run

QUEUES = {"postfix-pre": "queue-pre", "postfix-post": "queue-post"}
VOLUME_OPTIONS = "size=48m,nr_inodes=6000"  # of the queues in `make test-faults`: a file system that can be filled
SPOOL = "/var/spool/postfix"


def make_small_volumes(project: str, image: str) -> str:
    """
    Make the queue volumes before Compose would, small and in memory; return the container that holds them.

    The engine unmounts a volume that nobody uses, which would empty these: the container keeps them in use.  It also
    fills them.
    """
    mounts = []
    for name in QUEUES.values():
        volume = f"{project}_{name}"
        run("docker", "volume", "rm", "-f", volume)
        labels = ("--label", f"com.docker.compose.project={project}", "--label", f"com.docker.compose.volume={name}")
        options = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", f"o={VOLUME_OPTIONS}")
        run("docker", "volume", "create", *labels, *options, volume)
        mounts += ["-v", f"{volume}:/{name}"]
    keeper = f"{project}-x-keeper"
    run("docker", "rm", "-fv", keeper, check=False)
    run("docker", "run", "-d", "--init", "--network", "none", "--name", keeper, *mounts, image, "sleep", "infinity")
    return keeper


@contextlib.contextmanager
def full(container: str, directory: str) -> Iterator[None]:
    """Fill a file system to its last block."""
    run("docker", "exec", container, "sh", "-c", f"cat /dev/zero >{directory}/ballast 2>/dev/null; true")
    try:
        yield
    finally:
        run("docker", "exec", container, "rm", "-f", f"{directory}/ballast")


@contextlib.contextmanager
def without_inodes(container: str, directory: str) -> Iterator[None]:
    """Use up the inodes of a file system."""
    script = f"mkdir -p {directory}/b && cd {directory}/b && seq 100000 | xargs touch 2>/dev/null; true"
    run("docker", "exec", container, "sh", "-c", script)
    try:
        yield
    finally:
        run("docker", "exec", container, "rm", "-rf", f"{directory}/b")


@contextlib.contextmanager
def read_only_queue(stage: Stage, gate: str) -> Iterator[None]:
    """
    Make the directory in which a gate's new queue files begin read-only, as a kernel does after an error of the disk.

    A mount of its own over `incoming`: of the whole volume the kernel would not let go while files are open.
    """
    init, incoming = stage.init(gate), f"{SPOOL}/incoming"
    processes.mounting(init, "mount", "--bind", incoming, incoming)
    processes.mounting(init, "mount", "-o", "remount,bind,ro", incoming)
    try:
        yield
    finally:
        processes.mounting(init, "umount", incoming)


@contextlib.contextmanager
def cut_off(stage: Stage, service: str, port: int) -> Iterator[None]:
    """Cut a container off from a port everywhere, as a router without a route does."""
    init = stage.init(service)
    rule = ("OUTPUT", "-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "icmp-net-unreachable")
    processes.inside(init, "iptables", "-w", "-I", *rule)
    try:
        yield
    finally:
        processes.inside(init, "iptables", "-w", "-D", *rule)


@contextlib.contextmanager
def dropping(stage: Stage, service: str, port: int) -> Iterator[None]:
    """
    Drop each packet of a container's connections to a port, both ways, as a cable does that is pulled.

    By the port first asked for, so that the stretch between the sender and our proxy is cut as well: the senders' own
    TCP meets the loss, and connections that begin meanwhile get no answer.
    """
    init = stage.init(service)
    rule = ("-p", "tcp", "-m", "conntrack", "--ctorigdstport", str(port), "-j", "DROP")
    with contextlib.ExitStack() as undo:
        for chain in ("OUTPUT", "INPUT"):
            processes.inside(init, "iptables", "-w", "-I", chain, *rule)
            undo.callback(processes.inside, init, "iptables", "-w", "-D", chain, *rule)
        yield
        dropped = processes.inside(init, "iptables", "-w", "-nvxL", "OUTPUT", "1").split()[0]
        assert dropped != "0", "no packet was dropped"


def out_of_memory(stage: Stage, service: str, victims: list[int]) -> None:
    """Let the kernel's OOM killer take processes of a container, by using up the container's memory beside them."""
    for pid in victims:
        with contextlib.suppress(FileNotFoundError):
            Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
    run("docker", "exec", stage.appliance.container(service), "tail", "/dev/zero", check=False)


@contextlib.contextmanager
def few_descriptors(stage: Stage, pids: list[int], spare: int) -> Iterator[None]:
    """Leave the filter's workers room for a few descriptors more than they hold."""
    container = stage.appliance.container("filter")
    script = (
        "import os, resource, sys\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    try: worker = b'gateway.worker' in open(f'/proc/{pid}/cmdline', 'rb').read()\n"
        "    except OSError: continue\n"
        "    if worker: resource.prlimit(int(pid), resource.RLIMIT_NOFILE, (int(sys.argv[1]), 4096))\n"
    )
    held = max(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
    run("docker", "exec", container, "python", "-c", script, str(held + spare))
    try:
        yield
    finally:
        run("docker", "exec", container, "python", "-c", script, "4096")


def rest(seconds: float) -> None:
    """Let a fault last: its length is part of the case, there is nothing to wait for."""
    time.sleep(seconds)
