"""
Hold transactions open at the filter: all their content sent but the final dot, then all dots at once.

    python3 - SERVER TRANSACTIONS OCTETS LINE       in gate 1's network namespace; LINE: octets in a line, 0: one line

Says `held` when all the content is there, and waits for a line on stdin before the dots; then `taken N`, the number
that were answered 250.  Only the standard library.
"""

import asyncio
import sys

CHUNK = 65_536


def content(line: int) -> bytes:
    """Return a piece to be repeated: lines, or a part of one."""
    return (b"x" * (line - 2) + b"\r\n") * (CHUNK // line) if line else b"x" * CHUNK


async def say(streams, *commands: bytes) -> None:
    """Send commands one by one; each must be answered 2xx or 3xx."""
    reader, writer = streams
    for command in commands:
        writer.write(command + b"\r\n" if command else b"")
        while (answer := await reader.readline())[3:4] == b"-":
            pass
        if answer[:1] not in (b"2", b"3"):
            raise ConnectionError(f"{command!r}: {answer!r}")


async def hold(server: tuple[str, int], octets: int, line: int, held: asyncio.Barrier, dots: asyncio.Event) -> bool:
    """Go through one transaction."""
    streams = reader, writer = await asyncio.open_connection(*server)
    await say(streams, b"", b"EHLO default.policy.invalid", b"MAIL FROM:<sender@client.test>")
    await say(streams, b"RCPT TO:<someone@bench.test>", b"DATA")
    writer.write(b"Subject: held\r\n\r\n")
    piece = content(line)
    for _ in range(octets // len(piece) + 1):
        writer.write(piece)
        await writer.drain()
    await held.wait()
    await dots.wait()
    writer.write(b".\r\n" if line else b"\r\n.\r\n")
    taken = (await reader.readline()).startswith(b"250")
    writer.close()
    return taken


async def main(server: str, transactions: int, octets: int, line: int) -> None:
    """Hold them all, then let them go."""
    host, _, port = server.rpartition(":")
    held, dots = asyncio.Barrier(transactions + 1), asyncio.Event()
    tasks = [asyncio.create_task(hold((host, int(port)), octets, line, held, dots)) for _ in range(transactions)]
    everybody = asyncio.gather(*tasks)
    waiting = asyncio.create_task(held.wait())
    await asyncio.wait([everybody, waiting], return_when=asyncio.FIRST_COMPLETED)
    if everybody.done():
        everybody.result()
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    dots.set()
    print("taken", sum(await everybody), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
