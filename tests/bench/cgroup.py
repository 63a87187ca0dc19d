"""
Processor time and memory of containers, as the kernel counts them.

Read from the host's side, by its process ids: a command run in a container would count as the container's own work.
Both layouts are known: cgroup v1 (cpuacct.usage) and v2 (cpu.stat).
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.stack.client import run

ROOT = Path(os.environ.get("CGROUP_ROOT", "/sys/fs/cgroup"))


def cpu_file(membership: str, root: Path) -> Path:
    """
    Return the file that holds a process's processor time.

    Args:
        membership: Its /proc/<pid>/cgroup.
        root: Where the host's cgroup file systems are mounted.

    Raises:
        LookupError: Neither layout is there.
    """
    unified = None
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpuacct" in controllers.split(","):
            for name in (controllers, "cpuacct"):
                if (root / name).is_dir():
                    return root / name / path.lstrip("/") / "cpuacct.usage"
        if not controllers:
            unified = path.lstrip("/")
    if unified is not None and (root / "cgroup.controllers").exists():
        return root / unified / "cpu.stat"
    raise LookupError(f"no processor time to be found under {root} for:\n{membership}")


def cpu_seconds(file: Path) -> float:
    """Return the processor time, of all processes that ever were in the cgroup."""
    text = file.read_text()
    if file.name == "cpuacct.usage":
        return int(text) / 1e9  # nanoseconds
    return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6


class Meter:
    """The processor time of one container, from one reading to the next."""

    def __init__(self, container: str) -> None:
        init = run("docker", "inspect", "-f", "{{.State.Pid}}", container).stdout.strip()
        self._file = cpu_file(Path(f"/proc/{init}/cgroup").read_text(), ROOT)
        self._start = cpu_seconds(self._file)

    def seconds(self) -> float:
        """Return what it used since this was made."""
        return cpu_seconds(self._file) - self._start


def processes(container: str, having: str) -> list[int]:
    """Return the host's ids of a container's processes whose command line has a word in it, in order."""
    listed = run("docker", "top", container, "-eo", "pid,args").stdout.splitlines()[1:]
    return sorted(int(line.split()[0]) for line in listed if having in line)


def memory_mib(pid: int, field: str) -> float:
    """Return VmRSS (now) or VmHWM (the most there was) of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(f"{field}:"))
