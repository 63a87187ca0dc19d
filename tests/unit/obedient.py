"""
Gate 2 for the model of a session: it answers as the paths ask it to, and keeps what it took with its envelope.

A recipient begins with a word of WORDS.  A sender begins with three, for its MAIL, for its DATA and for its dot.
"""

from .session_model import GO_ON, LATER, NEVER, OK, Delivered, Sender
from .sink import Received, Sink

WORDS = {b"ok": OK, b"later": LATER, b"never": NEVER}


def code_of(word: bytes, yes: int) -> int:
    """Return what gate 2 says to a path that asks for it."""
    return yes if WORDS[word] == OK else WORDS[word]


class Gate2(Sink):
    """Answers as the paths ask, and keeps what it took with its envelope."""

    def __init__(self) -> None:
        super().__init__()
        self.delivered: list[Delivered] = []
        self.replies |= {b"MAIL": self._mail, b"RCPT": self._rcpt, b"DATA": self._data, b".": self._dot}

    async def _mail(self, _: Received, line: bytes) -> bytes:
        return b"%d 2.1.0 Mail\r\n" % sender_of(line).mail

    async def _rcpt(self, received: Received, line: bytes) -> bytes:
        sender, _ = envelope(received)
        return b"%d 2.1.5 Rcpt\r\n" % (answer_to(line) if sender.mail == OK else 503)

    async def _data(self, received: Received, _: bytes) -> bytes:
        sender, recipients = envelope(received)
        return b"%d Data\r\n" % (sender.data if recipients else 554)

    async def _dot(self, received: Received, _: bytes) -> bytes:
        sender, recipients = envelope(received)
        if sender.dot == OK:
            content = (b"\r\n" + received.messages[-1]).replace(b"\r\n.", b"\r\n")[2:]
            self.delivered.append(Delivered(sender.path, recipients, content))
        return b"%d 2.0.0 Dot\r\n" % sender.dot


def sender_of(line: bytes) -> Sender:
    """Read MAIL."""
    path = line[line.index(b"<") + 1 : line.index(b">")]
    words = path.partition(b"@")[0].split(b".") if path else [b"ok"] * 3
    return Sender(path, *(code_of(word, yes) for word, yes in zip(words, (OK, GO_ON, OK), strict=True)))


def answer_to(line: bytes) -> int:
    """Read RCPT; return what it is answered."""
    return code_of(line[line.index(b"<") + 1 :].partition(b".")[0], OK)


def envelope(received: Received) -> tuple[Sender, tuple[bytes, ...]]:
    """Return the envelope of the transaction a connection of gate 2 is in."""
    verbs = received.verbs()
    start = len(verbs) - 1 - verbs[::-1].index(b"MAIL")
    lines = received.commands[start:]
    sender = sender_of(lines[0])
    taken = [line[9:-1] for line in lines if line.startswith(b"RCPT") and answer_to(line) == sender.mail == OK]
    return sender, tuple(taken)
