"""
Part: one entity of a MIME message, and what its header says of it.

Of two fields or parameters that contradict each other the first counts, as for most mail programs; names to save it
under are all kept, and so are boundaries, for the recipient's program may be another.  Whatever has two readings is an
anomaly.

Source: RFC 2045, RFC 2046, RFC 2183.
"""

import re
from dataclasses import dataclass, field

from gateway.message.comments import without_comments
from gateway.message.header import Field, Header
from gateway.message.parameters import MAX_VALUE, Parsed, parse_value

LONGEST_BOUNDARY = 70  # octets; RFC 2046 section 5.1.1
MAX_SAME = 5  # fields of one name that are read
MAX_BOUNDARIES = 3  # of one multipart, where there are several readings; each line is compared with all
_TYPE_FIELD, _ENCODING_FIELD, _DISPOSITION_FIELD = b"content-type", b"content-transfer-encoding", b"content-disposition"
_BOUNDARY = re.compile(rb"[ -~]{0,%d}" % LONGEST_BOUNDARY)
_TYPE = re.compile(r"[!-.0-~]+/[!-.0-~]+")
IDENTITY = ("7bit", "8bit", "binary", "")
_ENCODINGS = frozenset({*IDENTITY, "base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue"})
PARTIAL = "message/partial"  # of which the recipient's program makes a message; RFC 2046 section 5.2.2
_MESSAGES = ("message/rfc822", "message/global", "message/news")  # whose body is a message; RFC 6532, RFC 5537


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that software may read in different ways."""

    kind: str  # one of gateway.message.mime.ANOMALIES
    place: int  # in the content


@dataclass(slots=True)
class Part:
    """One entity: the message itself, a part of a multipart, or a message in a message."""

    header: Header
    start: int  # place of its header section
    depth: int = 0  # 0 for the message itself
    parent: int | None = None  # index in Mime.parts
    type: str = "text/plain"  # type/subtype in lower case
    parameters: dict[str, str] = field(default_factory=dict)  # of Content-Type, names in lower case, RFC 2231 decoded
    encoding: str = ""  # Content-Transfer-Encoding in lower case, empty when none
    disposition: str = ""  # Content-Disposition in lower case, without parameters
    filename: str = ""  # the first of names, empty when there is none
    names: list[str] = field(default_factory=list)  # every one that some program may save it under, decoded
    body: int = 0  # place where its body begins
    stop: int = 0  # place where its body ends, the line end before a delimiter left out
    children: list[int] = field(default_factory=list)  # indexes in Mime.parts
    boundaries: tuple[bytes, ...] = ()  # of a multipart: all that programs may take for it
    closed: bool = False  # its closing delimiter was there
    closing: int = 0  # place of that delimiter's first hyphen

    @property
    def boundary(self) -> bytes:
        """Give the first of its boundaries; nothing for what has none."""
        return self.boundaries[0] if self.boundaries else b""

    @property
    def is_multipart(self) -> bool:
        """True when it may have parts."""
        return self.type.startswith("multipart/")

    @property
    def is_message(self) -> bool:
        """True when its body is a message that can be read where it stands."""
        return self.type in _MESSAGES and self.encoding in IDENTITY

    @property
    def is_sealed(self) -> bool:
        """True when parts or a message may be in it that only the recipient's program gets to see."""
        encoded = self.encoding not in IDENTITY and (self.is_multipart or self.type in _MESSAGES)
        return (encoded and not self.children) or self.type == PARTIAL


def describe(
    header: Header, start: int, *, in_digest: bool = False, max_value: int = MAX_VALUE
) -> tuple[Part, list[Anomaly]]:
    """
    Make a part of its header section.

    Args:
        header: Of the part.
        start: Place where that begins.
        in_digest: The part is one of a multipart/digest, whose parts are messages unless they say otherwise.
        max_value: Octets of each field body that are read.

    Returns:
        The part, its place among others not filled in, and what its header has two readings of.
    """
    part = Part(header, start, body=header.body)
    description = _Description(part, max_value)
    if not header.complete:
        description.note("too-many-fields")
    description.read(in_digest=in_digest)
    return part, description.anomalies


class _Description:
    def __init__(self, part: Part, max_value: int) -> None:
        self.anomalies: list[Anomaly] = []
        self._part = part
        self._max_value = max_value
        self._given: dict[bytes, list[Field]] = {_TYPE_FIELD: [], _ENCODING_FIELD: [], _DISPOSITION_FIELD: []}

    def note(self, kind: str, place: int | None = None) -> None:
        self.anomalies.append(Anomaly(kind, self._part.start if place is None else place))

    def read(self, *, in_digest: bool) -> None:
        part = self._part
        for given in part.header.fields:
            if (name := given.name.lower()) in self._given:
                self._given[name].append(given)
        types = [self._parsed(given) for given in self._all(_TYPE_FIELD)]
        dispositions = [self._parsed(given) for given in self._all(_DISPOSITION_FIELD)]
        part.type = "message/rfc822" if in_digest else part.type  # RFC 2046 section 5.1.5
        if types:
            self._read_type(types[0])
        self._read_encoding()
        part.disposition = dispositions[0].value if dispositions else ""
        names = [name for parsed in dispositions for name in parsed.readings("filename")]
        names += [name for parsed in types for name in parsed.readings("name")]
        part.names = list(dict.fromkeys(filter(None, names)))
        part.filename = part.names[0] if part.names else ""

    def _read_type(self, parsed: Parsed) -> None:
        self._part.parameters = parsed.parameters
        well_formed = _TYPE.fullmatch(parsed.value)
        if parsed.commented or not well_formed:
            self.note("bad-type")
        if well_formed:
            self._part.type = parsed.value
        if self._part.is_multipart:
            self._read_boundary(parsed)
        elif self._part.type == PARTIAL:
            self.note("partial")

    def _read_boundary(self, parsed: Parsed) -> None:
        """Take the boundary as octets: decoded, as file names are, it would not be what the delimiters have."""
        given = parsed.octets.get("boundary", [])
        boundaries = dict.fromkeys(octets.rstrip(b" \t") for octets in given)
        boundaries.pop(b"", None)
        self._part.boundaries = tuple(boundaries)[:MAX_BOUNDARIES]
        if not boundaries:
            self.note("no-boundary")
        elif given != [self._part.boundary] or "boundary" in parsed.extended or not _BOUNDARY.fullmatch(given[0]):
            self.note("bad-boundary")

    def _read_encoding(self) -> None:
        given = self._all(_ENCODING_FIELD)
        part = self._part
        value = given[0].value.decode("latin-1") if given else ""
        plain = without_comments(value) if "(" in value else value
        part.encoding = plain.partition(";")[0].strip().lower()
        composite = part.is_multipart or part.type.startswith("message/")
        if plain != value or part.encoding not in _ENCODINGS or (composite and part.encoding not in IDENTITY):
            self.note("bad-encoding")

    def _parsed(self, given: Field) -> Parsed:
        parsed = parse_value(given.value, self._max_value)
        if parsed.repeated:
            self.note("parameter-twice")
        if parsed.malformed:
            self.note("bad-parameter")
        if not parsed.complete:
            self.note("too-many-parameters")
        return parsed

    def _all(self, name: bytes) -> list[Field]:
        """Give the fields of a name; more than one is an anomaly."""
        found = self._given[name]
        if len(found) > 1:
            self.note("field-twice", found[1].start)
        return found[:MAX_SAME]
