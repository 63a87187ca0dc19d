"""
Program: one to be run on a message, and what became of it, as filter and runner tell each other.

Frames on a stream: one octet for the kind, four for the length, then so many octets.  The filter sends one TASK, the
content in CONTENT frames, and END; the runner answers with OUTPUT frames, where output is wanted, and one RESULT.
A side that closes before its last frame has given up: then there is no result, and the program is ended.
Octets travel in JSON as Latin-1, which is the same either way for every octet.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

SOCKET = "/var/lib/sallyport/runner/socket"  # in both containers
TASK, CONTENT, END, OUTPUT, RESULT, PING = b"T", b"C", b"E", b"O", b"R", b"P"
MAX_FRAME = 65_536  # octets of content or output in one frame
MAX_HEAD = 1_048_576  # octets of a task: a thousand recipients at their longest take a third of it
MAX_STDERR = 2048  # octets of what a program says on stderr

_HEAD = 5
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class Misframed(Exception):  # noqa: N818 - names what the stream is
    """The other side sent what is no frame, or none that has its place here."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to run; no shell sees any of it."""

    program: str  # plain file name
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)  # memory, cpu, files, processes: gateway.confine
    output: bool = False  # what it writes to stdout is wanted

    def wire(self) -> bytes:
        """Give it as a TASK holds it."""
        return json.dumps(asdict(self)).encode("ascii")

    @classmethod
    def read(cls, octets: bytes) -> Self:
        """
        Read it.

        Raises:
            Misframed: it is none, or what it names is not the plain name of a file.
        """
        try:
            task = cls(**json.loads(octets))
            well = _NAME.fullmatch(task.program) and all(map(_is_text, (*task.arguments, *task.environment.values())))
            well = well and all(isinstance(limit, int) for limit in task.limits.values())
        except (TypeError, ValueError, AttributeError) as error:
            raise Misframed(f"no task: {error}") from None
        if not well:
            raise Misframed("no task")
        return task


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a program."""

    status: int  # exit status; 128 and the number of the signal that ended it, as a shell has it
    stderr: str = ""  # the first MAX_STDERR octets

    def wire(self) -> bytes:
        """Give it as a RESULT holds it."""
        return json.dumps(asdict(self)).encode("ascii")

    @classmethod
    def read(cls, octets: bytes) -> Self:
        """
        Read it.

        Raises:
            Misframed: it is none.
        """
        try:
            result = cls(**json.loads(octets))
        except (TypeError, ValueError) as error:
            raise Misframed(f"no result: {error}") from None
        if type(result.status) is not int or not isinstance(result.stderr, str):
            raise Misframed("no result")
        return result


def frame(kind: bytes, octets: bytes = b"") -> bytes:
    """Give a frame."""
    return kind + len(octets).to_bytes(4) + octets


async def next_frame(reader: asyncio.StreamReader, limit: int = MAX_FRAME) -> tuple[bytes, bytes]:
    """
    Wait for a frame; give its kind and its octets.

    Raises:
        Misframed: it is longer than *limit*.
        asyncio.IncompleteReadError: the other side has closed.
    """
    head = await reader.readexactly(_HEAD)
    length = int.from_bytes(head[1:])
    if length > limit:
        raise Misframed(f"frame of {length} octets, limit {limit}")
    return head[:1], await reader.readexactly(length)


def _is_text(value: Any) -> bool:  # noqa: ANN401 - whatever JSON holds there
    return isinstance(value, str) and "\0" not in value and all(character <= "\xff" for character in value)
