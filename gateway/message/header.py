"""
Header: the fields of a header section as places in the content, so that an edit touches those octets and no others.

Read as Postfix's cleanup reads it: a field is a name, blanks, a colon; lines that begin with a blank belong to the
field above; the first line that is neither ends the section.  Nothing is decoded and nothing is corrected here.

Beyond a limit of fields all up to the blank line is passed over, which costs next to nothing, but for the fields of
MIME: padding hides no part.  Who has to know all fields of a name asks every(), which searches the rest for it.

Source: RFC 5322 section 2.2; field names are printable ASCII but the colon.
"""

import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

type Buffer = bytes | mmap.mmap  # whole content: CRLF line ends, no dot-stuffing

MAX_FIELDS = 10_000  # of one header section; of those beyond it only MAX_MIME_FIELDS of MIME are read
MAX_MIME_FIELDS = 10
# Possessive throughout: a field of 50 MB that ends in no line end costs one pass, and no memory.
_BODY = rb"[ \t]*+:[^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+(?:\r\n|\Z)"
_FIELD = re.compile(rb"([!-9;-~]++)" + _BODY)
_MIME_FIELD = re.compile(rb"\n([Cc](?i:ontent-(?:type|disposition|transfer-encoding)))" + _BODY)
_FOLD = re.compile(rb"\r\n(?=[ \t])")


class Field(NamedTuple):  # a tuple, for making one takes half as long: each message has dozens
    """One header field; start and stop are places in the content, its last line end included."""

    name: bytes  # as written
    start: int
    stop: int
    raw: bytes  # all of it as it stands there

    @property
    def value(self) -> bytes:
        """Give what follows the colon, unfolded, without blanks around it (RFC 5322 section 2.2.3)."""
        return _FOLD.sub(b"", self.raw.partition(b":")[2]).strip(b" \t\r\n")


@dataclass(frozen=True, slots=True)
class Header:
    """A header section."""

    fields: tuple[Field, ...]
    stop: int  # place where the fields end: where another would be added
    body: int  # place where the body begins, behind the blank line; *stop* when there is none
    complete: bool = True  # False when as many fields were read as may be
    rest: int = 0  # place where the fields begin that were passed over; *stop* when there are none

    def all(self, name: bytes) -> Iterator[Field]:
        """Give the fields of a name, in whatever case, in their order."""
        wanted = name.lower()
        return (field for field in self.fields if field.name.lower() == wanted)

    def first(self, name: bytes) -> Field | None:
        """Give the first field of a name, or None."""
        return next(self.all(name), None)


def read_header(
    content: Buffer,
    start: int = 0,
    stop: int | None = None,
    max_fields: int = MAX_FIELDS,
    *,
    ends_at: Callable[[bytes], bool] = lambda _: False,
) -> Header:
    """
    Read a header section.

    Args:
        content: The whole content.
        start: Place where the section begins: of the message, or of a part.
        stop: Place where the part ends; the end of the content unless given.
        max_fields: How many are read before the rest is passed over.
        ends_at: Tells of a field whose name begins with two hyphens whether it is a delimiter, which ends the section.
    """
    stop = len(content) if stop is None else stop
    fields: list[Field] = []
    place = start
    while len(fields) < max_fields and (match := _FIELD.match(content, place, stop)):
        if match[1].startswith(b"--") and ends_at(match[0]):
            break
        end = match.end()
        fields.append(tuple.__new__(Field, (match[1], place, end, match[0])))  # past the class's own, slower way
        place = end
    end = rest = place
    complete = len(fields) < max_fields
    if not complete and content[place : min(place + 2, stop)] != b"\r\n":
        blank = content.find(b"\r\n\r\n", place, stop)
        end = blank + 2 if blank >= 0 else stop
        fields += islice(_passed_over(content, _MIME_FIELD, place, end), MAX_MIME_FIELDS)
    body = end + 2 if content[end : min(end + 2, stop)] == b"\r\n" else end
    return Header(tuple(fields), end, body, complete, rest)


def every(content: Buffer, header: Header, name: bytes) -> Iterator[Field]:
    """Give the fields of a name in their order, those too that were passed over; their number has no limit."""
    yield from (field for field in header.all(name) if field.start < header.rest)
    if header.rest < header.stop:
        pattern = re.compile(rb"\n((?i:%b))" % re.escape(name) + _BODY)
        yield from _passed_over(content, pattern, header.rest, header.stop)


def _passed_over(content: Buffer, pattern: re.Pattern[bytes], start: int, stop: int) -> Iterator[Field]:
    """Search a run of header fields; the pattern begins with the line end before a field."""
    while match := pattern.search(content, start - 1, stop):
        start = match.end()
        yield Field(match[1], match.start(1), start, match[0][1:])
