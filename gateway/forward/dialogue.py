"""
The dialogue with gate 2 as octets, without I/O: the command lines we send, and a reader of its replies.

`command()` is the one way to a command line, and refuses CR, LF and NUL.  Gate 2 trusts us, so an octet that ended
a line early would be a command of a stranger's choosing.
"""

import functools
import re
from collections import deque
from collections.abc import Mapping

from gateway.message.envelope import UNAVAILABLE, XFORWARD_ATTRIBUTES, Recipient, ReversePath, StartContent
from gateway.message.reply import Reply

MAX_REPLY = 65_536  # octets of one reply of gate 2, all its lines
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
MAX_XFORWARD = 490  # octets of attributes in one line, which with verb and spaces stays within 512
# What goes in one line.  Postfix drops a whole line for one attribute it dislikes, such as an IPv6 ADDR where
# inet_protocols is ipv4, so the client's name and address do not share one with IDENT, by which logs are joined.
_XFORWARD_LINES = [
    [(name, name.encode("ascii")) for name in XFORWARD_ATTRIBUTES[start:stop]] for start, stop in ((0, 3), (3, None))
]
# Whatever gate 1 says.  Under LOCAL, as under an unavailable one, Postfix writes Message-Id, Date and From into what
# lacks them, and rewrites addresses in the header, which may be signed by now.
_FIXED = {"SOURCE": b"REMOTE"}
_MAX_KNOWN = 256  # octets of replies that came together, up to which they are remembered
_DSN_KEYWORDS = frozenset({b"RET", b"ENVID", b"NOTIFY", b"ORCPT"})


class MalformedReply(Exception):  # noqa: N818 - named for what gate 2 sent
    """Gate 2 sent what is not a reply; the connection is of no further use."""


def command(*words: bytes) -> bytes:
    """
    Build a command line.

    Raises:
        ValueError: a word holds CR, LF or NUL: a bug, since the grammar in accept lets none through.
    """
    line = b" ".join(words)
    if b"\r" in line or b"\n" in line or b"\0" in line:
        raise ValueError("CR, LF or NUL in a command to gate 2")
    return line + b"\r\n"


def envelope_command(item: ReversePath | Recipient | StartContent, extensions: frozenset[bytes]) -> bytes:
    """
    Build MAIL, RCPT or DATA.

    Args:
        item: What gate 1 sent.
        extensions: Upper-case keywords of gate 2's EHLO; parameters of others are left out.
    """
    if isinstance(item, StartContent):
        return command(b"DATA")
    parameters = [word for word in item.parameters if _extension(word) in extensions]
    verb = b"MAIL FROM:" if isinstance(item, ReversePath) else b"RCPT TO:"
    return command(verb + b"<" + item.path + b">", *parameters)


def _extension(parameter: bytes) -> bytes:
    """Name the EHLO keyword a parameter belongs to."""
    keyword = parameter.partition(b"=")[0].upper()
    if keyword in _DSN_KEYWORDS:
        return b"DSN"
    return b"8BITMIME" if keyword == b"BODY" else keyword


def xforward_commands(attributes: Mapping[str, bytes], offered: frozenset[bytes]) -> list[bytes]:
    """
    Build the XFORWARD lines that tell gate 2 who the client is.

    Args:
        attributes: Upper-case name to xtext value; what is missing is told as unavailable, and SOURCE always
            as REMOTE.
        offered: Upper-case names that gate 2 takes.

    Returns:
        Lines of at most 512 octets, none when gate 2 takes no attribute.
    """
    lines = []
    for names in _XFORWARD_LINES:
        words = [
            key + b"=" + (_FIXED.get(name) or attributes.get(name) or UNAVAILABLE)
            for name, key in names
            if key in offered
        ]
        if sum(map(len, words)) <= MAX_XFORWARD:
            lines += [command(b"XFORWARD", *words)] if words else []
        else:
            lines += [command(b"XFORWARD", word) for word in words]
    return lines


class ReplyReader:
    """Turn octets from gate 2 into replies; they may come cut anywhere."""

    def __init__(self) -> None:
        self._ready: deque[Reply] = deque()  # complete, not yet given
        self._octets = b""
        self._start = 0  # octets before this index are taken
        self._lines: list[bytes] = []  # of a reply that is not complete yet
        self._code = b""
        self._size = 0  # octets of that reply so far

    @property
    def pending(self) -> bool:
        """True when anything at all has come that next() has not given: a reply too many, or a part of one."""
        return bool(self._ready or self._lines) or len(self._octets) > self._start

    def feed(self, data: bytes) -> None:
        """Add octets."""
        rest = self._octets[self._start :]
        self._start = 0
        if not rest and not self._lines and len(data) <= _MAX_KNOWN and data.count(b"\n") > 1:
            known = _known(data)
            self._ready += known
            self._octets = b"" if known else data
        else:
            self._octets = rest + data

    def next(self) -> Reply | None:
        """
        Give the next reply, or None when it is not complete.

        Raises:
            MalformedReply: not a reply by RFC 5321 section 4.2, codes differ between its lines, or too long.
        """
        if self._ready:
            return self._ready.popleft()
        while (end := self._octets.find(b"\n", self._start)) >= 0:
            line, self._start = self._octets[self._start : end + 1], end + 1
            if self._add(line):
                reply = Reply(int(self._code), tuple(self._lines))
                self._lines, self._code, self._size = [], b"", 0
                return reply
        if self._size + len(self._octets) - self._start > MAX_REPLY:
            raise MalformedReply("reply too long")
        return None

    def _add(self, line: bytes) -> bool:
        """Add a line to the reply; True when it is the last."""
        match = _LINE.fullmatch(line[:-2]) if line.endswith(b"\r\n") else None
        if match is None or (self._code and match[1] != self._code):
            raise MalformedReply(f"bad reply line {line[:80]!r}")
        self._size += len(line)
        if self._size > MAX_REPLY:
            raise MalformedReply("reply too long")
        self._code = match[1]
        self._lines.append(match[3] or b"")
        return match[2] != b"-"


@functools.lru_cache(maxsize=64)
def _known(octets: bytes) -> tuple[Reply, ...]:
    """
    Read replies that came together, remembering them: gate 2 answers one envelope as the other.

    Returns:
        The replies; empty when the last is not complete, or one is malformed: that is for next() to say.
    """
    reader = ReplyReader()
    reader._octets = octets
    replies = []
    try:
        while reply := reader.next():
            replies.append(reply)
    except MalformedReply:
        return ()
    return () if reader.pending else tuple(replies)
