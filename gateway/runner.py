"""
The runner: programs of the operator's own, run on messages for the filter, in a container without a network.

    python -m gateway.runner [--socket PATH] [--commands DIRECTORY] [--work DIRECTORY] [--slots N]
    python -m gateway.runner --ping [--socket PATH]

The filter's workers connect to a Unix socket, which its group alone may do, and say what to run (message.program).
Each program is kept by a process of its own (gateway.confine), which also cleans up.  A filter that closes before it
has the result has given up on it, and the program is ended.  What even its keeper could not end makes the runner
itself end: the engine then clears the container, and starts it again.

All programs run as the runner's user, for without capabilities it can become no other: what one program may do to the
files of another at the same time is up to them.

Log levels: INFO start and stop; WARNING a program that had to be ended; ERROR a bug.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

from gateway import confine
from gateway.message.program import (
    CONTENT,
    END,
    MAX_FRAME,
    MAX_HEAD,
    MAX_STDERR,
    OUTPUT,
    PING,
    RESULT,
    SOCKET,
    TASK,
    Misframed,
    Result,
    Task,
    frame,
    next_frame,
)

log = logging.getLogger(__name__)

BACKLOG = 128
DRAIN_S = 50  # less than stop_grace_period in compose.yaml
LONGEST_S = 3600  # of one program; its check's time-out is shorter, and closes the connection
GRACE_S = confine.PATIENCE_S + 5  # for a keeper to end its program and clean up


class Runner:
    """Serve connections; run at most *slots* programs at once."""

    def __init__(self, commands: Path, work: Path, slots: int) -> None:
        self._commands = commands
        self._work = work
        self._slots = asyncio.Semaphore(slots)
        self._share = slots  # the limit of processes is the user's, so each program's is that of all of them
        self._keepers: set[int] = set()
        self._starting = asyncio.Lock()  # a keeper that is not yet among *keepers* must not be taken for a stray

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: one task, or a ping."""
        try:
            kind, octets = await next_frame(reader, MAX_HEAD)
            if kind == PING:
                writer.write(frame(PING))
            elif kind == TASK:
                task = Task.read(octets)
                async with self._slots, asyncio.timeout(LONGEST_S):
                    await self._run(task, reader, writer)
        except* (Misframed, OSError, EOFError, TimeoutError) as group:
            log.warning("gave up: %s", group.exceptions[0])
        except* Exception:
            log.exception("connection failed")
        finally:
            writer.close()

    async def _run(self, task: Task, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keeper = await self._start(task)
        fed = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(_feed(reader, keeper, fed))
                output = tasks.create_task(_pass_on(keeper.stdout, writer))
                stderr = tasks.create_task(_beginning(keeper.stderr))
                await _exited(keeper)
                await self._clear()
                status = await keeper.wait()
                await output
                await fed.wait()
                feeding.cancel()
            result = Result(status if status >= 0 else 128 - status, (await stderr).decode("utf-8", "replace"))
            writer.write(frame(RESULT, result.wire()))
            await writer.drain()
        finally:
            await self._end(keeper)

    async def _start(self, task: Task) -> asyncio.subprocess.Process:
        limits = dict(task.limits)
        if "processes" in limits:
            limits["processes"] *= self._share
        words = [
            *(sys.executable, "-I", "-S", confine.__file__),
            ",".join(f"{name}={value}" for name, value in limits.items()),
            str(self._work / f"run-{secrets.token_hex(8)}"),
            str(self._commands / task.program),
            *task.arguments,
        ]
        async with self._starting:
            keeper = await asyncio.create_subprocess_exec(
                *(word.encode("latin-1") for word in words),
                env={name: value.encode("latin-1") for name, value in task.environment.items()},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if task.output else asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            self._keepers.add(keeper.pid)
        return keeper

    async def _end(self, keeper: asyncio.subprocess.Process) -> None:
        """See to it that nothing of a run is left."""
        if keeper.returncode is None:
            log.warning("ending a program whose result nobody wants any more")
            keeper.terminate()
            try:
                await asyncio.wait_for(_exited(keeper), GRACE_S)
            except TimeoutError:
                keeper.kill()
                await _exited(keeper)
        await self._clear()
        await keeper.wait()
        self._keepers.discard(keeper.pid)

    async def _clear(self) -> None:
        """End what became a child of this process because its keeper is gone."""
        async with self._starting:
            if not confine.end_all(confine.children, frozenset(self._keepers)):
                log.error("processes that cannot be killed: the container has to go")
                os._exit(70)


async def _exited(keeper: asyncio.subprocess.Process) -> None:
    """Wait until the process has ended; its wait() also waits for its pipes, which strays may hold open."""
    try:
        descriptor = os.pidfd_open(keeper.pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _feed(reader: asyncio.StreamReader, keeper: asyncio.subprocess.Process, fed: asyncio.Event) -> None:
    """
    Give the content to the program; when that wants no more, read on all the same, for the filter sends it all.

    Raises:
        EOFError: the filter has closed, which it does not before it has the result, unless it has given up.
        Misframed: it sent what has no place here.
    """
    stdin = keeper.stdin
    if stdin is None:
        raise RuntimeError("no pipe")
    wanted = True
    while True:
        kind, octets = await next_frame(reader)
        if kind != CONTENT:
            break
        if wanted:
            try:
                stdin.write(octets)
                await stdin.drain()
            except (BrokenPipeError, ConnectionResetError):
                wanted = False
    if kind != END:
        raise Misframed(f"frame {kind!r} in the content")
    stdin.close()
    fed.set()
    if await reader.read(1):
        raise Misframed("more after the end of the content")
    raise EOFError("the filter wants no result any more")


async def _pass_on(stdout: asyncio.StreamReader | None, writer: asyncio.StreamWriter) -> None:
    """Send what the program writes on to the filter, as fast as that takes it."""
    while stdout is not None and (octets := await stdout.read(MAX_FRAME)):
        writer.write(frame(OUTPUT, octets))
        await writer.drain()


async def _beginning(stderr: asyncio.StreamReader | None) -> bytes:
    """Read all, and keep the beginning."""
    kept = b""
    while stderr is not None and (octets := await stderr.read(MAX_FRAME)):
        kept += octets[: MAX_STDERR - len(kept)]
    return kept


def listen(path: Path) -> socket.socket:
    """Listen on a Unix socket that its group may connect to; one that is left from before is replaced."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    path.chmod(0o660)
    return listening


async def run(listening: socket.socket, runner: Runner) -> None:
    """Serve until SIGTERM; what runs then has DRAIN_S to end, else it is cut off, and its check has failed."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_unix_server(runner.serve, sock=listening, backlog=BACKLOG)
    log.info("runner is ready")
    await stop.wait()
    log.info("runner stops")
    server.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            await server.wait_closed()


async def ping(path: Path) -> bool:
    """Tell whether a runner answers."""
    with contextlib.suppress(OSError, EOFError, TimeoutError, Misframed):
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(frame(PING))
                return (await next_frame(reader))[0] == PING
            finally:
                writer.close()
    return False


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(prog="gateway.runner")
    parser.add_argument("--socket", type=Path, default=Path(SOCKET))
    parser.add_argument("--commands", type=Path, default=Path("/commands"))
    parser.add_argument("--work", type=Path, default=Path("/tmp"))  # noqa: S108 - a tmpfs of its own
    parser.add_argument("--slots", type=int, default=int(os.environ.get("SLOTS", "10")))
    parser.add_argument("--ping", action="store_true")
    arguments = parser.parse_args()
    if arguments.ping:
        sys.exit(0 if asyncio.run(ping(arguments.socket)) else "runner does not answer")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    confine.become_reaper()
    runner = Runner(arguments.commands, arguments.work, arguments.slots)
    asyncio.run(run(listen(arguments.socket), runner))


if __name__ == "__main__":
    main()
