"""
Processes of a container, seen from the host, and who of them holds a connection.

Signals go by os.kill to host pids: at once, in the same turn of the loop in which the proxy holds the octets, while
`docker kill` takes a tenth of a second and counts as an operator's stop, after which the engine restarts nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from tests.stack.client import run

_ESTABLISHED = ("01", "08")  # and CLOSE_WAIT: the other end has closed


def init_of(container: str) -> int:
    """Return the host pid of a container's PID 1; 0 while it does not run."""
    return int(run("docker", "inspect", "-f", "{{.State.Pid}}", container).stdout)


def children(init: int) -> list[int]:
    """Return the children of a container's PID 1: Postfix's daemons, or the filter's workers."""
    try:
        return [int(pid) for pid in Path(f"/proc/{init}/task/{init}/children").read_text().split()]
    except FileNotFoundError:
        return []


def named(init: int, name: str) -> list[int]:
    """Return the children whose command line holds a word: "smtpd", "gateway.worker"."""
    return [pid for pid in children(init) if re.search(rf"(^|[/ ]){re.escape(name)}($| )", command(pid))]


def command(pid: int) -> str:
    """Return a process's command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def owner(init: int, *, local: int | None = None, remote: int | None = None) -> int | None:
    """
    Return the child that holds an established connection with these ports, or None.

    A supervisor or a master may hold the listening socket too, but never a connection.
    """
    inode = _inode(init, local, remote)
    for pid in children(init) if inode else ():
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) == f"socket:[{inode}]":
                        return pid
    return None


def _inode(init: int, local: int | None, remote: int | None) -> str:
    try:
        rows = Path(f"/proc/{init}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return ""
    for row in rows:
        fields = row.split()
        here, there = (int(address.split(":")[1], 16) for address in fields[1:3])
        if fields[3] in _ESTABLISHED and local in (None, here) and remote in (None, there) and fields[9] != "0":
            return fields[9]
    return ""


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to processes; those already gone are fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def inside(init: int, *arguments: str) -> str:
    """Run a command of the host in a container's network namespace."""
    return run("nsenter", "-t", str(init), "-n", *arguments).stdout


def mounting(init: int, *arguments: str) -> None:
    """Run mount or umount among a container's mounts; among its processes too, for they look into /proc/self."""
    run("nsenter", "-t", str(init), "-m", "-p", *arguments)
