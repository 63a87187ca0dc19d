"""
command: a program of the operator's own, by the conventions of FILTER_README's simple filter.

Findings: `rejected` for exit status 69 (EX_UNAVAILABLE), `tempfail` for 75 (EX_TEMPFAIL), which always defers.  Status
0 passes; where the program edits, its stdout replaces the message.  Any other end, a signal, a limit or a program that
is missing, is a failure, so that nothing bounces by accident.

The program is run by the runner (gateway.runner), a container without a network: the filter's own could not keep it
from the gates.  It gets the message on stdin with the line ends of Unix, as pipe(8) gives it, and
`-f SENDER -- RECIPIENT...` as arguments: behind -- no address is an option, and the null sender is an empty argument.
Its environment is what environment() says and nothing else.

Source: postfix README_FILES/FILTER_README; pipe(8); sysexits.h.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gateway.check.base import CheckFailed
from gateway.message.header import Buffer
from gateway.message.mail import MailObject
from gateway.message.program import (
    CONTENT,
    END,
    MAX_FRAME,
    OUTPUT,
    RESULT,
    SOCKET,
    TASK,
    Misframed,
    Result,
    Task,
    frame,
    next_frame,
)
from gateway.message.verdict import TEMPFAIL, Finding, Report

# Name in the environment: attribute of XFORWARD.
ATTRIBUTES = {
    "CLIENT_NAME": "NAME",
    "CLIENT_ADDRESS": "ADDR",
    "CLIENT_PORT": "PORT",
    "CLIENT_PROTOCOL": "PROTO",
    "CLIENT_HELO": "HELO",
    "QUEUE_ID": "IDENT",
    "CLIENT_SOURCE": "SOURCE",
}
PATH = "/usr/local/bin:/usr/bin:/bin"

# Beside TEMPFAIL, about which a policy has no say; what a program says is the detail of a finding.
Reason = Literal["rejected"]
REJECTED: Reason = "rejected"


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say."""

    program: str  # file name in the runner's directory of commands
    memory: int  # octets of address space of each of its processes
    cpu: int  # seconds of each
    files: int  # octets of each file it writes
    processes: int
    max_octets: int  # of what it may write in place of the message
    edits: bool = False
    socket: str = SOCKET


class Command:
    """Have the runner run a program."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._options = options

    async def examine(self, mail: MailObject) -> Report:
        """
        Report what the program's exit status means.

        Raises:
            CheckFailed: the runner is down, or the program ended in any other way than it may.
        """
        try:
            output, result = await self._run(mail)
        except EOFError:
            raise CheckFailed("runner closed without a result") from None
        except (OSError, Misframed) as error:
            raise CheckFailed(f"runner: {error}") from None
        said = result.stderr.strip()
        match result.status:
            case os.EX_OK:
                return Report(content=self._edited(output)) if self._options.edits else Report()
            case os.EX_UNAVAILABLE:
                return Report([Finding(self._name, REJECTED, said)])
            case os.EX_TEMPFAIL:
                return Report([Finding(self._name, TEMPFAIL, said)])
        how = f"ended with status {result.status}"
        if result.status > 128:
            how = f"was ended by signal {result.status - 128}"
        raise CheckFailed(f"{self._options.program} {how}{said and ': '}{said}")

    def _edited(self, output: bytes) -> bytes:
        if not output.strip():
            raise CheckFailed(f"{self._options.program} wrote no message")
        return with_crlf(output)

    def _task(self, mail: MailObject) -> Task:
        paths = [mail.envelope.reverse_path.path, *(recipient.path for recipient in mail.envelope.recipients)]
        sender, *recipients = (path.decode("latin-1") for path in paths)
        limits = {name: getattr(self._options, name) for name in ("memory", "cpu", "files", "processes")}
        arguments = ["-f", sender, "--", *recipients]
        return Task(self._options.program, arguments, environment(mail), limits, self._options.edits)

    async def _run(self, mail: MailObject) -> tuple[bytes, Result]:
        reader, writer = await asyncio.open_unix_connection(self._options.socket)
        sending = asyncio.create_task(_send(writer, self._task(mail), mail.content))
        try:
            return await self._receive(reader)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await sending
            writer.transport.abort()  # tells the runner that nobody waits any more

    async def _receive(self, reader: asyncio.StreamReader) -> tuple[bytes, Result]:
        output = bytearray()
        while True:
            kind, octets = await next_frame(reader)
            if kind == RESULT:
                return bytes(output), Result.read(octets)
            if kind != OUTPUT:
                raise Misframed(f"frame {kind!r} among the output")
            output += octets
            if len(output) > self._options.max_octets:
                raise CheckFailed(f"{self._options.program} wrote more than {self._options.max_octets} octets")


def environment(mail: MailObject) -> dict[str, str]:
    """Give all that a program has in its environment; what was not told is empty, control characters are a ?."""
    told = {name: _printable(mail.client.told(attribute)) for name, attribute in ATTRIBUTES.items()}
    direction = "inside" if mail.inside else "outside"
    return {"PATH": PATH, "LANG": "C.UTF-8", "POLICY": mail.policy, "DIRECTION": direction} | told


def with_lf(content: Buffer) -> Iterator[bytes]:
    """Give content in slices with the line ends of Unix; CR and LF are in it as CRLF only."""
    start = 0
    while start < len(content):
        stop = min(start + MAX_FRAME, len(content))
        piece = content[start:stop]
        if piece.endswith(b"\r") and stop < len(content):
            piece = piece[:-1]
        start += len(piece)
        yield piece.replace(b"\r\n", b"\n")


def with_crlf(output: bytes) -> bytes:
    """Give what a program wrote with the line ends of a message; a lone CR becomes a space, as in accept.framing."""
    content = output.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")
    return content if content.endswith(b"\r\n") else content + b"\r\n"


async def _send(writer: asyncio.StreamWriter, task: Task, content: Buffer) -> None:
    writer.write(frame(TASK, task.wire()))
    for octets in with_lf(content):
        writer.write(frame(CONTENT, octets))
        await writer.drain()
    writer.write(frame(END))
    await writer.drain()


def _printable(value: str) -> str:
    return "".join(character if character >= " " and character != "\x7f" else "?" for character in value)
