"""
What a session with the filter must answer, as a model: a few integers and flags, without octets, sockets or time.

Each method stands for one command line, or one content, and notes the codes that it is answered by and what gate 2
gets.  Nothing depends on how lines are cut or sent together, but for two things that a client cannot tell from outside
either: after gate 2 has refused MAIL the filter may or may not have begun to read the next line as one outside a
transaction (refused_by_gate_2); and the 421 after too many errors within a transaction comes in place of replies that
were not sent yet (cut).
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_ERRORS, MAX_RECIPIENTS, MAX_OCTETS = 20, 3, 20_000
OK, GO_ON, LATER, NEVER = 250, 354, 451, 550
CRLF = b"\r\n"


@dataclass(frozen=True)
class Sender:
    """A reverse-path, and what gate 2 says to its MAIL, to its DATA and to its dot."""

    path: bytes
    mail: int = OK
    data: int = GO_ON
    dot: int = OK


@dataclass(frozen=True)
class Delivered:
    """A message as gate 2 took it."""

    reverse_path: bytes
    recipients: tuple[bytes, ...]
    content: bytes  # as a reader gets it


@dataclass
class Transaction:
    """From MAIL to what ends it."""

    sender: Sender
    offered: int = 0  # RCPT commands passed on to gate 2
    taken: list[bytes] = field(default_factory=list)
    errors: int = 0

    @property
    def refused_by_gate_2(self) -> bool:
        """True when its MAIL was: what follows hears the same."""
        return self.sender.mail != OK


class Session:
    """The state of a session, and the codes it owes."""

    def __init__(self, delivered: list[Delivered] | None = None) -> None:
        self.expected: list[int] = []  # codes not heard yet
        self.delivered = delivered or []  # in earlier sessions too
        self.greeted = self.closed = False
        self.cut = False  # the last code may come in place of any of the others
        self.known_policy = True
        self.transaction: Transaction | None = None
        self.in_content = False
        self.errors = 0  # outside transactions
        self.doubtful = 0  # errors that may have counted there
        self.aftermath = 0  # what RCPT and DATA hear, where MAIL or DATA was refused before; 0: no

    @property
    def in_doubt(self) -> bool:
        """True until heard() where the filter may still be in a transaction that gate 2 refused."""
        return self.transaction is not None and self.transaction.refused_by_gate_2

    def heard(self) -> None:
        """Note that all replies have been read."""
        self.expected.clear()
        if self.in_doubt and self.transaction is not None:
            self._over(self.transaction.sender.mail)

    # -- commands

    def fixed(self, code: int) -> None:
        """Take a line that is answered alike everywhere."""
        self._error(code) if code >= 500 else self.expected.append(code)

    def greet(self, *, named: bool = True, known_policy: bool = True) -> None:
        """Take EHLO or HELO."""
        if self.transaction is not None or named:
            self._over()
        if not named:
            self._error(501)
            return
        self.greeted, self.known_policy = True, known_policy
        self.expected.append(OK)

    def xforward(self, *, valid: bool) -> None:
        """Take XFORWARD."""
        if self.transaction is not None:
            self._error(503)
        else:
            self.fixed(OK if valid else 501)

    def mail(self, sender: Sender, refusal: int = 0) -> None:
        """Take MAIL; *refusal* is the filter's own."""
        if self.transaction is not None or not self.greeted:
            self._error(503)
        elif refusal:
            self._error(refusal)
            self.aftermath = refusal
        elif not self.known_policy:
            self.expected.append(LATER)
            self.aftermath = LATER
        else:
            self.expected.append(sender.mail)
            self.transaction, self.aftermath = Transaction(sender), 0

    def rcpt(self, path: bytes, answer: int = OK, refusal: int = 0) -> None:
        """Take RCPT; *answer* is gate 2's, *refusal* the filter's own."""
        current = self.transaction
        if current is None:
            self._error(self.aftermath or 503)
        elif current.refused_by_gate_2:
            current.offered += 1
            self._doubt(current.sender.mail)
        elif current.offered >= MAX_RECIPIENTS:
            self.expected.append(452)
        elif refusal:
            self._error(refusal)
        else:
            current.offered += 1
            current.taken += [path] if answer == OK else []
            self.expected.append(answer)

    def data(self) -> None:
        """Take DATA, the last line before its reply."""
        current = self.transaction
        if current is None:
            self._error(self.aftermath or 503)
        elif not current.offered:
            self._error(503)
        elif current.refused_by_gate_2:
            self._doubt(current.sender.mail)
        else:
            code = current.sender.data if current.taken else 554
            self.expected.append(code)
            self.in_content = code == GO_ON
            if not self.in_content:
                self._over(code)

    def content(self, octets: bytes) -> None:
        """Take content as it is sent, up to the final dot: empty, or ended by CRLF."""
        current = self.transaction
        assert current is not None
        lines = [line.translate(bytes.maketrans(CRLF, b"  ")) for line in octets.split(CRLF)[:-1]]
        content = b"".join(line.removeprefix(b".") + CRLF for line in lines)
        if len(content) > MAX_OCTETS:
            self.expected.append(552 if current.sender.path else 452)
        else:
            self.expected.append(current.sender.dot)
            if current.sender.dot == OK:
                self.delivered.append(Delivered(current.sender.path, tuple(current.taken), content))
        self._over()

    def rset(self) -> None:
        """Take RSET."""
        self._over()
        self.expected.append(OK)

    def leave(self, code: int) -> None:
        """Take what ends the session: QUIT, what no SMTP client says, or content without waiting for 354."""
        self._close(code)

    # -- what comes of them

    def _over(self, aftermath: int = 0) -> None:
        self.transaction, self.in_content, self.aftermath = None, False, aftermath

    def _close(self, code: int) -> None:
        self._over()
        self.expected.append(code)
        self.closed = True

    def _doubt(self, code: int) -> None:
        self.expected.append(code)
        self.doubtful += 1

    def _error(self, code: int) -> None:
        """Note a refusal of the filter's own, and the end that so many of them make."""
        if self.in_doubt:
            self._doubt(code)
        elif self.transaction is not None:
            self.transaction.errors += 1
            self.cut = self.transaction.errors == MAX_ERRORS
            self._close(421) if self.cut else self.expected.append(code)
        else:
            self.errors += 1
            self.expected.append(code)
            if self.errors == MAX_ERRORS:
                self._close(421)
