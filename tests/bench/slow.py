"""
A scanner that takes its time: clamd as far as INSTREAM goes, which finds nothing.

    python3 - PORT SECONDS       SECONDS: from the end of a message until the answer, whatever else is going on

Says `most N` on stdout for each new most of messages at once.  Only the standard library.
"""

import asyncio
import sys

COMMAND = b"zINSTREAM\0"


class Scanner:
    """Takes the same time for each message, for any number of them at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._now = self._most = 0

    async def scan(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one message to its end, wait, answer, close."""
        if await reader.readexactly(len(COMMAND)) == COMMAND:
            while octets := int.from_bytes(await reader.readexactly(4)):
                await reader.readexactly(octets)
            self._now += 1
            if self._now > self._most:
                self._most = self._now
                print("most", self._most, flush=True)
            await asyncio.sleep(self._seconds)
            self._now -= 1
            writer.write(b"stream: OK\0")
        writer.close()


async def main(port: int, seconds: float) -> None:
    """Serve until ended."""
    server = await asyncio.start_server(Scanner(seconds).scan, "0.0.0.0", port, limit=2**20, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
