"""The worker as a process of its own: settings, signals, the shared socket."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway import probe, worker

from .hop import Client
from .sink import Sink


class Process:
    """A worker with a listening socket on fd 0, as the supervisor starts it."""

    def __init__(self, path: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.workers: list[subprocess.Popen[bytes]] = []
        self.lines: list[str] = []
        self.clients: list[Client] = []
        self._news = threading.Condition()
        self._path = path

    def start(self) -> subprocess.Popen[bytes]:
        """Start one more worker on the socket and wait until it accepts."""
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.worker", str(self._path)],
            stdin=self.listener.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(Path(worker.__file__).parents[1]), "PYTHONUNBUFFERED": "1"},
        )
        self.workers.append(process)
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        self.wait_for(f"worker started pid={process.pid}")
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout:
            with self._news:
                self.lines.append(line.decode())
                self._news.notify_all()

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until *text* has been logged *count* times."""
        with self._news:
            assert self._news.wait_for(lambda: sum(text in line for line in self.lines) >= count, 20), self.lines

    async def logged(self, text: str, count: int = 1) -> None:
        """Wait for a line without blocking the test's loop."""
        await asyncio.to_thread(self.wait_for, text, count)

    async def connect(self) -> Client:
        """Open a connection without reading the banner."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    async def session(self) -> Client:
        """Connect and greet."""
        client = await self.connect()
        await client.greet()
        return client

    async def end(self) -> None:
        """Kill what is left."""
        for client in self.clients:
            await client.close()
            with contextlib.suppress(ConnectionError):
                await client.writer.wait_closed()
        for process in self.workers:
            process.kill()
            process.wait()
            process.stdout.close()
        self.listener.close()


@pytest.fixture
async def sink():
    """Give a sink."""
    async with Sink() as running:
        yield running


@pytest.fixture
async def process(sink, settings):
    """Give a worker process, not started yet."""
    started = Process(settings(sink.port))
    yield started
    await started.end()


def held(sink):
    """Make the sink wait before it answers the dot; give the events `asked` and `go_on`."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(*_):
        asked.set()
        await go_on.wait()
        return b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"

    sink.replies[b"."] = wait
    return asked, go_on


async def test_main_message_passes(sink, process):
    """Through a real process on uvloop; one line is logged."""
    await asyncio.to_thread(process.start)
    client = await process.session()
    await client.ask(b"XFORWARD NAME=mx.test ADDR=192.0.2.1 IDENT=4pre")
    assert await client.deliver(b"S: 1\r\n\r\n..\r\n.\r\n") == b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"
    assert sink.messages == [b"S: 1\r\n\r\n..\r\n"]
    await process.logged(
        "INFO transaction pre=4pre post=4ABCdefGHI client=mx.test[192.0.2.1] from=<a@x.test> to=<b@y.test> recipients=1"
    )


async def test_main_20_mb_pass_unchanged(sink, process):
    """Over uvloop's transports, whose reads are larger than asyncio's."""
    await asyncio.to_thread(process.start)
    client = await process.session()
    content = (b"".join(b"%d " % number for number in range(15)) + b"\r\n") * 500_000
    assert (await client.deliver(content + b".\r\n")).startswith(b"250")
    assert sink.messages == [content]


async def test_sigterm_drains_and_exits_0(sink, process):
    """What is under way finishes; the idle are told."""
    running = await asyncio.to_thread(process.start)
    asked, go_on = held(sink)
    idle, busy = await process.session(), await process.session()
    idle_delivering = asyncio.ensure_future(idle.deliver(b"1\r\n.\r\n"))
    await asked.wait()
    go_on.set()
    assert (await idle_delivering).startswith(b"250")
    asked, go_on = held(sink)
    delivering = asyncio.ensure_future(busy.deliver(b"2\r\n.\r\n"))
    await asked.wait()
    running.terminate()
    assert await idle.reply() == b"421 4.3.2 Service shutting down\r\n"
    assert running.poll() is None
    go_on.set()
    assert (await delivering).startswith(b"250")
    assert await asyncio.to_thread(running.wait, 20) == 0
    assert sink.messages == [b"1\r\n", b"2\r\n"]
    await process.logged("drained=True")


async def test_sigterm_cuts_off_at_drain_timeout(sink, process, settings):
    """The outcome of what had its dot sent is unknown, and the log says so."""
    settings(sink.port, drain_timeout_s="0.1")
    running = await asyncio.to_thread(process.start)
    asked, _ = held(sink)
    client = await process.session()
    delivering = asyncio.ensure_future(client.deliver(b"2\r\n.\r\n"))
    await asked.wait()
    running.terminate()
    assert await delivering == b""
    assert await asyncio.to_thread(running.wait, 20) == 0
    await process.logged("outcome=unknown")


async def test_sighup_holds_for_new_sessions_at_once(sink, process, settings):
    """What is under way ends as it began, and nobody waits for it."""
    running = await asyncio.to_thread(process.start)
    asked, go_on = held(sink)
    before = await process.session()
    delivering = asyncio.ensure_future(before.deliver(b"before\r\n.\r\n"))
    await asked.wait()
    settings(sink.port, max_message_octets="1000")
    running.send_signal(worker.signal.SIGHUP)
    await process.logged("worker reloaded")
    meanwhile = await process.session()
    assert b"250-SIZE 1000\r\n" in await meanwhile.ask(b"EHLO mx.test")
    meanwhile_delivering = asyncio.ensure_future(meanwhile.deliver(b"meanwhile\r\n.\r\n"))
    go_on.set()
    assert (await delivering).startswith(b"250")
    assert await before.reply() == b"421 4.3.2 Service shutting down\r\n"
    assert (await meanwhile_delivering).startswith(b"250")
    assert sorted(sink.messages) == [b"before\r\n", b"meanwhile\r\n"]
    running.terminate()
    assert await asyncio.to_thread(running.wait, 20) == 0


async def test_sighup_bad_settings_change_nothing(sink, process, settings):
    """The old ones stay, and the log says why."""
    running = await asyncio.to_thread(process.start)
    client = await process.session()
    settings(sink.port, max_transactions="0")
    running.send_signal(worker.signal.SIGHUP)
    await process.logged("settings refused, the old ones stay")
    assert (await client.deliver(b"x\r\n.\r\n")).startswith(b"250")
    await process.session()


async def test_sighup_storm_under_load_defers_nothing(sink, process):
    """Two workers, reload after reload, a new connection for each message: all are answered 250."""
    first = await asyncio.to_thread(process.start)
    second = await asyncio.to_thread(process.start)
    stop = asyncio.Event()
    delivered = 0

    async def load_():
        nonlocal delivered
        while not stop.is_set():
            client = await process.session()
            for _ in range(3):
                reply = await client.ask(b"RSET")
                if reply.startswith(b"421"):  # as Postfix, whose probe this is, take a fresh connection
                    break
                assert (await client.deliver(b"x\r\n.\r\n")).startswith(b"250")
                delivered += 1
            await client.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(load_())
        for round_ in range(1, 6):
            for running in (first, second):
                running.send_signal(worker.signal.SIGHUP)
                await process.logged(f"worker reloaded pid={running.pid}", round_)
        stop.set()
    assert len(sink.messages) == delivered > 0


async def test_workers_share_one_socket(sink, process):
    """When one ends, the other goes on."""
    first = await asyncio.to_thread(process.start)
    await asyncio.to_thread(process.start)
    first.terminate()
    assert await asyncio.to_thread(first.wait, 20) == 0
    client = await process.session()
    assert (await client.deliver(b"x\r\n.\r\n")).startswith(b"250")


def run(*arguments, stdin=subprocess.DEVNULL):
    """Run a worker that is expected not to start."""
    return subprocess.run(
        [sys.executable, "-m", "gateway.worker", *arguments], stdin=stdin, capture_output=True, text=True, check=False
    )


def test_main_bad_settings_exit_3(settings):
    """With the mistakes on stderr."""
    path = settings(max_transactions="0")
    ended = run(str(path))
    assert ended.returncode == 3
    assert ended.stderr == f"{path}: max_transactions: 0; expected a whole number above 0\n"


def test_main_without_listening_socket_exits_3(settings):
    """Started by hand, say."""
    ended = run(str(settings()))
    assert ended.returncode == 3
    assert ended.stderr.startswith("fd 0 is not a listening socket: ")
    assert run().returncode == 3


def test_main_check_reads_the_settings_only(settings, capsys):
    """As before a reload."""
    assert worker.main(["--check", str(settings())]) == 0
    path = settings(max_transactions="0")
    assert worker.main(["--check", str(path)]) == 3
    assert capsys.readouterr().err == f"{path}: max_transactions: 0; expected a whole number above 0\n"


async def test_healthcheck_has_a_slot_of_its_own(sink, process, settings):
    """With its share under way a worker is busy, not stuck; gate 1 waits, the probe does not."""
    settings(sink.port, max_transactions="1", xforward_peers='["127.0.0.9"]')
    await asyncio.to_thread(process.start)
    asked, _ = held(sink)

    async def gate_1():
        client = Client(*await asyncio.open_connection("127.0.0.1", process.port, local_addr=("127.0.0.9", 0)))
        process.clients.append(client)
        await client.greet()
        return client

    busy, waiting = await gate_1(), await gate_1()
    delivering = asyncio.ensure_future(busy.deliver(b"x\r\n.\r\n"))
    await asked.wait()
    waiting.send(b"MAIL FROM:<a@x.test>\r\n")
    assert await asyncio.to_thread(probe.main, [f"127.0.0.1:{process.port}"]) == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await waiting.reply()
    delivering.cancel()
