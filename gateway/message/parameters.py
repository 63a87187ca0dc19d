"""
Parameters of Content-Type and Content-Disposition: quoted strings, RFC 2231 continuations and encoded words.

Read leniently, as mail programs do, for a file name that only the recipient's program understands is one nobody has
looked at; what is not well-formed is said.  Works in time linear in the value, up to MAX_VALUE octets.

Source: RFC 2045 section 5.1, RFC 2231 sections 3 and 4; RFC 2047 words in parameters are forbidden and common.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

MAX_VALUE = 16_384  # octets of one field body that are read
_PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_SECTION = re.compile(rb"([^*]+)(?:\*([0-9]{1,3}))?(\*)?")
_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(=\?)")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A field body: what stands before the first semicolon, and the parameters."""

    value: str  # in lower case, without blanks around it
    parameters: dict[str, str]  # names in lower case; of two the first
    repeated: bool = False  # a parameter was given twice
    malformed: bool = False  # something between the parameters is none


def parse_value(octets: bytes) -> Parsed:
    """Read a field body; never fails."""
    malformed = len(octets) > MAX_VALUE
    octets = octets[:MAX_VALUE]
    head, semicolon, _ = octets.partition(b";")
    place = len(head)
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    repeated = False
    while match := _PARAMETER.match(octets, place):
        place = match.end()
        name, number, extended = _section(match[1])
        quoted = match[2] is not None
        malformed |= quoted and octets[place - 1 : place] != b'"'
        value = _QUOTED_PAIR.sub(rb"\1", match[2]) if quoted else match[3].strip()
        sections = pieces.setdefault(name, {})
        repeated |= number in sections
        sections.setdefault(number, (value, extended))
    malformed |= bool(octets[place:].strip(b" \t;"))
    parameters = {name: _join(sections) for name, sections in pieces.items()}
    return Parsed(
        head.strip().lower().decode("latin-1"), parameters, repeated, malformed or (not semicolon and b"=" in head)
    )


def _section(name: bytes) -> tuple[str, int, bool]:
    """Split name*0* into name, number and whether the value is percent-encoded; -1 is the whole value."""
    match = _SECTION.fullmatch(name)
    if match is None:
        return name.lower().decode("latin-1"), -1, False
    number = int(match[2]) if match[2] is not None else -1
    return match[1].lower().decode("latin-1"), number, match[3] is not None


def _join(sections: dict[int, tuple[bytes, bool]]) -> str:
    """Put the sections of a value together and decode it."""
    charset, octets, extended = "utf-8", b"", False
    for number, (value, encoded) in sorted(sections.items()):
        if encoded:
            if number in (-1, 0) and value.count(b"'") >= 2:
                named, _language, value = value.split(b"'", 2)
                charset = named.decode("latin-1") or charset
            value, extended = unquote_to_bytes(value), True
        octets += value
    text = decode(octets, charset)
    return text if extended else decode_words(text)


def decode(octets: bytes, charset: str) -> str:
    """Decode by a charset a stranger named; Latin-1 where Python does not know it, or it is no charset of text."""
    try:
        return octets.decode(charset)
    except (LookupError, UnicodeError, ValueError):
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("latin-1")


def decode_words(text: str) -> str:
    """Decode the encoded words of RFC 2047 in a text; what is none stays as it is."""
    if "=?" not in text:
        return text
    return _WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1\2", text))


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, payload = match[1].partition("*")[0], match[2].lower(), match[3].encode("latin-1", "replace")
    try:
        if encoding == "b":
            octets = base64.b64decode(payload + b"=" * (-len(payload) % 4))
        else:
            octets = binascii.a2b_qp(payload, header=True)
    except (binascii.Error, ValueError):
        return match[0]
    return decode(octets, charset)
