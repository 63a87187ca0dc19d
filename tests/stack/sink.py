"""
A next hop for tests: an SMTP server that stores every message and refuses what its recipient's name asks it to.

    python3 -m tests.stack.sink DIRECTORY [PORT]

Recipients whose local part begins with `unknown` get 550 5.1.1, with `later` 451 4.2.0, with `full` 552 5.2.2.
Each message becomes DIRECTORY/<number>.json (reverse_path, recipients, helo, client, tls) and DIRECTORY/<number>.eml,
the octets as they came after un-stuffing.  Only the standard library: it runs in the tools image.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

REFUSALS = {"unknown": b"550 5.1.1 No such user", "later": b"451 4.2.0 Try later", "full": b"552 5.2.2 Mailbox full"}
EXTENSIONS = (b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"DSN", b"ENHANCEDSTATUSCODES")

type Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Sink:
    """Answers SMTP and stores what it gets."""

    def __init__(self, directory: Path, tls: ssl.SSLContext | None = None) -> None:
        self._directory = directory
        self._tls = tls  # with it STARTTLS is offered
        # After a restart it goes on behind what is stored.
        self._numbers = itertools.count(1 + max((int(path.stem) for path in directory.glob("*.eml")), default=0))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one session."""
        envelope: dict = {"client": writer.get_extra_info("peername")[0], "tls": False}
        writer.write(b"220 sink.test ESMTP\r\n")
        while line := await reader.readline():
            verb, _, argument = line.strip().decode("utf-8", "surrogateescape").partition(" ")
            answer = b"250 2.0.0 Ok"
            if verb.upper() == "EHLO":
                envelope["helo"] = argument
                words = (*EXTENSIONS, b"STARTTLS") if self._tls and not envelope["tls"] else EXTENSIONS
                answer = b"\r\n".join([b"250-sink.test", *(b"250-" + word for word in words), b"250 SIZE"])
            elif verb.upper() == "STARTTLS" and self._tls:
                writer.write(b"220 2.0.0 Go ahead\r\n")
                await writer.start_tls(self._tls)
                envelope["tls"] = True
                continue
            elif verb.upper() == "MAIL":
                envelope.update(reverse_path=argument, recipients=[])
            elif verb.upper() == "RCPT":
                answer = self._recipient(argument, envelope)
            elif verb.upper() == "DATA" and not envelope["recipients"]:
                # A pipelining client asks before it knows; on 354 it would send a lone dot.
                answer = b"554 5.5.1 No valid recipients"
            elif verb.upper() == "DATA":
                writer.write(b"354 Go ahead\r\n")
                self.store(envelope, unstuffed(await reader.readuntil(b"\r\n.\r\n")))
            writer.write((b"221 2.0.0 Bye" if verb.upper() == "QUIT" else answer) + b"\r\n")
            await writer.drain()
            if verb.upper() == "QUIT":
                break
        writer.close()

    def _recipient(self, argument: str, envelope: dict) -> bytes:
        local = re.sub(r"^TO:\s*<", "", argument, flags=re.IGNORECASE)
        for name, refusal in REFUSALS.items():
            if local.startswith(name):
                return refusal
        envelope["recipients"].append(argument)
        return b"250 2.1.5 Ok"

    def store(self, envelope: dict, content: bytes) -> None:
        """Keep a message."""
        number = next(self._numbers)
        (self._directory / f"{number}.eml").write_bytes(content)
        partial = self._directory / f"{number}.new"
        partial.write_text(json.dumps(envelope))
        partial.rename(self._directory / f"{number}.json")  # last and whole: a reader sees both files or none


def unstuffed(wire: bytes) -> bytes:
    """Give the content: without the final dot, and without the one that begins a line (RFC 5321 section 4.5.2)."""
    return (b"\r\n" + wire[:-3]).replace(b"\r\n.", b"\r\n")[2:]


def listen(serving: Callable[[Path], Session]) -> None:
    """
    Serve as the command line asks, until ended; the end of every sink.

    Args:
        serving: Makes of DIRECTORY, which exists by then, what holds one session.
    """

    async def serve(session: Session, port: int) -> None:
        server = await asyncio.start_server(session, "0.0.0.0", port, limit=2**26)
        async with server:
            await server.serve_forever()

    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(serving(directory), int(sys.argv[2]) if len(sys.argv) > 2 else 25))


if __name__ == "__main__":
    listen(lambda directory: Sink(directory).serve)
