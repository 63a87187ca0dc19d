"""
Where an SMTP session stands, told from the octets that pass: no I/O, so that unit tests can reach every case.

A Dialogue cuts what passes into pieces at the moments at which a fault may strike, and names the moment each piece
is about to make true.  The proxy decides with that name whether the piece is passed on.

c0 before 220 · c1 EHLO · c2 XFORWARD · c3 MAIL · c4 RCPT · c5 DATA · c6 mid-body · c7 dot sent to gate 2 · c8 gate 2
has it, its 250 unread · c9 the filter has read the 250 · c10 gate 1 has read it and not yet noted it.  Two gaps lie
outside the chain: `front` between client and gate 1, `behind` between gate 2 and its next hop.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

# The gap between a dot and the noted 250, hop by hop: a fault there may double a message (RFC 1047).
GAPS = frozenset({"c7", "c8", "c9", "c10", "front", "behind"})

# Moments in the life of a session; `banner` to `data` and `reply`: that reply is about to reach the sender.
_EARLY = {"banner": "c0", "ehlo": "c1", "xforward": "c2", "mail": "c3", "rcpt": "c4", "data": "c5", "body": "c6"}
HOPS = {
    "edge": {**dict.fromkeys(_EARLY, "before"), "dot": "front", "reply": "front", "done": "taken"},
    "scan": {**_EARLY, "dot": "c6", "reply": "c9", "done": "c10"},
    "reinject": {**_EARLY, "dot": "c7", "reply": "c8", "done": "c9"},
    "egress": {**dict.fromkeys(_EARLY, "sending"), "dot": "behind", "reply": "behind", "done": "behind"},
}

_REPLY_TO = {b"EHLO": "ehlo", b"HELO": "ehlo", b"XFORWARD": "xforward", b"MAIL": "mail", b"RCPT": "rcpt"}
_RECIPIENT = re.compile(rb"RCPT TO:<([^>]*)>", re.IGNORECASE)
_END = b"\r\n.\r\n"


@dataclass(eq=False)
class Transaction:
    """One message on one hop."""

    phase: str  # as in HOPS; where it stands, or where it ended
    recipients: list[str] = field(default_factory=list)
    mailed: bool = False  # MAIL was sent
    over: bool = False  # the sender has gone on to something else, or the connection is gone
    broken: bool = False  # it did not end in a 250 that the sender went on from: the sender will try again


def met(under_way: Iterable[tuple[Transaction, str]]) -> dict[str, set[str]]:
    """
    Tell whose mail did not survive a blow, and where it was.

    Args:
        under_way: Transactions at the blow, on all hops, each with its phase at that instant.

    Returns:
        For each recipient of a broken transaction the phases it was in at the blow: on that hop, and on those behind
        it, which may go on to their 250.  Octets on their way at the blow may still have arrived: where a broken one
        ended counts too.
    """
    now = list(under_way)
    found: dict[str, set[str]] = {}
    for transaction, phase in now:
        for recipient in transaction.recipients if transaction.broken else ():
            elsewhere = {there for other, there in now if recipient in other.recipients}
            found.setdefault(recipient, set()).update(elsewhere, (phase, transaction.phase))
    return found


@dataclass
class Piece:
    """Octets to pass on, and the moment they make true."""

    octets: bytes
    moment: str = ""  # empty: none of interest


class Dialogue:
    """One SMTP session, seen from the wire between its two ends."""

    def __init__(self, hop: str) -> None:
        self._phases = HOPS[hop]
        self.transaction: Transaction | None = None
        self.transactions = 0  # begun on this connection
        self._asked: deque[str] = deque(["banner"])  # moments of the replies to come; empty string: of no interest
        self._line = b""  # a command not yet complete
        self._reply = b""  # a reply not yet complete
        self._tail: bytes | None = None  # within content: the octets kept back, which may begin the end; else None

    def enter(self, moment: str) -> None:
        """Note that a piece has come, and is about to be passed on."""
        if self.transaction is not None and moment in self._phases:
            if moment == "done" and self.transaction.broken:
                return  # nothing is done: it stays where the answer found it
            self.transaction.phase = self._phases[moment]

    def ended(self) -> None:
        """Note that the connection is gone."""
        if self.transaction is not None:
            self.transaction.broken = self.transaction.over = True
            self.transaction = None

    def client(self, data: bytes) -> list[Piece]:
        """Cut what the sender of the mail sent."""
        if self._tail is not None:
            return self._content(data)
        again = self._next_message()
        *lines, self._line = (self._line + data).split(b"\r\n")
        for line in lines:
            self._command(line)
        return [Piece(data, "again" if again and self.transactions else "")]

    def _next_message(self) -> bool:
        """End a transaction whose reply has come; True when there was one."""
        ended = self.transaction is not None and (
            self.transaction.broken or self.transaction.phase == self._phases["done"]
        )
        done = ended and not self._asked
        if done and self.transaction is not None:
            self.transaction.over = True
            self.transaction = None
        return done

    def _command(self, line: bytes) -> None:
        verb = line.split(b" ", 1)[0].split(b":")[0].upper()
        current = self.transaction
        if current is not None and (verb == b"RSET" or (verb == b"MAIL" and current.mailed)):
            current.over = True
            self.transaction = None
        if verb in (b"XFORWARD", b"MAIL") and self.transaction is None:
            self.transaction = Transaction(self._phases["ehlo"])
            self.transactions += 1
        if self.transaction is not None:
            self.transaction.mailed |= verb == b"MAIL"
            self.transaction.recipients += [found.decode("ascii", "replace") for found in _RECIPIENT.findall(line)]
        self._asked.append("data" if verb == b"DATA" else _REPLY_TO.get(verb, ""))

    def _content(self, data: bytes) -> list[Piece]:
        """Cut content in the middle and before its dot; at most four octets wait for those that follow."""
        octets = (self._tail or b"") + data
        end = octets.find(_END)
        if end < 0:
            keep = next((size for size in range(4, 0, -1) if octets.endswith(_END[:size])), 0)
            self._tail = octets[len(octets) - keep :]
            octets = octets[: len(octets) - keep]
            return [Piece(octets[: len(octets) // 2]), Piece(octets[len(octets) // 2 :], "body")]
        self._tail = None
        self._asked.append("reply")
        body, rest = octets[: end + 2], octets[end + len(_END) :]
        half = len(body) // 2
        pieces = [Piece(body[:half]), Piece(body[half:], "body"), Piece(_END[2:], "dot")]
        return pieces + (self.client(rest) if rest else [])

    def server(self, data: bytes) -> list[Piece]:
        """Cut what the receiver of the mail answered."""
        pieces = []
        *lines, self._reply = (self._reply + data).split(b"\r\n")
        waiting = b""
        for line in lines:
            waiting += line + b"\r\n"
            if line[3:4] != b"-":
                pieces += self._answer(waiting)
                waiting = b""
        self._reply = waiting + self._reply
        return pieces

    def _answer(self, reply: bytes) -> list[Piece]:
        moment = self._asked.popleft() if self._asked else ""
        if moment == "data" and reply.startswith(b"354"):
            self._tail = b""
        if moment == "reply":
            if self.transaction is not None and not reply.startswith(b"2"):
                self.transaction.broken = True  # gate 2 may have it all the same, when part of it died
            return [Piece(reply, moment), Piece(b"", "done")]
        return [Piece(reply, moment)]
