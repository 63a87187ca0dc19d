"""Clients and next hops in containers, and what they say of the mail they sent or got."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
POLL_S = 0.2

type Done = subprocess.CompletedProcess[str]


def wait_for[T](condition: Callable[[], T | None], what: str, timeout_s: float = 60) -> T:
    """
    Return what *condition* returns as soon as that is true.

    Raises:
        AssertionError: It did not become true in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain for {what}"
        time.sleep(POLL_S)


def run(*command: str, check: bool = True, stdin: str | None = None, timeout_s: float = 900) -> Done:
    """Run a command; where *check*, a failure raises with what it printed."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=timeout_s, cwd=ROOT, errors="replace"
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


@dataclass(frozen=True)
class Sent:
    """What swaks saw."""

    token: str  # in the header X-Token and nowhere else
    code: int  # swaks's exit code; 0: the message was taken, 24: no recipient was
    transcript: str

    @property
    def last_error(self) -> str:
        """Return the last reply that refused something, without swaks's marks; empty where none did."""
        replies = re.findall(r"^<[*~]\* +(.*)$", self.transcript, re.MULTILINE)
        return replies[-1] if replies else ""

    @property
    def queue_id(self) -> str:
        """Return gate 1's queue id from its 250 to the dot."""
        found = re.search(r"queued as (\w+)", self.transcript)
        assert found, f"no queue id in:\n{self.transcript}"
        return found[1]


@dataclass(frozen=True)
class Answer:
    """The last reply to a message."""

    code: int  # 0: the connection failed
    text: str
    rcpt: tuple[str, ...] = ()  # the reply to each recipient

    @property
    def queue_id(self) -> str:
        """Return gate 1's queue id from its 250 to the dot."""
        found = re.search(r"queued as (\w+)", self.text)
        assert found, f"no queue id in {self.code} {self.text}"
        return found[1]


class Client:
    """A container that sends mail, at an address of its own."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def address(self) -> str:
        """Return its address in the one network it is on."""
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return run("docker", "inspect", "-f", template, self.name).stdout.strip()

    def sh(self, script: str, *, check: bool = True, stdin: str | None = None) -> Done:
        """Run a shell script in it."""
        return run("docker", "exec", "-i", self.name, "bash", "-c", script, check=check, stdin=stdin)

    def swaks(
        self, server: str, *arguments: str, to: str, sender: str = "someone@client.example", token: str | None = None
    ) -> Sent:
        """Send a message by swaks; a token in its header finds it again."""
        token = token or f"t{time.time_ns():x}"
        command = ["swaks", "--server", server, "--to", to, "--from", sender, "--header", f"X-Token: {token}"]
        done = run("docker", "exec", self.name, *command, "--timeout", "60", *arguments, check=False)
        return Sent(token, done.returncode, done.stdout + done.stderr)

    def smtp(self, server: str, octets: bytes, *, timeout_s: int = 15) -> bytes:
        """Send octets as they are on a fresh connection; return all answers until it closes or is silent."""
        host, _, port = server.rpartition(":")
        done = subprocess.run(
            ["docker", "exec", "-i", self.name, "socat", f"-t{timeout_s}", "-", f"TCP:{host}:{port}"],
            input=octets,
            capture_output=True,
            timeout=timeout_s + 30,
        )
        return done.stdout

    def send(
        self,
        server: str,
        contents: list[bytes],
        *,
        to: str,
        sender: str = "someone@client.example",
        options: tuple[str, ...] = (),
        parallel: int = 5,
        pause_s: float = 0,
    ) -> list[Answer]:
        """Send one message per content, octets as they are; *to* may be several, with commas (sender.py)."""
        messages = [
            {
                "sender": sender,
                "recipients": to.split(","),
                "options": options,
                "content": base64.b64encode(content).decode(),
            }
            for content in contents
        ]
        task = json.dumps({"server": server, "parallel": parallel, "pause_s": pause_s, "messages": messages})
        script = (ROOT / "tests/stack/sender.py").read_text()
        done = run("docker", "exec", "-i", self.name, "python3", "-c", script, stdin=task)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [
            Answer(line["code"], line["text"], tuple(line["rcpt"]))
            for line in sorted(lines, key=lambda line: line["number"])
        ]

    def dig(self, server: object, *question: str) -> str:
        """Ask a name server; return what dig prints."""
        return run("docker", "exec", self.name, "dig", f"@{server}", "+tries=1", *question, check=False).stdout

    def reaches(self, address: object, port: int) -> bool:
        """Return whether a TCP connection opens."""
        script = f"exec 3<>/dev/tcp/{address}/{port}"
        return run("docker", "exec", self.name, "timeout", "2", "bash", "-c", script, check=False).returncode == 0


class Host(Client):
    """The machine the tests run on: it has an address in every container network."""

    def __init__(self) -> None:
        super().__init__("the host")

    def sh(self, script: str, *, check: bool = True, stdin: str | None = None) -> Done:
        """Run a shell script on it; where nobody answers it ends after 3 s."""
        return run("timeout", "3", "bash", "-c", script, check=check, stdin=stdin)

    def reaches(self, address: object, port: int) -> bool:
        """Return whether a TCP connection opens."""
        return self.sh(f"exec 3<>/dev/tcp/{address}/{port}", check=False).returncode == 0


class Sink(Client):
    """A next hop on the egress network that stores messages (sink.py)."""

    def arrived(self, token: str, timeout_s: float = 60) -> dict[str, Any]:
        """Wait for the message with a token and return it."""
        return wait_for(lambda: self.with_token(token), f"{token} at the sink", timeout_s)[0]

    def stop(self) -> None:
        """Take it away: its name and its port are gone; what it stored stays."""
        run("docker", "stop", "-t", "1", self.name)

    def start(self) -> None:
        """Bring it back."""
        run("docker", "start", self.name)
        self.wait()

    def wait(self, port: int = 25) -> None:
        """Wait until it greets."""
        wait_for(lambda: self.sh(f"exec 3<>/dev/tcp/127.0.0.1/{port}", check=False).returncode == 0, "the sink's port")

    def messages(self, containing: str = "") -> list[dict[str, Any]]:
        """Return the envelopes of the stored messages that contain a text, with their content, as they came."""
        script = """if True:
            import base64, json, pathlib, sys
            for path in sorted(pathlib.Path("/tmp/sink").glob("*.json"), key=lambda path: int(path.stem)):
                content = path.with_suffix(".eml").read_bytes()
                if sys.argv[1].encode() in content:
                    print(json.dumps(json.loads(path.read_text()) | {"content": base64.b64encode(content).decode()}))
        """
        lines = run("docker", "exec", self.name, "python3", "-c", script, containing).stdout.splitlines()
        messages = [json.loads(line) for line in lines]
        return [message | {"content": base64.b64decode(message["content"])} for message in messages]

    def with_token(self, token: str) -> list[dict[str, Any]]:
        """Return the stored messages that carry a token."""
        return self.messages(f"X-Token: {token}")
