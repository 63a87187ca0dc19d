"""
The line of a transaction: everything one wants to know of it afterwards, in one record.

It joins both queue ids, so that from any of the three logs one finds the other two.  It never holds content.

Log levels: INFO a transaction; DEBUG one that ended before its content with no recipient refused, as the
healthcheck's does every few seconds; ERROR a bug of ours, with traceback.
"""

import logging
import re
import time
from typing import Protocol

from gateway.message.envelope import Client, Envelope
from gateway.message.reply import Reply
from gateway.message.verdict import Verdict

log = logging.getLogger("gateway.transaction")

SHOWN_FINDINGS = 10  # worst findings that are named
SHOWN_RECIPIENTS = 5  # first recipients that are named; the others are counted
_OUTCOMES = {2: "sent", 4: "deferred", 5: "rejected"}  # by the class of the last reply
_QUEUED_AS = re.compile(rb"queued as ([0-9A-Za-z]{6,40})\b")


class Subject(Protocol):
    """What a line tells of a transaction as it came in."""

    client: Client
    envelope: Envelope
    policy: str

    @property
    def octets(self) -> int:
        """Octets of content."""

    @property
    def stray_line_ends(self) -> int:
        """Lone CR and LF made a space."""


class Line:
    """Collect what happens to one transaction, and write it once."""

    def __init__(self, waited_s: float) -> None:
        """Start the clock; *waited_s* seconds had gone by before there was a slot."""
        self.verdict: Verdict | None = None  # None when it did not come to one
        self.reply: Reply | None = None  # the last one gate 1 got
        self.cause = ""  # what went wrong, for our eyes only
        self._outcome = ""  # abandoned, lost or unknown; else the class of the reply tells
        self._mark = time.monotonic()
        self._stages: dict[str, int] = {"wait": round(waited_s * 1000)}  # milliseconds

    def stage(self, name: str) -> None:
        """Note the time since the last mark under *name*."""
        now = time.monotonic()
        self._stages[name] = round((now - self._mark) * 1000)
        self._mark = now

    def end(self, outcome: str, cause: str, reply: Reply | None = None) -> None:
        """
        Note an end before its time.

        Args:
            outcome: "abandoned", "lost", "unknown", or empty when *reply* tells.
            cause: What went wrong, for our eyes only.
            reply: The last one gate 1 gets, if it gets one.
        """
        self._outcome, self.cause, self.reply = "" if reply and outcome == "abandoned" else outcome, cause, reply
        self.stage("end")

    def write(self, subject: Subject) -> None:
        """Write the line; call it once, at the end."""
        quiet = self._outcome == "abandoned" and not subject.envelope.refused and self.reply is None
        level = logging.DEBUG if quiet else logging.INFO
        if log.isEnabledFor(level):
            # Not log.log(): it goes through the stack for a file and a line that nobody is shown.
            record = logging.LogRecord(log.name, level, "", 0, "transaction", None, None)
            record.fields = self._fields(subject)
            log.handle(record)

    def _fields(self, subject: Subject) -> dict[str, object]:
        told, envelope = subject.client.attributes, subject.envelope
        asked = [r.path for r in envelope.recipients] + [r.path for r, _ in envelope.refused]
        fields: dict[str, object] = {
            "pre": subject.client.queue_id_pre,
            "post": self._queue_id_post(),
            "client": told.get("NAME", b"unknown") + b"[" + told.get("ADDR", b"unknown") + b"]",
            "from": b"<" + envelope.reverse_path.path + b">",
            "to": [b"<" + path + b">" for path in asked[:SHOWN_RECIPIENTS]],
            "recipients": len(envelope.recipients),
            "refused": len(envelope.refused),
            "octets": subject.octets,
            "policy": subject.policy,
            "verdict": self.verdict.action.value if self.verdict else "",
            "outcome": self._outcome or (_OUTCOMES[self.reply.severity] if self.reply else ""),
            "reply": self.reply.text if self.reply else b"",
            "ms": self._stages,
        }
        if envelope.refused:
            fields["refusal"] = envelope.refused[0][1].text
        if self.verdict and self.verdict.findings:
            fields["findings"] = [finding.key for finding in self.verdict.findings[:SHOWN_FINDINGS]]
        if subject.stray_line_ends:
            fields["stray_line_ends"] = subject.stray_line_ends
        if self.cause:
            fields["cause"] = self.cause
        return fields

    def _queue_id_post(self) -> bytes:
        if self.reply is None or self.reply.severity != 2:
            return b""
        match = _QUEUED_AS.search(self.reply.text)
        return match[1] if match else b""
