"""
Parameters of Content-Type and Content-Disposition: quoted strings, RFC 2231 continuations and encoded words.

Read leniently, as mail programs do, for a file name that only the recipient's program understands is one nobody has
looked at; what is not well-formed is said, and of two readings both are given.  So a field with comments is read
without them, as the standard has it, and with them, as most programs do: report(1).pdf is a common name.  Works in
time linear in the value, up to MAX_VALUE octets and MAX_PARAMETERS.

Source: RFC 2045 section 5.1, RFC 2231 sections 3 and 4; RFC 2047 words in parameters are forbidden and common.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from gateway.message.charset import readings
from gateway.message.comments import without_comments

__all__ = ["MAX_VALUE", "Parsed", "parse_value", "word_readings"]

MAX_VALUE = 16_384  # octets of one field body that are read
MAX_PARAMETERS = 200  # of one field that are read
_PARAMETER = re.compile(rb';[;\s]*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)("?)\s*+|([^;]*+))', re.DOTALL)
# The same, and whatever stands between the quotes of "ev"il".js" or behind them is some of the value.
_LOOSE_PARAMETER = re.compile(rb';[;\s]*+([^\s=;"]++)\s*+=\s*+((?:"(?:[^"\\]|\\.)*+"?|[^;"]++)*+)', re.DOTALL)
_BLANKS = re.compile(rb"[;\s]++")
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_QUOTES = re.compile(rb'\\(.)|"', re.DOTALL)
_SECTION = re.compile(rb"([^*]+)(?:\*([0-9]{1,3}))?(\*)?")
_NO_TOKEN = re.compile(rb'[\s"]')  # blanks and quotes in a value that is not quoted; other specials are common
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*+)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s++(=\?)")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


type _Piece = tuple[int, bool, bytes]  # number of the section; percent-encoded or not; value


@dataclass(frozen=True, slots=True)
class Parsed:
    """A field body: what stands before the first semicolon, and the parameters."""

    value: str  # in lower case, without comments and blanks around it
    parameters: dict[str, str]  # names in lower case, values decoded: the first of all readings
    repeated: bool = False  # a parameter was given twice
    malformed: bool = False  # something between the parameters is none
    complete: bool = True  # False when there was more than is read
    octets: dict[str, list[bytes]] = field(default_factory=dict)  # all readings, no words undone; plain before RFC 2231
    more: dict[str, list[str]] = field(default_factory=dict)  # what else a parameter may be read as, where it may
    extended: frozenset[str] = frozenset()  # names given as RFC 2231 has it
    commented: bool = False  # the value is another for programs that know no comments

    def readings(self, name: str) -> list[str]:
        """
        Give all that programs may read a parameter as, each once: the plain form, RFC 2231's, each of two, decoded by
        either charset, with comments and without.

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
        sections = self.kinds.get("sections")
        return sections is None or all(number == place for place, (number, _, _) in enumerate(sorted(sections)))

    def octets(self) -> list[bytes]:
        """Give what programs compare: the first plain value, then all, each once."""
        if len(self.values) == 1:
            return [_join(self.values[0])[0]]
        values = [self.kinds["plain"], *self.values] if "plain" in self.kinds else self.values
        return list(dict.fromkeys(_join(value)[0] for value in values))

    def texts(self) -> list[str]:
        """Give all readings."""
        return [text for value in self.values for text in _texts(value)]


@dataclass(slots=True)
class _Reading:
    """A field body read in one way."""

    value: bytes
    found: dict[str, _Parameter]
    malformed: bool
    complete: bool


def parse_value(octets: bytes, max_octets: int = MAX_VALUE) -> Parsed:
    """Read a field body, its first *max_octets*; never fails."""
    first, *others = _readings(octets[:max_octets])
    texts = {name: parameter.texts() for name, parameter in first.found.items()}
    plain = {name: parameter.octets() for name, parameter in first.found.items()}
    extended = {name for name, parameter in first.found.items() if parameter.extended}
    malformed, complete, commented = first.malformed, first.complete and len(octets) <= max_octets, False
    for reading in others:
        malformed |= reading.malformed
        complete &= reading.complete
        commented |= reading.value != first.value
        extended |= {name for name, parameter in reading.found.items() if parameter.extended}
        for name, parameter in reading.found.items():
            texts.setdefault(name, []).extend(parameter.texts())
            plain[name] = list(dict.fromkeys([*plain.get(name, ()), *parameter.octets()]))
    return Parsed(
        first.value.lower().decode("latin-1"),
        {name: found[0] for name, found in texts.items()},
        any(parameter.repeated for parameter in first.found.values()),
        malformed,
        complete,
        plain,
        {name: found[1:] for name, found in texts.items() if len(found) > 1},
        frozenset(extended),
        commented,
    )


def _readings(octets: bytes) -> list[_Reading]:
    """Read a field body in all the ways it may be: one, nearly always."""
    plain = octets
    if b"(" in octets and b"(" in _QUOTED.sub(b"", octets):
        plain = without_comments(octets.decode("latin-1")).encode("latin-1")
    found = [_read(plain)]
    if plain != octets:
        found.append(_read(octets))
    if found[0].malformed or found[-1].malformed:
        found.append(_read(plain, loose=True))
    return found


def _read(octets: bytes, *, loose: bool = False) -> _Reading:
    head, semicolon, _ = octets.partition(b";")
    found: dict[str, _Parameter] = {}
    malformed, complete = not semicolon and b"=" in head, True
    for count, match in enumerate(_parameters(octets, len(head), _LOOSE_PARAMETER if loose else _PARAMETER)):
        if count == MAX_PARAMETERS:
            complete = False
            break
        if match is None:
            malformed = True
            continue
        name, number, extended = _section(match[1])
        value, well_formed = _loose_value(match) if loose else _value(match)
        malformed |= not well_formed
        found.setdefault(name, _Parameter()).add(value, number, extended=extended)
    malformed = malformed or not all(parameter.in_order for parameter in found.values())
    return _Reading(head.strip(), found, malformed, complete)


def _value(match: re.Match[bytes]) -> tuple[bytes, bool]:
    """Give the value of a parameter, and whether it is well-formed."""
    quoted, closed, bare = match.group(2, 3, 4)
    if quoted is None:
        value = bare.strip()
        return value, _NO_TOKEN.search(value) is None
    return _QUOTED_PAIR.sub(rb"\1", quoted) if b"\\" in quoted else quoted, bool(closed)


def _loose_value(match: re.Match[bytes]) -> tuple[bytes, bool]:
    return _QUOTES.sub(rb"\1", match[2]).strip(), True


def _parameters(octets: bytes, place: int, parameter: re.Pattern[bytes]) -> Iterator[re.Match[bytes] | None]:
    """Give each parameter behind the semicolon at *place*, and None for what stands there and is none."""
    while place < len(octets):
        match = parameter.match(octets, place)
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


def _texts(pieces: Sequence[_Piece]) -> list[str]:
    (_, encoded, value), *more = pieces
    if not encoded and not more and value.isascii():  # nearly all are such
        return word_readings(value.decode("ascii"))
    return [text for joined in readings(*_join(pieces)) for text in word_readings(joined)]


def word_readings(text: str) -> list[str]:
    """
    Decode the encoded words of RFC 2047 in a text, blanks within them allowed; what is none stays as it is.

    Returns:
        The text; and where a word is of a charset that not all programs know, the text with it read as ASCII.
    """
    if "=?" not in text:
        return [text]
    text = _BETWEEN_WORDS.sub(r"\1\2", text)
    others: list[str] = []  # of each word the last reading
    two = False

    def decoded(match: re.Match[str]) -> str:
        nonlocal two
        found = _word(match)
        two |= len(found) > 1
        others.append(found[-1])
        return found[0]

    first = _WORD.sub(decoded, text)
    rest = iter(others)
    return [first, _WORD.sub(lambda _: next(rest), text)] if two else [first]


def _word(match: re.Match[str]) -> list[str]:
    charset, encoding, payload = match[1].partition("*")[0], match[2].lower(), match[3].encode("latin-1", "replace")
    if encoding == "q":
        return readings(binascii.a2b_qp(payload, header=True), charset)
    digits = _NO_BASE64.sub(b"", payload)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]  # one digit alone says nothing
    return readings(base64.b64decode(digits + b"=" * (-len(digits) % 4)), charset)
