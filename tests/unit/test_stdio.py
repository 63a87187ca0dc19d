"""One session on stdin and stdout, as a process of its own."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import gateway
from gateway import stdio

from .hop import Client
from .sink import Sink

ROOT = Path(gateway.__file__).parents[1]
COMMAND = [sys.executable, "-c", "from gateway.operate.cli import main; main()", "filter", "--stdio"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
async def sink():
    """Give a sink."""
    async with Sink() as running:
        yield running


@contextlib.asynccontextmanager
async def spawned(*arguments):
    """Start it as spawn(8) does: a connection is stdin, stdout and stderr; give process and client."""
    ours, theirs = socket.socketpair()
    process = await asyncio.to_thread(
        subprocess.Popen, [*COMMAND, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs, env=ENVIRONMENT
    )
    theirs.close()
    client = Client(*await asyncio.open_connection(sock=ours))
    try:
        yield process, client
    finally:
        client.writer.close()
        process.kill()
        process.wait()


async def ended(process):
    """Wait for its end; give the exit code."""
    return await asyncio.to_thread(process.wait, 20)


async def test_session_on_a_socket_passes_messages_and_logs_to_the_file(sink, settings, tmp_path):
    """One after the other, with nothing but replies on the connection, and it ends with QUIT."""
    log = tmp_path / "log"
    async with spawned("--settings", settings(sink.port), "--log", log) as (process, client):
        await client.greet()
        await client.ask(b"XFORWARD NAME=mx.test ADDR=192.0.2.1 IDENT=4pre")
        for _ in range(2):
            assert await client.deliver(b"S: 1\r\n\r\n..\r\n.\r\n") == b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"
        assert await client.ask(b"QUIT") == b"221 2.0.0 Bye\r\n"
        assert await client.reply() == b""
        assert await ended(process) == 0
    assert sink.messages == [b"S: 1\r\n\r\n..\r\n"] * 2
    first, second = log.read_text().splitlines()
    assert "INFO transaction pre=4pre post=4ABCdefGHI client=mx.test[192.0.2.1]" in first
    assert "INFO transaction pre=- post=4ABCdefGHI" in second


async def test_session_on_pipes_is_the_same(sink, settings, tmp_path):
    """Started by hand or by a program that gives it pipes; the log goes to stderr."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("--settings", str(settings(sink.port))),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    client = Client(process.stdout, process.stdin)
    await client.greet()
    content = b"x" * 70 + b"\r\n"
    assert (await client.deliver(content * 30_000 + b".\r\n")).startswith(b"250")
    assert await client.ask(b"QUIT") == b"221 2.0.0 Bye\r\n"
    assert await client.reply() == b""
    said = await process.stderr.read()
    client.writer.close()
    assert await process.wait() == 0
    assert b"INFO transaction" in said
    assert sink.messages == [content * 30_000]


async def test_peer_that_goes_ends_it():
    """With no transaction under way nothing is left to do."""
    async with spawned() as (process, client):
        await client.greet()
        client.writer.close()
        assert await ended(process) == 0


async def test_sigterm_lets_the_transaction_finish(sink, settings):
    """And then says 421."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(*_):
        asked.set()
        await go_on.wait()
        return b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"

    sink.replies[b"."] = wait
    async with spawned("--settings", settings(sink.port)) as (process, client):
        await client.greet()
        delivering = asyncio.ensure_future(client.deliver(b"x\r\n.\r\n"))
        await asked.wait()
        process.send_signal(signal.SIGTERM)
        go_on.set()
        assert (await delivering).startswith(b"250")
        assert await client.reply() == b"421 4.3.2 Service shutting down\r\n"
        assert await ended(process) == 0


async def test_without_settings_it_reinjects_where_filter_readme_does():
    """Nobody there means 451; no error of ours gets into the dialogue."""
    async with spawned() as (_, client):
        await client.greet()
        answer = await client.ask(b"MAIL FROM:<a@x.test>")
        assert answer == b"451 4.4.1 yard: next hop cannot be reached\r\n" or answer.startswith(b"250")


async def test_bad_settings_are_a_421(settings, tmp_path):
    """Gate 1 keeps its mail, and the log says why."""
    path, log = settings(max_transactions="0"), tmp_path / "log"
    async with spawned("--settings", path, "--log", log) as (process, client):
        assert await client.reply() == b"421 4.3.0 yard: settings refused\r\n"
        assert await client.reply() == b""
        assert await ended(process) == 3
    assert f"{path}: max_transactions: 0; expected a whole number above 0" in log.read_text()


async def test_log_that_cannot_be_opened_costs_no_mail(settings, sink, tmp_path):
    """Nothing of it gets into the dialogue either, and bad settings are still a 421."""
    log = tmp_path / "nowhere" / "log"
    async with spawned("--settings", settings(sink.port), "--log", log) as (_, client):
        await client.greet()
        assert await client.deliver(b"x\r\n.\r\n") == b"250 2.0.0 Ok: queued as 4ABCdefGHI\r\n"
        assert await client.ask(b"NOOP") == b"250 2.0.0 Ok\r\n"
    async with spawned("--settings", settings(max_transactions="0"), "--log", log) as (_, client):
        assert await client.reply() == b"421 4.3.0 yard: settings refused\r\n"


def test_without_stdio_is_a_usage_error():
    """There is no other form."""
    done = subprocess.run([*COMMAND[:-1]], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 2
    assert "expected --stdio" in done.stderr


def test_log_goes_to_syslog_where_there_is_one(monkeypatch, tmp_path):
    """One datagram for each line, facility mail, named as the program."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "log"))
        syslog.settimeout(10)
        monkeypatch.setattr(stdio, "SYSLOG", tmp_path / "log")
        try:
            stdio._log_to(None, stdio.STOCK, on_socket=True)
            logging.getLogger("gateway.x").warning("told\n")
            assert syslog.recv(1000).startswith(b"<20>gateway-filter[%d]: " % os.getpid())
        finally:
            root.handlers[0].close()
            root.handlers[:] = handlers
            root.setLevel(level)
            logging.raiseExceptions = True
