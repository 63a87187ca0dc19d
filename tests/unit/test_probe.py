"""The healthcheck, against the filter and against what is none."""

import asyncio
import socket

import pytest

from gateway import probe

from .hop import hop
from .sink import HANG_UP, Sink


async def run(capsys, *arguments):
    """Run the probe beside the test's loop; give exit code and line."""
    code = await asyncio.to_thread(probe.main, list(arguments))
    return code, capsys.readouterr().out


async def test_main_gate_2_answers(capsys):
    """And no message is sent."""
    async with Sink() as sink, hop(sink.port) as filter_:
        assert await run(capsys, f"127.0.0.1:{filter_.port}") == (0, "ok: gate 2 answers 250 2.1.5 Ok\n")
        await sink.connections[0].ended.wait()
    assert sink.commands == [
        b"EHLO filter.test",
        b"MAIL FROM:<>",
        b"RCPT TO:<postmaster@probe.invalid>",
        b"QUIT",
    ]


@pytest.mark.parametrize(
    ("verb", "answer"), [(b"RCPT", b"550 5.1.1 unknown"), (b"RCPT", b"451 4.3.0 later"), (b"MAIL", b"452 4.3.1 full")]
)
async def test_main_refusal_of_gate_2_is_an_answer(capsys, verb, answer):
    """It was reached."""
    async with Sink() as sink, hop(sink.port) as filter_:
        sink.replies[verb] = answer + b"\r\n"
        expected = (0, f"ok: gate 2 answers {answer.decode()}\n")
        assert await run(capsys, f"127.0.0.1:{filter_.port}") == expected


async def test_main_gate_2_not_reached_is_told_and_well(capsys):
    """The filter does what it can."""
    async with Sink() as sink, hop(sink.port) as filter_:
        await sink.stop()
        code, line = await run(capsys, f"127.0.0.1:{filter_.port}")
        assert (code, line) == (0, "ok, but without gate 2: 451 4.4.1 yard: next hop cannot be reached\n")
        assert await run(capsys, "--banner-only", f"127.0.0.1:{filter_.port}") == (0, "ok: the filter answers\n")
        await sink.start(sink.port)
        sink.replies[b"RCPT"] = HANG_UP
        code, line = await run(capsys, f"127.0.0.1:{filter_.port}")
        assert (code, line) == (0, "ok, but without gate 2: 451 4.4.2 yard: connection to next hop lost\n")


@pytest.mark.parametrize("answer", [b"451 4.3.0 yard: internal error", b"421 4.3.0 yard: internal error"])
async def test_main_fault_of_the_filter_is_unwell(capsys, answer):
    """Told by the filter itself, here one with a bug at every transaction."""
    async with Sink() as broken:
        broken.replies[b"MAIL"] = answer + b"\r\n"
        expected = (1, f"unwell: the filter answers {answer.decode()}\n")
        assert await run(capsys, f"127.0.0.1:{broken.port}") == expected


async def test_main_transaction_that_hangs_is_unwell(capsys):
    """The banner alone would not have told."""
    async with Sink() as sink, hop(sink.port) as filter_:

        async def stuck(*_):
            await asyncio.Event().wait()
            return b""

        sink.replies[b"RCPT"] = stuck
        code, line = await run(capsys, "--timeout", "0.2", f"127.0.0.1:{filter_.port}")
        assert (code, line) == (1, "unwell: timed out\n")


async def test_main_nobody_there_is_unwell(capsys):
    """Refused, silent, or no SMTP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert (await run(capsys, "--timeout", "0.05", address))[0] == 1
    assert (await run(capsys, address))[0] == 1
    async with Sink() as sink:
        sink.replies[b"BANNER"] = b"hello\r\n"
        assert await run(capsys, f"127.0.0.1:{sink.port}") == (1, "unwell: no SMTP reply: b'hello'\n")
        sink.replies[b"BANNER"] = b"421 busy\r\n"
        assert await run(capsys, f"127.0.0.1:{sink.port}") == (1, "unwell: expected 220, got 421 busy\n")


def test_main_bad_address_is_a_usage_error(capsys):
    """HOST:PORT."""
    with pytest.raises(SystemExit):
        probe.main(["nonsense"])
    assert "HOST:PORT expected" in capsys.readouterr().err
