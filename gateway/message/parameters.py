"""
Parameters of Content-Type and Content-Disposition: quoted strings, RFC 2231 continuations and encoded words.

Read leniently, as mail programs do, for a file name that only the recipient's program understands is one nobody has
looked at; what is not well-formed is said, and of two readings both are given.  Works in time linear in the value, up
to MAX_VALUE octets and MAX_PARAMETERS.

Source: RFC 2045 section 5.1, RFC 2231 sections 3 and 4; RFC 2047 words in parameters are forbidden and common.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from gateway.message.charset import decode

__all__ = ["MAX_VALUE", "Parsed", "decode", "decode_words", "parse_value"]

MAX_VALUE = 16_384  # octets of one field body that are read
MAX_PARAMETERS = 200  # of one field that are read
_PARAMETER = re.compile(rb';[;\s]*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)("?)\s*+|([^;]*+))', re.DOTALL)
_BLANKS = re.compile(rb"[;\s]++")
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_SECTION = re.compile(rb"([^*]+)(?:\*([0-9]{1,3}))?(\*)?")
_NO_TOKEN = re.compile(rb'[\s"]')  # blanks and quotes in a value that is not quoted; other specials are common
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,2000}+)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s++(=\?)")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


type _Piece = tuple[int, bool, bytes]  # number of the section; percent-encoded or not; value


@dataclass(frozen=True, slots=True)
class Parsed:
    """A field body: what stands before the first semicolon, and the parameters."""

    value: str  # in lower case, without blanks around it
    parameters: dict[
        str, str
    ]  # names in lower case, values decoded; RFC 2231 goes before plain, and first before second
    repeated: bool = False  # a parameter was given twice
    malformed: bool = False  # something between the parameters is none
    complete: bool = True  # False when there was more than is read
    octets: dict[str, bytes] = field(default_factory=dict)  # plain before RFC 2231, and no encoded words are undone
    more: dict[str, list[str]] = field(default_factory=dict)  # what else a parameter may be read as, where it may
    extended: frozenset[str] = frozenset()  # names given as RFC 2231 has it

    def readings(self, name: str) -> list[str]:
        """
        Give all that programs may read a parameter as, each once: the plain form, RFC 2231's, either of two.

        Mail programs send name= and name*= together, and those that read them choose by their age.
        """
        if name not in self.parameters:
            return []
        return list(dict.fromkeys([self.parameters[name], *self.more.get(name, ())]))


@dataclass(slots=True)
class _Parameter:
    """What a field body has of one name, in the order of its first pieces."""

    values: list[list[_Piece]] = field(default_factory=list)  # pieces of each
    kinds: dict[str, list[_Piece]] = field(default_factory=dict)  # plain, whole, sections -> the first such value
    repeated: bool = False

    def add(self, value: bytes, number: int | None, *, extended: bool) -> None:
        """Add one occurrence: *number* of its section, None when it has none."""
        kind = "sections" if number is not None else "whole" if extended else "plain"
        piece = (number or 0, extended, value)
        known = self.kinds.get(kind)
        if known is None or kind != "sections":
            self.repeated |= known is not None
            self.values.append([piece])
            self.kinds.setdefault(kind, self.values[-1])
        elif piece[0] in (other for other, _, _ in known):
            self.repeated = True
        else:
            known.append(piece)

    @property
    def extended(self) -> bool:
        """True when a form of RFC 2231 was used."""
        return len(self.kinds) > ("plain" in self.kinds)

    @property
    def in_order(self) -> bool:
        """True when its sections are numbered without a gap."""
        sections = sorted(self.kinds.get("sections", ()))
        return all(number == place for place, (number, _, _) in enumerate(sections))

    def octets(self) -> bytes:
        """Give what programs compare: the first plain value, else the first of RFC 2231."""
        return _join(self.kinds.get("plain") or self.values[0])[0]

    def texts(self) -> list[str]:
        """Give all readings."""
        return [_text(value) for value in self.values]


def parse_value(octets: bytes, max_octets: int = MAX_VALUE) -> Parsed:
    """Read a field body, its first *max_octets*; never fails."""
    complete = len(octets) <= max_octets
    octets = octets[:max_octets]
    head, semicolon, _ = octets.partition(b";")
    malformed = not semicolon and b"=" in head
    found: dict[str, _Parameter] = {}
    for count, match in enumerate(_parameters(octets, len(head))):
        if count == MAX_PARAMETERS:
            complete = False
            break
        if match is None:
            malformed = True
            continue
        name, number, extended = _section(match[1])
        quoted = match[2] is not None
        malformed |= not match[3] if quoted else bool(_NO_TOKEN.search(match[4].strip()))
        value = match[2] if quoted else match[4].strip()
        value = _QUOTED_PAIR.sub(rb"\1", value) if quoted and b"\\" in value else value
        found.setdefault(name, _Parameter()).add(value, number, extended=extended)
    texts = {name: parameter.texts() for name, parameter in found.items()}
    return Parsed(
        head.strip().lower().decode("latin-1"),
        {name: readings[0] for name, readings in texts.items()},
        any(parameter.repeated for parameter in found.values()),
        malformed or not all(parameter.in_order for parameter in found.values()),
        complete,
        {name: parameter.octets() for name, parameter in found.items()},
        {name: readings[1:] for name, readings in texts.items() if len(readings) > 1},
        frozenset(name for name, parameter in found.items() if parameter.extended),
    )


def _parameters(octets: bytes, place: int) -> Iterator[re.Match[bytes] | None]:
    """Give each parameter behind the semicolon at *place*, and None for what stands there and is none."""
    while place < len(octets):
        match = _PARAMETER.match(octets, place)
        if match is not None:
            yield match
            place = match.end()
        elif blanks := _BLANKS.match(octets, place):  # all at once: one by one each would look at all behind it
            place = blanks.end()
        following = octets.find(b";", place)
        end = following if following >= 0 else len(octets)
        if octets[place:end].strip():
            yield None
        place = end


def _section(name: bytes) -> tuple[str, int | None, bool]:
    """Split name*0* into name, number, None when there is none, and whether the value is percent-encoded."""
    match = _SECTION.fullmatch(name) if b"*" in name else None
    if match is None:
        return name.lower().decode("latin-1"), None, False
    number = int(match[2]) if match[2] is not None else None
    return match[1].lower().decode("latin-1"), number, match[3] is not None


def _join(pieces: Sequence[_Piece]) -> tuple[bytes, str]:
    """Put the sections of a value together; give it with its charset, which the first may name."""
    charset, octets = "utf-8", b""
    for place, (_, encoded, value) in enumerate(sorted(pieces)):
        if encoded and not place and value.count(b"'") >= 2:
            named, _language, value = value.split(b"'", 2)
            charset = named.decode("latin-1") or charset
        octets += unquote_to_bytes(value) if encoded else value
    return octets, charset


def _text(pieces: Sequence[_Piece]) -> str:
    (_, encoded, value), *more = pieces
    if not encoded and not more and value.isascii():  # nearly all are such
        return decode_words(value.decode("ascii"))
    return decode_words(decode(*_join(pieces)))


def decode_words(text: str) -> str:
    """Decode the encoded words of RFC 2047 in a text, blanks within them allowed; what is none stays as it is."""
    if "=?" not in text:
        return text
    return _WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1\2", text))


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, payload = match[1].partition("*")[0], match[2].lower(), match[3].encode("latin-1", "replace")
    if encoding == "q":
        return decode(binascii.a2b_qp(payload, header=True), charset)
    digits = _NO_BASE64.sub(b"", payload)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]  # one digit alone says nothing
    return decode(base64.b64decode(digits + b"=" * (-len(digits) % 4)), charset)
