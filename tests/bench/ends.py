"""
The ends of each road: smtp-source and smtp-sink, and the time between them.

Each message comes on a connection of its own, as mail from the Internet does.  smtp-sink's running count goes to a
file, whose last octets are read a hundred times a second; so nobody counts messages at the cost of what is measured.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

from tests.stack.client import run, wait_for

SESSIONS = 10
PATIENCE_S = 300
COUNT = "/tmp/count"
SEND = """
begin=$EPOCHREALTIME
smtp-source -s "$1" -m "$2" -f sender@client.test -t "$3" "${@:5}" "$4" >&2 && echo "$begin $EPOCHREALTIME"
"""
AWAIT = """
import json, os, re, sys, time

path, more, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
file = os.open(path, os.O_RDONLY)

def arrived():
    end = os.lseek(file, 0, os.SEEK_END)
    found = re.findall(rb"mesg=(\\d+)\\r", os.pread(file, 200, max(0, end - 200)))
    return int(found[-1]) if found else 0

before = arrived()
print(json.dumps({"before": before}), flush=True)
deadline = time.time() + patience
while arrived() < before + more and time.time() < deadline:
    time.sleep(0.01)
print(json.dumps({"at": time.time(), "after": arrived()}), flush=True)
"""


class NotAllArrivedError(Exception):
    """Messages are missing at the sink, or too many came."""


@dataclass(frozen=True)
class Timing:
    """Seconds from the first connection on."""

    accepted_s: float  # until the source had its last 250
    seconds: float  # until the sink had its last message


class Ends:
    """A source on the edge network and a sink on the egress network."""

    def __init__(self, source: str, sink: str) -> None:
        self.source, self.sink = source, sink  # containers
        self._arrived = 0

    def start_sink(self) -> None:
        """Start the sink, which goes on until its container is removed."""
        run("docker", "exec", "-d", self.sink, "bash", "-c", f"exec smtp-sink -u nobody -c 0.0.0.0:25 1024 >{COUNT}")
        listening = "exec 3<>/dev/tcp/127.0.0.1/25"
        wait_for(
            lambda: run("docker", "exec", self.sink, "bash", "-c", listening, check=False).returncode == 0, "the sink"
        )

    def put(self, name: str, content: bytes) -> str:
        """Put a message where the source finds it, lines ended as in a file; return the path."""
        path = f"/tmp/{name}"
        run("docker", "exec", "-i", self.source, "bash", "-c", f"cat >{path}", stdin=content.decode("ascii"))
        return path

    def send(
        self, server: str, octets: int, messages: int, *, to: str = "someone@bench.test", file: str = ""
    ) -> Timing:
        """
        Send messages and wait until all are at the sink.

        Args:
            server: Where the road begins, address:port.
            octets: Of each message.
            messages: How many.
            to: The recipient.
            file: What put() gave; the source makes up a message of x unless given.

        Raises:
            NotAllArrivedError: Not as many came as were sent, now or the last time.
        """
        content = ("-F", file) if file else ("-l", str(octets))
        script = ("bash", "-c", SEND, "-", str(SESSIONS), str(messages), to, server, *content)
        command = ["docker", "exec", "-i", self.sink, "python3", "-c", AWAIT, COUNT, str(messages), str(PATIENCE_S)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
            assert waiting.stdout is not None
            before = json.loads(waiting.stdout.readline())["before"]
            if before != self._arrived:
                raise NotAllArrivedError(f"{before - self._arrived} messages more than were sent")
            try:
                said = run("docker", "exec", self.source, *script, timeout_s=PATIENCE_S).stdout
                begin, accepted = map(float, said.split())
            except BaseException:
                waiting.kill()
                raise
            told = json.loads(waiting.stdout.readline())
        self._arrived = told["after"]
        if told["after"] != before + messages:
            raise NotAllArrivedError(f"{told['after'] - before} of {messages} messages arrived")
        return Timing(accepted - begin, told["at"] - begin)
