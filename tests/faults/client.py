"""
A client that sends many messages, tries each until it is taken, and journals each 250 with fsync at that instant.

    client.py JOURNAL < JSON

The JSON has server ("address:port"), name (of this batch), count, parallel (sessions at once), octets (of a body),
sender and recipients (templates with {id}: a message number with the batch's name), patience_s (how long one message
is tried), pace_s (between two messages of a session).  The journal gets a line of JSON for each recipient of each
message taken: recipient, sha256 of the content, and when (at, of the clock that all containers of a host share).
On stdout, at the end, one line: how many were taken, refused for good, given up, how often a reply was 4xx or the
connection failed, and the longest time one message took.  Only the standard library: it runs in the tools image.
"""

from __future__ import annotations

import hashlib
import json
import os
import smtplib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REUSE = 10  # messages on one connection
PAUSE_S = 0.3  # before a message is tried again


class Journal:
    """Lines that are on disk when write() returns."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lock = threading.Lock()

    def write(self, entries: list[dict]) -> None:
        """Append entries, with fsync."""
        with self._lock:
            os.write(self._descriptor, "".join(json.dumps(entry) + "\n" for entry in entries).encode())
            os.fsync(self._descriptor)


class Sender:
    """One of the parallel sessions."""

    def __init__(self, task: dict, journal: Journal, tally: dict) -> None:
        self._task, self._journal, self._tally = task, journal, tally
        self._client: smtplib.SMTP | None = None
        self._sent = 0

    def deliver(self, number: int) -> None:
        """Try one message until it is taken, refused, or patience ends."""
        began = time.monotonic()
        name = f"{self._task['name']}-{number}"
        while time.monotonic() - began < self._task["patience_s"]:
            outcome = self._once(name)
            if outcome in ("taken", "refused"):
                self._tally[outcome] += 1
                self._tally["longest_s"] = max(self._tally["longest_s"], round(time.monotonic() - began, 1))
                time.sleep(self._task["pace_s"])
                return
            self._tally[outcome] += 1
            self.close()
            time.sleep(PAUSE_S)
        self._tally["given_up"] += 1

    def _once(self, name: str) -> str:
        recipients = [template.format(id=name) for template in self._task["recipients"]]
        content = compose(name, recipients, self._task["octets"])
        try:
            if self._client is None or self._sent >= REUSE:
                self._open()
            self._sent += 1
            code, _ = self._client.mail(self._task["sender"].format(id=name))
            for recipient in recipients if code == 250 else ():
                code, _ = self._client.rcpt(recipient)
                if code != 250:
                    break
            if code == 250:
                code, _ = self._client.data(content)
        except smtplib.SMTPDataError as error:  # a reply to DATA other than 354
            return "deferred" if error.smtp_code < 500 else "refused"
        except (OSError, smtplib.SMTPException):
            return "lost_connection"
        if code == 250:
            digest = hashlib.sha256(content).hexdigest()
            at = time.monotonic()
            self._journal.write([{"recipient": each, "sha256": digest, "at": at} for each in recipients])
            return "taken"
        return "refused" if code >= 500 else "deferred"

    def _open(self) -> None:
        self.close()
        host, _, port = self._task["server"].rpartition(":")
        self._client = smtplib.SMTP(host, int(port), "client.example", timeout=20)
        self._client.ehlo()
        self._sent = 0

    def close(self) -> None:
        """Leave the connection, whatever it is worth."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()


def compose(name: str, recipients: list[str], octets: int) -> bytes:
    """Build a message whose first line tells the sink where its content begins."""
    head = f"X-Fault: {name}\r\nSubject: fault {name}\r\nTo: {', '.join(recipients)}\r\n\r\n"
    line = f"{name} " + "0123456789abcdef" * 4
    lines = [line] * (octets // len(line) + 1)
    lines[len(lines) // 2] = "..two dots, kept"
    return (head + "\r\n".join(lines) + "\r\n").encode()


def main() -> None:
    """Send the batch."""
    task = json.load(sys.stdin)
    journal = Journal(Path(sys.argv[1]))
    counts = dict.fromkeys(("taken", "refused", "deferred", "lost_connection", "given_up"), 0)
    tally = {**counts, "longest_s": 0.0}
    numbers = iter(range(task["count"]))
    lock = threading.Lock()

    def session(_: int) -> None:
        sender = Sender(task, journal, tally)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            sender.deliver(number)
        sender.close()

    with ThreadPoolExecutor(task["parallel"]) as pool:
        list(pool.map(session, range(task["parallel"])))
    print(json.dumps(tally))


if __name__ == "__main__":
    main()
