"""
The next hop of the fault tests: stores what it gets, one line for each message, and refuses whom it is told to.

    python3 -m tests.faults.sink DIRECTORY [PORT]

DIRECTORY/messages gets a line of JSON for each message: null (the reverse-path was <>), recipients, sha256 (of the
content from its X-Fault line on, which is what the client sent, the trace fields of the chain being in front of it),
at (when, of the clock that all containers of a host share), and bounced: the recipients that a DSN names.
Recipients whose local part begins with `never` get 550 5.1.1; those with `later` get 451 4.2.0 while
DIRECTORY/refuse exists.  Only the standard library: it runs in the tools image.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from pathlib import Path

from tests.stack.sink import listen

_ADDRESS = re.compile(rb"TO:\s*<([^>]*)>", re.IGNORECASE)
_NAMED = re.compile(rb"^Final-Recipient: *rfc822; *(\S+)", re.IGNORECASE | re.MULTILINE)
_GREETING = b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES"


class Sink:
    """Answers SMTP and stores what it gets."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._store = (directory / "messages").open("ab", buffering=0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one session."""
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reverse_path, recipients = b"", []
        writer.write(b"220 sink.test ESMTP\r\n")
        while line := await reader.readline():
            verb = line.strip().upper().split(b" ")[0].split(b":")[0]
            answer = b"250 2.0.0 Ok"
            if verb == b"EHLO":
                answer = _GREETING
            elif verb == b"MAIL":
                reverse_path, recipients = line, []
            elif verb == b"RCPT":
                answer = self._recipient(line, recipients)
            elif verb == b"DATA" and not recipients:
                answer = b"554 5.5.1 No valid recipients"
            elif verb == b"DATA":
                writer.write(b"354 Go ahead\r\n")
                wire = b"\r\n" + await reader.readuntil(b"\r\n.\r\n")
                content = wire[:-3].replace(b"\r\n..", b"\r\n.")[2:]
                answer = self._keep(reverse_path, recipients, content)
            elif verb == b"QUIT":
                answer = b"221 2.0.0 Bye"
            writer.write(answer + b"\r\n")
            await writer.drain()
            if verb == b"QUIT":
                return

    def _recipient(self, line: bytes, recipients: list[str]) -> bytes:
        found = _ADDRESS.search(line)
        address = found[1].decode("ascii", "replace") if found else ""
        if address.startswith("never"):
            return b"550 5.1.1 No such user"
        if address.startswith("later") and (self._directory / "refuse").exists():
            return b"451 4.2.0 Try later"
        recipients.append(address)
        return b"250 2.1.5 Ok"

    def _keep(self, reverse_path: bytes, recipients: list[str], content: bytes) -> bytes:
        null = b"<>" in reverse_path
        start = 0 if null else max(content.find(b"X-Fault: "), 0)
        entry = {
            "null": null,
            "recipients": recipients,
            "sha256": hashlib.sha256(content[start:]).hexdigest(),
            "at": time.monotonic(),
            "bounced": [name.decode("ascii", "replace") for name in _NAMED.findall(content)] if null else [],
        }
        self._store.write(json.dumps(entry).encode() + b"\n")
        return b"250 2.0.0 Ok: stored"


if __name__ == "__main__":
    listen(lambda directory: Sink(directory).serve)
