"""
One road: every message in at gate 1, out at the sink, which stores the octets it got.

    python3 -m tests.corpus.road ROAD SERVER DOMAIN SAMPLE

Runs in a tools container that is on the edge network as a client and on the egress network as DOMAIN's next hop.
Each message has a recipient of its own, m<number>@DOMAIN, by which it is known again; the reverse-path is of DOMAIN
too, so that a DSN comes here and is seen.  Out: STORE/ROAD/<number>.eml, and outcome.json with what was refused, came
twice, did not come, or came unasked.  Progress goes out as lines of JSON.  Only the standard library.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.corpus.made import made
from tests.corpus.messages import Message, corpus
from tests.stack.sink import Sink

STORE = Path("/tmp/roads")
SESSIONS = 8  # at once; the filter takes 10 transactions, so it always has enough to do
IDLE_S = 60  # so long after the last message nothing comes any more
REPORT_EVERY_S = 0.25


class Road:
    """What was sent on a road, and what became of it."""

    def __init__(self, name: str, domain: str, messages: list[Message]) -> None:
        self.directory = STORE / name
        self.domain = domain
        self.messages = messages
        self.refused: dict[int, str] = {}  # number of the message -> the last reply
        self.arrived: Counter[int] = Counter()
        self.others = 0  # messages at the sink that nobody sent
        self.last_change = time.monotonic()

    @property
    def done(self) -> int:
        """Return of how many messages the end is known."""
        return len(self.refused) + len(self.arrived)

    def take(self, recipient: str, content: bytes) -> None:
        """Keep what the sink got."""
        self.last_change = time.monotonic()
        found = re.match(r"TO:<m(\d+)@", recipient)
        if not found:
            self.others += 1
            return
        self.arrived[int(found[1])] += 1
        (self.directory / f"{found[1]}.eml").write_bytes(content)

    def outcome(self) -> dict:
        """Return what the stored messages do not show."""
        known = self.refused.keys() | self.arrived.keys()
        return {
            "refused": self.refused,
            "missing": sorted(set(range(len(self.messages))) - known),
            "twice": [number for number, times in self.arrived.items() if times > 1],
            "others": self.others,
        }


class RoadSink(Sink):
    """The sink at the end of a road."""

    def __init__(self, road: Road) -> None:
        super().__init__(road.directory)
        self._road = road

    def store(self, envelope: dict, content: bytes) -> None:
        """Hand a message over."""
        self._road.take(envelope["recipients"][0], content)


async def session(server: str, road: Road, queue: Iterator[tuple[int, Message]]) -> None:
    """Send messages from the queue until it is empty."""
    host, _, port = server.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await reply(reader)
    writer.write(b"EHLO client.example\r\n")
    await reply(reader)
    for number, message in queue:
        answer = await transaction(reader, writer, (f"sender@{road.domain}", f"m{number}@{road.domain}"), message)
        road.last_change = time.monotonic()
        if not answer.startswith("250"):
            road.refused[number] = answer
            writer.write(b"RSET\r\n")
            await reply(reader)
    writer.write(b"QUIT\r\n")
    await reply(reader)
    writer.close()


async def transaction(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, paths: tuple[str, str], message: Message
) -> str:
    """Send one message; return the last reply."""
    for command in (f"MAIL FROM:<{paths[0]}> BODY=8BITMIME", f"RCPT TO:<{paths[1]}>", "DATA"):
        writer.write(command.encode() + b"\r\n")
        answer = await reply(reader)
        if answer[0] not in "23":
            return answer
    writer.write((b"\r\n" + message.content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
    await writer.drain()
    return await reply(reader)


async def reply(reader: asyncio.StreamReader) -> str:
    """Read a reply; return its last line."""
    while line := (await reader.readline()).decode("ascii", "replace").strip():
        if line[3:4] != "-":
            return line
    raise ConnectionError("gate 1 closed the connection")


async def travel(road: Road, server: str) -> None:
    """Send everything and wait until its end is known, or nothing comes any more."""
    sink = await asyncio.start_server(RoadSink(road).serve, "0.0.0.0", 25, limit=2**26)
    queue = iter(list(enumerate(road.messages)))
    sessions = asyncio.gather(*(session(server, road, queue) for _ in range(SESSIONS)))
    while road.done < len(road.messages) and time.monotonic() - road.last_change < IDLE_S:
        if sessions.done():
            sessions.result()
        report(road)
        await asyncio.sleep(REPORT_EVERY_S)
    report(road)
    await asyncio.wait_for(sessions, IDLE_S)
    sink.close()


def report(road: Road) -> None:
    """Tell how far it is."""
    print(json.dumps({"done": road.done, "of": len(road.messages)}), flush=True)


def main(name: str, server: str, domain: str, sample: str) -> None:
    """Go one road."""
    road = Road(name, domain, [*made(), *corpus(int(sample))])
    road.directory.mkdir(parents=True)
    asyncio.run(travel(road, server))
    (road.directory / "outcome.json").write_text(json.dumps(road.outcome()))


if __name__ == "__main__":
    main(*sys.argv[1:])
