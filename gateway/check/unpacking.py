"""
The worker's side of gateway.check.unpack: start the child, read its events, end it in any case.

The child gets the archive on fd 0, no environment, and a process group of its own, which is killed at the deadline,
when the check is cancelled, and when it is done.

Log levels: none; what a child does is a fact about a message.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import gateway
from gateway.check.base import CheckFailed

MEMORY = 512 * 2**20  # octets of address space; what xz, 7z and rar want for their windows is within
MAX_LINE = 65_536  # octets of an event
_HERE = Path(gateway.__file__).parents[1]  # `-m` looks there first, installed or not

type Event = list[str]


async def unpack(archive: int, limits: dict[str, int], deadline: float) -> AsyncGenerator[Event]:
    """
    Look into an archive.

    Args:
        archive: File descriptor of a file that can be mapped; its offset does not matter.
        limits: depth, entries, ratio, unpacked.
        deadline: When the child is killed, by the loop's time.

    Yields:
        The events of gateway.check.unpack, and ["bomb", why] in place of "done" when it did not come to its end.

    Raises:
        CheckFailed: no process could be started.
    """
    left = deadline - asyncio.get_running_loop().time()
    told = limits | {"memory": MEMORY, "cpu": max(int(left) + 1, 1)}
    command = (sys.executable, "-ESs", "-m", "gateway.check.unpack", *(f"{name}={n}" for name, n in told.items()))
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=archive,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd=_HERE,
            start_new_session=True,
            limit=MAX_LINE,
        )
    except OSError as error:
        raise CheckFailed(f"no process to unpack in: {error.strerror}") from None
    try:
        async for event in _events(child, deadline):
            yield event
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        await child.communicate()  # what it had still written, so that the pipe is closed


async def _events(child: asyncio.subprocess.Process, deadline: float) -> AsyncGenerator[Event]:
    stdout = child.stdout
    if stdout is None:
        raise RuntimeError("a child without its pipe")
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                line = await stdout.readline()
        except TimeoutError:
            yield ["bomb", "looking into it took too long"]
            return
        except ValueError:
            yield ["bomb", "an event too long"]
            return
        if not line.endswith(b"\n"):
            yield ["bomb", "looking into it ended with its process"]
            return
        event = [field.decode("unicode_escape") for field in line[:-1].split(b"\t")]
        yield event
        if event[0] == "done":
            return
