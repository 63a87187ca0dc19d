"""
clamav: viruses, as clamd finds them.

Findings: `virus` with clamd's name for it; `encrypted` for archives and documents it cannot look into, where the
settings want that; `limits` for what is too large, too deep or too much to be searched to its end.

The whole message goes to clamd as INSTREAM, one connection for each: a session of many (IDSESSION) saves 0.4 ms of
0.9 and would need its answers sorted and its broken connections mended.  Every answer that is not exactly one of the
three known is a failure: a scanner that is not understood has not said that the message is clean.

Source: clamd(8), COMMANDS.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gateway.check.base import CONNECT_S, CheckFailed
from gateway.message.content import MAX_CHUNK
from gateway.message.header import Buffer
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Report

MAX_ANSWER = 4096  # octets
_ANSWER = re.compile(rb"stream: (?:OK|(?P<name>[!-~]+(?: [!-~]+)*) FOUND)\0")
_ENCRYPTED = "Heuristics.Encrypted."
_LIMITS = "Heuristics.Limits.Exceeded"

Reason = Literal["virus", "encrypted", "limits"]


def reported(keys: Mapping[str, Any]) -> set[str]:
    """Give the reasons that there may be under the settings of [checks.clamav]."""
    return set(get_args(Reason)) - (set() if keys["encrypted"] else {"encrypted"})


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say."""

    address: str  # host:port of clamd
    encrypted: bool = False  # report what it calls Heuristics.Encrypted as a finding of its own


class Clamav:
    """Ask clamd."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        host, _, port = options.address.rpartition(":")
        self._host, self._port = host.removeprefix("[").removesuffix("]"), int(port)
        self._encrypted = options.encrypted

    async def examine(self, mail: MailObject) -> Report:
        """
        Report what clamd says.

        Raises:
            CheckFailed: it cannot be reached, closes too soon, or answers anything but a result.
        """
        try:
            answer = await self._ask(mail.content)
        except TimeoutError:
            raise CheckFailed(f"clamd: no connection in {CONNECT_S} s") from None
        except OSError as error:
            raise CheckFailed(f"clamd: {error}") from None
        match = _ANSWER.fullmatch(answer)
        if match is None:
            raise CheckFailed(f"clamd answered {answer[:200]!r}" if answer else "clamd closed without an answer")
        found = (match["name"] or b"").decode("ascii")
        return Report([Finding(self._name, self._reason(found), found)] if found else [])

    def _reason(self, found: str) -> Reason:
        if found.startswith(_LIMITS):
            return "limits"
        return "encrypted" if self._encrypted and found.startswith(_ENCRYPTED) else "virus"

    async def _ask(self, content: Buffer) -> bytes:
        """Send a message; give all that clamd says until it closes."""
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=MAX_ANSWER)
        try:
            try:
                for octets in _instream(content):
                    writer.write(octets)
                    await writer.drain()
            except ConnectionError:
                pass  # it has had enough, and may have said why
            return await _until_end(reader)
        finally:
            writer.transport.abort()  # what clamd would not take must not linger


def _instream(content: Buffer) -> Iterator[bytes]:
    """Give the command: chunks behind their length in four octets, the last of no length."""
    yield b"zINSTREAM\0"
    for start in range(0, len(content), MAX_CHUNK):
        chunk = content[start : start + MAX_CHUNK]
        yield len(chunk).to_bytes(4) + chunk
    yield bytes(4)


async def _until_end(reader: asyncio.StreamReader) -> bytes:
    """Read to the end, MAX_ANSWER octets at most: more is no answer either."""
    answer = b""
    while len(answer) < MAX_ANSWER and (octets := await reader.read(MAX_ANSWER - len(answer))):
        answer += octets
    return answer
