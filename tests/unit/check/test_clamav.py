"""What clamd is sent, and what is made of its answers."""

import asyncio
import socket

import pytest

from gateway.check import clamav
from gateway.check.base import CheckFailed
from gateway.check.clamav import MAX_ANSWER, Clamav, Options
from gateway.check.registry import make
from gateway.check.run import run
from gateway.message.content import MAX_CHUNK
from gateway.message.verdict import ERROR, Finding

from .asked import CONTENT, closed_port, message, peer


class Clamd:
    """A speaker of clamd's INSTREAM that gives one answer to everything."""

    def __init__(self, answer=b"stream: OK\0", after=None):
        self.answer, self.after = answer, after  # octets of content after which it answers; all unless given
        self.streams = []  # content of each message
        self.chunks = []  # length of each chunk

    async def __call__(self, reader, writer):
        """Serve one connection."""
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        self.streams.append(b"")
        while size := int.from_bytes(await reader.readexactly(4)):
            self.chunks.append(size)
            self.streams[-1] += await reader.readexactly(size)
            if self.after is not None and len(self.streams[-1]) >= self.after:
                break
        writer.write(self.answer)


async def examine(clamd, mail=None, *, encrypted=False):
    """Let clamd look at a message; return the findings."""
    async with peer(clamd) as address:
        return (await Clamav("clamav", Options(address, encrypted)).examine(mail or message())).findings


async def test_clean_message_has_no_finding():
    """It gets the content as it is, dots and line ends included."""
    clamd = Clamd()
    assert await examine(clamd) == []
    assert clamd.streams == [CONTENT]


@pytest.mark.parametrize("size", [0, 1, MAX_CHUNK - 1, MAX_CHUNK, MAX_CHUNK + 1, 3 * MAX_CHUNK + 7])
async def test_content_goes_in_chunks_of_bounded_size(size):
    """Whatever the size of the message, all of it and nothing else; a chunk of no length would end it."""
    clamd = Clamd()
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert await examine(clamd, message(content)) == []
    assert clamd.streams == [content]
    assert all(0 < chunk <= MAX_CHUNK for chunk in clamd.chunks)


@pytest.mark.parametrize(
    ("name", "encrypted", "reason"),
    [
        ("Win.Test.EICAR_HDB-1", False, "virus"),
        ("Sane security.Junk.1.UNOFFICIAL", True, "virus"),
        ("Heuristics.Encrypted.Zip", True, "encrypted"),
        ("Heuristics.Encrypted.Zip", False, "virus"),
        ("Heuristics.Limits.Exceeded.MaxScanSize", True, "limits"),
        ("OK FOUND", False, "virus"),
    ],
)
async def test_found_is_a_finding_with_the_name_as_detail(name, encrypted, reason):
    """Each kind has its own reason, so that a policy can tell them apart."""
    found = await examine(Clamd(b"stream: %s FOUND\0" % name.encode()), encrypted=encrypted)
    assert found == [Finding("clamav", reason, name)]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0",
        b"stream: OK",
        b"stream: OK\n",
        b"stream: OK\0stream: OK\0",
        b"stream: ok\0",
        b"stream:  FOUND\0",
        b"stream: FOUND\0",
        b"stream: Eicar\x07 FOUND\0",
        b"stream: Eicar\nFOUND\0",
        b"1: stream: OK\0",
        b"stream: Can't allocate memory ERROR\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"UNKNOWN COMMAND\0",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"stream: OK\0" + b" " * MAX_ANSWER,
        b"stream: " + b"x" * MAX_ANSWER + b" FOUND\0",
        b"\xff" * 100_000,
    ],
)
async def test_any_other_answer_is_a_failure(answer):
    """A scanner that is not understood has not said that the message is clean."""
    with pytest.raises(CheckFailed, match="clamd"):
        await examine(Clamd(answer))


async def test_clamd_that_has_had_enough_is_a_failure():
    """It answers and closes in the middle of the stream, as with a message beyond its limit."""
    mail = message(b"x" * 20_000_000)
    with pytest.raises(CheckFailed, match=r"clamd"):
        await examine(Clamd(b"INSTREAM size limit exceeded. ERROR\0", after=1_000_000), mail)


async def test_clamd_that_closes_in_silence_is_a_failure():
    """It may have been killed while it searched."""

    async def close(reader, writer):
        await reader.readexactly(10)

    with pytest.raises(CheckFailed, match="clamd"):
        await examine(close)


async def test_clamd_that_is_not_there_is_a_failure():
    """Its container may be down."""
    address = await closed_port()
    with pytest.raises(CheckFailed, match=r"clamd: .*Connection refused"):
        await Clamav("clamav", Options(address)).examine(message())


async def test_clamd_that_does_not_even_accept_is_a_failure(monkeypatch):
    """A container that is gone answers nothing; the filter's slot is not held for the check's whole time."""
    monkeypatch.setattr(clamav, "CONNECT_S", 0.2)
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    address = "{}:{}".format(*full.getsockname())
    waiting = [socket.socket() for _ in range(3)]
    for client in waiting:  # its queue is full, and what else comes is not answered
        client.setblocking(False)
        client.connect_ex(full.getsockname())
    with pytest.raises(CheckFailed, match=r"^clamd: no connection in 0.2 s$"):
        await Clamav("clamav", Options(address)).examine(message())
    for client in (*waiting, full):
        client.close()


@pytest.mark.parametrize("reads", [True, False])
async def test_clamd_that_hangs_is_cut_off_by_the_time_limit(reads):
    """Whether it has taken the message or does not even read it."""
    let_go = asyncio.Event()

    async def hang(reader, writer):
        if reads:
            await reader.readexactly(20_000_000)
        await let_go.wait()

    async with peer(hang) as address:
        check = make("clamav", {"timeout_s": 0.2, "address": address})
        _, reports = await run([check], message(b"x" * 20_000_000))
        let_go.set()
    assert reports[0].findings == [Finding("clamav", ERROR, "no result in 0.2 s")]


async def test_messages_side_by_side_have_connections_of_their_own():
    """No answer goes to another message."""

    async def echo(reader, writer):
        await reader.readexactly(10)
        name = await reader.readexactly(int.from_bytes(await reader.readexactly(4)))
        writer.write(b"stream: " + name + b" FOUND\0")

    async with peer(echo) as address:
        check = Clamav("clamav", Options(address))
        names = [f"Name.{number}" for number in range(50)]
        reports = await asyncio.gather(*(check.examine(message(name.encode())) for name in names))
    assert [report.findings[0].detail for report in reports] == names
