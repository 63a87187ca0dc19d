"""
Header: the fields of a header section as places in the content, so that an edit touches those octets and no others.

Read as Postfix's cleanup reads it: a field is a name, blanks, a colon; lines that begin with a blank belong to the
field above; the first line that is neither ends the section.  Nothing is decoded and nothing is corrected here.

Source: RFC 5322 section 2.2; field names are printable ASCII but the colon.
"""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass

type Buffer = bytes | mmap.mmap  # whole content: CRLF line ends, no dot-stuffing

MAX_FIELDS = 10_000  # of one header section; what follows is left out, and said so
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(?:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*)(?:\r\n|\Z)")
_FOLD = re.compile(rb"\r\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Field:
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
    complete: bool = True  # False when there were more than MAX_FIELDS

    def all(self, name: bytes) -> Iterator[Field]:
        """Give the fields of a name, in whatever case, in their order."""
        wanted = name.lower()
        return (field for field in self.fields if field.name.lower() == wanted)

    def first(self, name: bytes) -> Field | None:
        """Give the first field of a name, or None."""
        return next(self.all(name), None)


def read_header(content: Buffer, start: int = 0, stop: int | None = None) -> Header:
    """
    Read a header section.

    Args:
        content: The whole content.
        start: Place where the section begins: of the message, or of a part.
        stop: Place where the part ends; the end of the content unless given.
    """
    stop = len(content) if stop is None else stop
    fields: list[Field] = []
    place = start
    while len(fields) < MAX_FIELDS and (match := _FIELD.match(content, place, stop)):
        fields.append(Field(match[1], place, match.end(), match[0]))
        place = match.end()
    blank = content[place : min(place + 2, stop)] == b"\r\n"
    return Header(tuple(fields), place, place + 2 if blank else place, len(fields) < MAX_FIELDS)
