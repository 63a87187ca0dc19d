"""
MIME structure as places in the content, read without recursion and within limits.

Software disagrees about malformed MIME, and whoever wants to pass a scanner picks the reading that the scanner does
not have (two boundary parameters, a boundary that is a prefix of another, a part that is never closed).  So whatever
could be read in two ways is noted as an anomaly, for the check `structure` to report; the reading itself is the usual
one: the first of two parameters, the innermost boundary that fits, a part that ends where its parent goes on.

Source: RFC 2045, RFC 2046 section 5.1, RFC 2231; limits after Postfix's mime_nesting_limit.
"""

import re
from dataclasses import dataclass, field

from gateway.message.header import Buffer, Field, Header, read_header
from gateway.message.parameters import Parsed, parse_value

MAX_DEPTH = 100  # levels of multipart and message
MAX_PARTS = 1_000
# A line that begins with two hyphens; behind CRLF or at the very beginning.
_DELIMITER = re.compile(rb"(?<![^\n])--([^\r\n]*)(?:\r\n|\Z)")
_IDENTITY = ("7bit", "8bit", "binary", "")
_ENCODINGS = frozenset({*_IDENTITY, "base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue"})


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that software may read in different ways."""

    kind: str  # one of ANOMALIES
    place: int  # in the content


ANOMALIES = {
    "too-deep": "more levels than MAX_DEPTH",
    "too-many-parts": "more parts than MAX_PARTS",
    "too-many-fields": "more header fields than anybody reads",
    "no-boundary": "multipart without a boundary parameter, or with one no delimiter can have",
    "boundary-reused": "a boundary that an enclosing multipart has too",
    "unclosed": "a multipart whose closing delimiter is missing",
    "after-close": "a delimiter behind the closing one",
    "field-twice": "Content-Type, Content-Transfer-Encoding or Content-Disposition more than once",
    "parameter-twice": "one parameter given more than once",
    "bad-parameter": "parameters that are not well-formed",
    "bad-type": "a Content-Type that names no type",
    "bad-encoding": "an unknown Content-Transfer-Encoding, or one that a multipart or message must not have",
    "no-blank-line": "a part whose header section runs into a delimiter or the end",
}


@dataclass(slots=True)
class Part:
    """One entity: the message itself, a part of a multipart, or a message in a message."""

    header: Header
    start: int  # place of its header section
    depth: int  # 0 for the message itself
    parent: int | None  # index in Mime.parts
    type: str = "text/plain"  # type/subtype in lower case
    parameters: dict[str, str] = field(default_factory=dict)  # of Content-Type, names in lower case, RFC 2231 decoded
    encoding: str = ""  # Content-Transfer-Encoding in lower case, empty when none
    disposition: str = ""  # Content-Disposition in lower case, without parameters
    filename: str = ""  # filename of the disposition or name of the type, decoded; empty when none
    body: int = 0  # place where its body begins
    stop: int = 0  # place where its body ends, the line end before a delimiter left out
    children: list[int] = field(default_factory=list)  # indexes in Mime.parts
    boundary: bytes = b""  # of a multipart
    closed: bool = False  # its closing delimiter was there
    closing: int = 0  # place of that delimiter's first hyphen

    @property
    def is_multipart(self) -> bool:
        """True when it may have parts."""
        return self.type.startswith("multipart/")


@dataclass(frozen=True, slots=True)
class Mime:
    """All parts in the order of the content, the message itself first."""

    parts: list[Part]
    anomalies: list[Anomaly]

    @property
    def leaves(self) -> list[Part]:
        """Give the parts that have none themselves."""
        return [part for part in self.parts if not part.children]


def read_mime(content: Buffer) -> Mime:
    """Read the structure of a message; never fails, whatever the content is."""
    return _Reading(content).run()


class _Reading:
    def __init__(self, content: Buffer) -> None:
        self._content = content
        self._parts: list[Part] = []
        self._anomalies: list[Anomaly] = []
        self._path: list[int] = []  # indexes of the parts that are open, outermost first
        self._open: dict[bytes, int] = {}  # boundary -> index of the innermost open multipart that has it
        self._done: set[bytes] = set()  # boundaries whose closing delimiter has come

    def run(self) -> Mime:
        self._begin(0, None)
        place = 0
        while match := _DELIMITER.search(self._content, place):
            place = match.end()
            self._delimiter(match.start(), place, match[1].rstrip(b" \t"))
        end = len(self._content)
        self._close_down_to(0, end)
        return Mime(self._parts, self._anomalies)

    def _note(self, kind: str, place: int) -> None:
        if len(self._anomalies) < MAX_PARTS:
            self._anomalies.append(Anomaly(kind, place))

    def _begin(self, start: int, parent: int | None) -> None:
        """Open the part that begins at *start*, and what it holds if that is a message."""
        while True:
            depth = self._parts[parent].depth + 1 if parent is not None else 0
            header = read_header(self._content, start)
            part = Part(header, start, depth, parent, body=header.body, stop=len(self._content))
            index = len(self._parts)
            self._parts.append(part)
            if parent is not None:
                self._parts[parent].children.append(index)
            self._path.append(index)
            self._describe(part)
            if part.is_multipart:
                self._open_multipart(index, part)
            if part.type != "message/rfc822" or part.encoding not in _IDENTITY or not self._room(part.body, depth + 1):
                return
            start, parent = part.body, index

    def _room(self, place: int, depth: int) -> bool:
        if depth > MAX_DEPTH:
            self._note("too-deep", place)
        elif len(self._parts) >= MAX_PARTS:
            self._note("too-many-parts", place)
        else:
            return True
        return False

    def _open_multipart(self, index: int, part: Part) -> None:
        boundary = part.parameters.get("boundary", "").encode("latin-1", "replace")
        part.boundary = boundary
        if not boundary or len(boundary) > 200 or boundary != boundary.rstrip(b" \t"):
            self._note("no-boundary", part.start)
            part.boundary = b""
            return
        if boundary in self._open:
            self._note("boundary-reused", part.start)
        self._open[boundary] = index

    def _delimiter(self, start: int, end: int, token: bytes) -> None:
        """Look at a line that begins with two hyphens: whose delimiter it is, if any."""
        closing = token not in self._open and token.endswith(b"--")
        boundary = token[:-2] if closing else token
        index = self._open.get(boundary)
        if index is None:
            if boundary in self._done:
                self._note("after-close", start)
            return
        self._close_down_to(self._path.index(index) + 1, start)
        if closing:
            part = self._parts[index]
            part.closed, part.closing = True, start
            self._forget(index)
            self._done.add(boundary)
        elif self._room(start, self._parts[index].depth + 1):
            self._begin(end, index)

    def _close_down_to(self, level: int, place: int) -> None:
        """Close the parts of the path from *level* on: a delimiter, or the end of the content, is at *place*."""
        while len(self._path) > level:
            index = self._path.pop()
            part = self._parts[index]
            part.stop = max(place - 2, part.start) if place < len(self._content) else place
            if part.body > part.stop:
                self._note("no-blank-line", part.start)
                part.header = read_header(self._content, part.start, min(place, len(self._content)))
                part.body = part.stop = min(part.header.body, place)
            if part.boundary and not part.closed:
                self._note("unclosed", part.start)
                self._forget(index)

    def _forget(self, index: int) -> None:
        """Take a multipart out of those whose boundary counts; one around it may have the same."""
        boundary = self._parts[index].boundary
        outer = [other for other in self._path if other != index and self._parts[other].boundary == boundary]
        if outer and not self._parts[outer[-1]].closed:
            self._open[boundary] = outer[-1]
        else:
            self._open.pop(boundary, None)

    # -- what the header says

    def _describe(self, part: Part) -> None:
        if not part.header.complete:
            self._note("too-many-fields", part.start)
        self._describe_type(part, self._only(part, b"content-type"))
        encoding = self._only(part, b"content-transfer-encoding")
        part.encoding = encoding.value.partition(b";")[0].strip().lower().decode("latin-1") if encoding else ""
        composite = part.is_multipart or part.type.startswith("message/")
        if part.encoding not in _ENCODINGS or (composite and part.encoding not in _IDENTITY):
            self._note("bad-encoding", part.start)
        disposition = self._parsed(part, self._only(part, b"content-disposition"))
        part.disposition = disposition.value if disposition else ""
        name = disposition.parameters.get("filename", "") if disposition else ""
        part.filename = name or part.parameters.get("name", "")

    def _describe_type(self, part: Part, given: Field | None) -> None:
        parent = self._parts[part.parent] if part.parent is not None else None
        if parent is not None and parent.type == "multipart/digest":
            part.type = "message/rfc822"  # RFC 2046 section 5.1.5
        parsed = self._parsed(part, given)
        if parsed is None:
            return
        part.parameters = parsed.parameters
        if re.fullmatch(r"[!-.0-~]+/[!-.0-~]+", parsed.value):
            part.type = parsed.value
        else:
            self._note("bad-type", part.start)

    def _parsed(self, part: Part, given: Field | None) -> Parsed | None:
        if given is None:
            return None
        parsed = parse_value(given.value)
        if parsed.repeated:
            self._note("parameter-twice", part.start)
        if parsed.malformed:
            self._note("bad-parameter", part.start)
        return parsed

    def _only(self, part: Part, name: bytes) -> Field | None:
        """Give the first field of a name; more than one is an anomaly."""
        found = list(part.header.all(name))
        if len(found) > 1:
            self._note("field-twice", found[1].start)
        return found[0] if found else None
