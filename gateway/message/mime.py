"""
MIME structure as places in the content, read without recursion and within limits.

Software disagrees about malformed MIME, and whoever wants to pass a scanner picks the reading that the scanner does
not have (two boundary parameters, a boundary that is a prefix of another, a part that is never closed).  So whatever
could be read in two ways is noted as an anomaly, for the check `structure` to report; the reading itself is the usual
one: the first of two parameters, the innermost boundary that fits, a part that ends where its parent goes on.  Of two
boundaries of one multipart each delimits, so that neither reading hides a part.

Places nest: what a part holds lies within its body, in order and apart.  Time and memory grow with the content alone,
whatever it is, and where a limit cuts the reading short, `Mime.limit` says so.

Source: RFC 2045, RFC 2046 section 5.1, RFC 2231; limits after Postfix's mime_nesting_limit.
"""

import re
from collections import Counter
from dataclasses import dataclass

from gateway.message.header import MAX_FIELDS, Buffer, Header, read_header
from gateway.message.parameters import MAX_VALUE
from gateway.message.part import Anomaly, Part, describe

__all__ = ["ANOMALIES", "MAX_DEPTH", "MAX_PARTS", "Anomaly", "Mime", "Part", "read_mime"]

MAX_DEPTH = 100  # levels of multipart and message
MAX_PARTS = 1_000
MAX_LINES = 500_000  # that begin with two hyphens
MAX_NOTED = 20  # anomalies of one kind; more of it say nothing new, and must not crowd out others
MAX_ALL_FIELDS = 2 * MAX_FIELDS  # header fields of all parts together; beyond it MIN_FIELDS of each
MIN_FIELDS = 20
MAX_VALUES = 1_048_576  # octets of Content-* fields that are read in all; beyond it MIN_VALUE of each
MIN_VALUE = 256
# A line that begins with two hyphens.  One at the very beginning of the content is no delimiter: none is open there.
_DELIMITER = re.compile(rb"\n--([^\r\n]*+)(?:\r\n|\Z)")
_INK = re.compile(rb"[^ \t\r\n]")


ANOMALIES = {
    "too-deep": "more levels than MAX_DEPTH",
    "too-many-parts": "more parts than MAX_PARTS",
    "too-many-lines": "more lines that could be delimiters than MAX_LINES",
    "too-many-fields": "more header fields than anybody reads",
    "too-many-parameters": "a field with more parameters than anybody reads, or longer ones",
    "no-boundary": "multipart without a boundary parameter",
    "bad-boundary": "a boundary too long, with octets it must not have, given by RFC 2231, or given in two ways",
    "no-part": "a multipart with octets in it, and no part: its delimiter never comes",
    "boundary-reused": "a boundary that an enclosing multipart has too, or one whose closing delimiter is another's",
    "almost-delimiter": "a line that begins as a delimiter does and goes on, which some take for one",
    "unclosed": "a multipart whose closing delimiter is missing",
    "after-close": "a delimiter behind the closing one",
    "field-twice": "Content-Type, Content-Transfer-Encoding or Content-Disposition more than once",
    "parameter-twice": "one parameter given more than once",
    "bad-parameter": "parameters that are not well-formed",
    "bad-type": "a Content-Type that names no type, or has a comment in it",
    "bad-encoding": "an unknown Content-Transfer-Encoding, or one that a multipart or message must not have",
    "partial": "a message in several, which nobody sees whole but the recipient's program",
    "no-blank-line": "a header section that no blank line ends",
}
LIMITS = frozenset(
    {"too-deep", "too-many-parts", "too-many-lines", "too-many-parameters"}
)  # behind them there may be parts nobody has seen


@dataclass(frozen=True, slots=True)
class Mime:
    """All parts in the order of the content, the message itself first."""

    parts: list[Part]
    anomalies: list[Anomaly]  # at most MAX_NOTED of one kind

    @property
    def leaves(self) -> list[Part]:
        """Give the parts that have none themselves."""
        return [part for part in self.parts if not part.children]

    @property
    def limit(self) -> Anomaly | None:
        """Give the first limit that was reached: there may be parts that are not listed."""
        return next((anomaly for anomaly in self.anomalies if anomaly.kind in LIMITS), None)


def read_mime(content: Buffer, header: Header | None = None) -> Mime:
    """
    Read the structure of a message; never fails, whatever the content is.

    Args:
        content: The whole content.
        header: What read_header() gives for it, if that is there already.
    """
    return _Reading(content).run(header or read_header(content))


class _Reading:
    def __init__(self, content: Buffer) -> None:
        self._content = content
        self._parts: list[Part] = []
        self._anomalies: list[Anomaly] = []
        self._noted: Counter[str] = Counter()
        self._path: list[int] = []  # indexes of the parts that are open, outermost first
        self._open: dict[bytes, int] = {}  # boundary -> index of the innermost open multipart that has it
        self._prefixes: tuple[bytes, ...] = ()  # the boundaries of _open
        self._done: set[bytes] = set()  # boundaries whose closing delimiter has come
        self._fields_left = MAX_ALL_FIELDS
        self._values_left = MAX_VALUES
        self._full = False  # a limit was reached, nothing more is read

    def run(self, header: Header) -> Mime:
        place = self._begin(header, 0, None)
        lines = 0
        while (self._open or self._done) and not self._full:
            match = _DELIMITER.search(self._content, max(place - 1, 0))
            if match is None:
                break
            lines += 1
            if lines > MAX_LINES:
                self._stop("too-many-lines", match.start() + 1)
            else:
                place = self._line(match.start() + 1, match.end(), _token(match[1]))
        self._close_down_to(0, len(self._content))
        return Mime(self._parts, self._anomalies)

    def _note(self, kind: str, place: int) -> None:
        self._noted[kind] += 1
        if self._noted[kind] <= MAX_NOTED:
            self._anomalies.append(Anomaly(kind, place))

    def _stop(self, kind: str, place: int) -> None:
        self._note(kind, place)
        self._full = True

    # -- delimiters

    def _owner(self, token: bytes, place: int) -> tuple[int | None, bool]:
        """Give the open multipart that a line is a delimiter of, the innermost of two, and whether it closes that."""
        plain, closed = self._open.get(token), self._open.get(token[:-2]) if token.endswith(b"--") else None
        if plain is not None and closed is not None:
            self._note("boundary-reused", place)
        if closed is not None and (plain is None or closed > plain):
            return closed, True
        return plain, False

    def _line(self, start: int, end: int, token: bytes) -> int:
        """Look at a line that begins with two hyphens; give the place where the next may be."""
        index, closing = self._owner(token, start)
        if index is None:
            if token in self._done or (token.endswith(b"--") and token[:-2] in self._done):
                self._note("after-close", start)
            elif token.startswith(self._prefixes):
                self._note("almost-delimiter", start)
            return end
        self._close_down_to(self._path.index(index) + 1, start)
        part = self._parts[index]
        if closing:
            part.closed, part.closing = True, start
            self._forget(index)
            self._done.update(part.boundaries)
        elif self._room(start, part.depth + 1):
            return self._begin(self._header(end), end, index)
        return end

    def _is_delimiter(self, field: bytes) -> bool:
        """Tell whether what looks like a header field is a delimiter, for a boundary may have a colon in it."""
        token = _token(field[2:].partition(b"\r\n")[0])
        return token in self._open or (token.endswith(b"--") and token[:-2] in self._open)

    # -- parts

    def _header(self, start: int) -> Header:
        limit = max(MIN_FIELDS, min(MAX_FIELDS, self._fields_left))
        return read_header(self._content, start, max_fields=limit, ends_at=self._is_delimiter)

    def _begin(self, header: Header, start: int, parent: int | None) -> int:
        """Open a part, and what it holds if that is a message; give the place where its body begins."""
        while True:
            index = len(self._parts)
            part = self._add(header, start, parent)
            self._path.append(index)
            if part.boundary:
                self._open_multipart(index, part)
            if not part.is_message or not self._room(part.body, part.depth + 1):
                return part.body
            header, start, parent = self._header(part.body), part.body, index

    def _add(self, header: Header, start: int, parent: int | None) -> Part:
        """Make a part of its header, and note what that has two readings of."""
        outer = self._parts[parent] if parent is not None else None
        limit = max(MIN_VALUE, min(MAX_VALUE, self._values_left))
        in_digest = outer is not None and outer.type == "multipart/digest"
        part, anomalies = describe(header, start, in_digest=in_digest, max_value=limit)
        for anomaly in anomalies:
            self._note(anomaly.kind, anomaly.place)
        part.parent, part.stop = parent, len(self._content)
        if outer is not None:
            part.depth = outer.depth + 1
            outer.children.append(len(self._parts))
        self._parts.append(part)
        self._fields_left -= len(header.fields)
        self._values_left -= sum(len(given.raw) for given in header.fields if given.name[:8].lower() == b"content-")
        return part

    def _room(self, place: int, depth: int) -> bool:
        if depth > MAX_DEPTH:
            self._note("too-deep", place)
            return False
        if len(self._parts) >= MAX_PARTS:
            self._stop("too-many-parts", place)
        return not self._full

    def _open_multipart(self, index: int, part: Part) -> None:
        if not self._open.keys().isdisjoint(part.boundaries):
            self._note("boundary-reused", part.start)
        self._open.update(dict.fromkeys(part.boundaries, index))
        self._prefixes = tuple(self._open)

    def _close_down_to(self, level: int, place: int) -> None:
        """Close the parts of the path from *level* on: a delimiter, or the end of the content, is at *place*."""
        stop = place if place == len(self._content) else place - 2
        while len(self._path) > level:
            index = self._path.pop()
            part = self._parts[index]
            part.stop = stop = max(stop, part.body)  # the blank line may be the delimiter's own line end
            if part.header.body == part.header.stop and (part.body < part.stop or (part.header.fields and part.depth)):
                self._note("no-blank-line", part.start)
            if part.boundary and not part.closed:
                if not self._full:
                    self._note("unclosed", part.start)
                    if not part.children and _INK.search(self._content, part.body, part.stop):
                        self._note("no-part", part.start)
                self._forget(index)

    def _forget(self, index: int) -> None:
        """Take a multipart out of those whose boundary counts; one around it may have the same."""
        for boundary in self._parts[index].boundaries:
            outside = (at for at in reversed(self._path) if at != index and not self._parts[at].closed)
            outer = next((at for at in outside if boundary in self._parts[at].boundaries), None)
            if outer is not None:
                self._open[boundary] = outer
            else:
                self._open.pop(boundary, None)
        self._prefixes = tuple(self._open)


def _token(line: bytes) -> bytes:
    """Give what follows the hyphens of a line, but blanks at its end, which transport may add."""
    return line.rstrip(b" \t") if line[-1:] in (b" ", b"\t") else line
