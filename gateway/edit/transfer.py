"""
transfer: octets put into a text part as its transfer encoding wants them, by a splice that leaves the rest as it is.

base64 carries three octets in four characters, so what is put in has to begin and end with such a group: the one
group in which it begins is written anew, and in the middle of a text the octets are as many as fill whole groups
(the caller pads).  Nothing behind them moves.  In quoted-printable a soft line break before and after keeps the lines
short and the text around it as it was.

A body that decoders read in different ways (base64 with foreign characters, or going on behind its padding) is None
here, and gets nothing.

Source: RFC 2045 sections 6.7 and 6.8.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from gateway.message.edit import Splice

IDENTITY = ("", "7bit", "8bit", "binary")
_LINE = 76  # characters of an encoded line
_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n\t ]*=?[\r\n\t ]*=?[\r\n\t ]*")
_BLANKS = b"\r\n\t "
_RUN = re.compile(rb"[A-Za-z0-9+/=]+")
_SOFT_BREAK = re.compile(rb"=[ \t]*(?:\r\n)?\Z")


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a text part."""

    start: int  # place in the content
    encoded: bytes  # as it stands there
    encoding: str  # one of IDENTITY, base64, quoted-printable
    text: bytes  # without transfer encoding, in the part's charset

    @property
    def groups_of(self) -> int:
        """Octets that are put into the middle must be a multiple of this."""
        return 3 if self.encoding == "base64" else 1

    def append(self, text: bytes) -> Splice:
        """Put octets behind the text; lines end as lines of the content do."""
        if self.encoding == "base64":
            return self._into_base64(len(self.text), text)
        if self.encoding == "quoted-printable":
            # A soft line break without its line end swallows the next one.
            unfinished = _SOFT_BREAK.search(self.encoded) is not None and not self.encoded.endswith(b"\r\n")
            text = b"\r\n" * unfinished + b"\r\n".join(map(_quote, text.split(b"\r\n")))
        place = self.start + len(self.encoded)
        return Splice(place, place, text)

    def put(self, at: int, encoded_at: int, text: bytes) -> Splice:
        """
        Put octets into the middle.

        Args:
            at: Place in *text*.
            encoded_at: The same place in *encoded*; not looked at for base64.
            text: Octets, a multiple of groups_of.
        """
        if self.encoding == "base64":
            return self._into_base64(at, text)
        if self.encoding == "quoted-printable":
            text = b"=\r\n" + b"\r\n".join(map(_quote, text.split(b"\r\n"))) + b"=\r\n"
        place = self.start + encoded_at
        return Splice(place, place, text)

    def _into_base64(self, at: int, text: bytes) -> Splice:
        """Write the group anew in which *at* is, with the octets in it; when it begins there, only put them before."""
        first = at - at % 3
        end = min(first + 3, len(self.text)) if at % 3 else first
        start = _place(self.encoded, first // 3 * 4)
        stop = _place(self.encoded, first // 3 * 4 + 3) + 1 if at % 3 else start
        encoded = base64.b64encode(self.text[first:at] + text + self.text[at:end])
        lines = b"\r\n".join(encoded[place : place + _LINE] for place in range(0, len(encoded), _LINE))
        before = b"" if start == 0 or self.encoded[start - 1 : start] == b"\n" else b"\r\n"
        after = b"" if self.encoded[stop : stop + 1] in (b"", b"\r") else b"\r\n"
        return Splice(self.start + start, self.start + stop, before + lines + after)


def body_of(start: int, encoded: bytes, encoding: str) -> Body | None:
    """Undo a part's transfer encoding; None where that is not known, or can be done in more than one way."""
    if encoding in IDENTITY:
        return Body(start, encoded, encoding, encoded)
    if encoding == "quoted-printable":
        return Body(start, encoded, encoding, binascii.a2b_qp(encoded))
    if encoding != "base64" or not _BASE64.fullmatch(encoded):
        return None
    characters = encoded.translate(None, _BLANKS)
    if len(characters) % 4 or not characters:
        return None
    return Body(start, encoded, encoding, base64.b64decode(characters))


def ends_line(body: Body, newline: bytes) -> bool:
    """Tell whether a text ends with the end of a line, or is empty."""
    if body.encoding == "quoted-printable":
        return not body.encoded or (body.encoded.endswith(b"\r\n") and not _SOFT_BREAK.search(body.encoded))
    return not body.text or body.text.endswith(newline)


def _quote(line: bytes) -> bytes:
    """Write one line in quoted-printable, with soft line breaks, without its line end."""
    pieces = [bytes([octet]) if octet in range(32, 127) and octet != 61 else b"=%02X" % octet for octet in line]
    lines, length = [b""], 0
    for piece in pieces:
        if length + len(piece) >= _LINE:
            lines.append(b"")
            length = 0
        lines[-1] += piece
        length += len(piece)
    return b"=\r\n".join(lines)


def _place(encoded: bytes, number: int) -> int:
    """Give where the character of this number is, blanks not counted; behind the last when there are not so many."""
    end = 0
    for run in _RUN.finditer(encoded):
        end = run.end()
        if number < end - run.start():
            return run.start() + number
        number -= end - run.start()
    return end
