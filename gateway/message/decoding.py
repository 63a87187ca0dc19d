"""
What a part holds: its transfer encoding undone in slices, and its text.

Read leniently, as mail programs do, for what only they can read nobody has looked at: octets that are no base64 are
passed over and base64 goes on behind its padding; blanks may stand behind a soft line break; the lines of uuencode
may be too long or too short.  Nothing of a part is held but what was asked for and one slice.

Source: RFC 2045 sections 6.7 and 6.8; uuencode as POSIX has it; yEnc draft 1.3.
"""

import binascii
import re
from collections.abc import Iterable, Iterator

from gateway.message.charset import readings
from gateway.message.header import Buffer
from gateway.message.mime import Part

SLICE = 262_144  # octets of encoded content read at once
MAX_PADDINGS = 1_000  # pieces of base64 in one slice that are decoded each by itself; what follows is read as one
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_BASE64 = bytes(octet for octet in range(256) if octet not in _ALPHABET + b"=")
_PADDING = re.compile(rb"={2,}")
_BLANKS_AT_SOFT_BREAK = re.compile(rb"=[ \t]+\r\n")
_ESCAPED = re.compile(rb"=(.)", re.DOTALL)  # of yEnc
_YENC = bytes((octet - 42) % 256 for octet in range(256))
_BEGIN = re.compile(rb"begin(?:-base64)? [0-7]{3,4} +([^\r\n]{1,1000}?)[ \t]*\r\n", re.IGNORECASE)  # of uuencode


def slices(content: Buffer, part: Part, size: int = SLICE) -> Iterator[bytes]:
    """Give the octets of a part, decoded, in slices of 1 to *size* octets or little more."""
    raw = (content[place : min(place + size, part.stop)] for place in range(part.body, part.stop, size))
    match part.encoding:
        case "base64":
            return _base64(raw)
        case "quoted-printable":
            return _quoted_printable(raw)
        case "x-uuencode" | "uuencode" | "x-uue":
            begin = _BEGIN.search(content, part.body, part.stop)
            return uudecoded(content, begin.end(), part.stop, size) if begin else raw
    return raw


def decoded(content: Buffer, part: Part, max_octets: int) -> bytes:
    """Give the first octets of a part, decoded; at most *max_octets*."""
    # As much as they need encoded, in one piece: line ends and padding are an eighth, escapes of quoted-printable more.
    return head(slices(content, part, min(max_octets * 2 + 1_024, SLICE)), max_octets)


def head(pieces: Iterable[bytes], max_octets: int) -> bytes:
    """Put slices together, at most *max_octets* of them."""
    found: list[bytes] = []
    octets = 0
    for piece in pieces:
        found.append(piece)
        octets += len(piece)
        if octets >= max_octets:
            break
    return b"".join(found)[:max_octets]


def texts(octets: bytes, part: Part) -> list[str]:
    """Give the text that the octets of a part are by its charset: one, or all that programs may read; never fails."""
    return readings(octets, part.parameters.get("charset", ""), "replace")


def uudecoded(content: Buffer, start: int, stop: int, size: int = SLICE) -> Iterator[bytes]:
    """
    Give the octets of uuencoded lines, in slices.

    Args:
        content: What they are in.
        start: Place behind the line `begin`.
        stop: Place where they end unless a line `end` comes first; lines that are none of theirs say nothing.
        size: Octets of lines that are read at once.
    """
    for lines in _whole_lines(content, start, stop, size):
        rows = lines.splitlines()
        ended = b"end" in rows
        if ended:
            del rows[rows.index(b"end") :]
        if piece := b"".join(map(_uu_line, rows)):
            yield piece
        if ended:
            return


def ydecoded(content: Buffer, start: int, stop: int, size: int = SLICE) -> Iterator[bytes]:
    """Give the octets of lines of yEnc, in slices; the arguments are those of uudecoded(), an end is `=yend`."""
    for lines in _whole_lines(content, start, stop, size):
        rows = lines.split(b"\r\n")
        ended = next((number for number, row in enumerate(rows) if row.startswith(b"=yend")), None)
        octets = b"".join(row for row in rows[:ended] if not row.startswith(b"=ypart"))
        if piece := _ESCAPED.sub(lambda match: bytes([(match[1][0] - 64) % 256]), octets).translate(_YENC):
            yield piece
        if ended is not None:
            return


def _whole_lines(content: Buffer, place: int, stop: int, size: int) -> Iterator[bytes]:
    """Cut octets behind line ends, in slices of at most *size*; a longer line is cut within."""
    while place < stop:
        lines = content[place : min(place + size, stop)]
        if place + len(lines) < stop and (cut := lines.rfind(b"\n") + 1):
            lines = lines[:cut]
        place += len(lines)
        yield lines


def _uu_line(line: bytes) -> bytes:
    if not line:
        return b""  # and not what an empty line says: 32 zeros
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    # Some programs write more on a line than it says, or leave out what is blank at its end.
    length = ((line[0] - 32) & 63) * 4 // 3 + 4
    try:
        return binascii.a2b_uu(line[: 1 + length].ljust(1 + length))
    except binascii.Error:
        return b""


def _base64(raw: Iterable[bytes]) -> Iterator[bytes]:
    carried = b""  # up to three characters of a group not yet whole
    for slice_ in raw:
        characters = carried + slice_.translate(None, _NO_BASE64)
        carried = b""
        pieces = _PADDING.sub(b"=", characters).split(b"=", MAX_PADDINGS)
        last = pieces.pop().replace(b"=", b"")
        whole = len(last) - len(last) % 4
        carried = last[whole:]
        found = b"".join(_base64_piece(piece) for piece in pieces if piece) + _base64_piece(last[:whole])
        if found:
            yield found
    if last := _base64_piece(carried):
        yield last


def _base64_piece(characters: bytes) -> bytes:
    """Decode base64 without padding; a single character behind the last group says nothing."""
    if len(characters) % 4 == 1:
        characters = characters[:-1]
    return binascii.a2b_base64(characters + b"=" * (-len(characters) % 4))


def _quoted_printable(raw: Iterable[bytes]) -> Iterator[bytes]:
    carried = b""  # the beginning of a line, or of an escape, not yet whole
    for slice_ in raw:
        lines = carried + slice_
        cut = lines.rfind(b"\n") + 1
        if not cut:  # one endless line: anything but the middle of an escape
            cut = max(len(lines) - 3, 0)
            cut = at if (at := lines.find(b"=", cut)) >= 0 else len(lines)
        carried = lines[cut:]
        if found := _unquoted(lines[:cut]):
            yield found
    if last := _unquoted(carried):
        yield last


def _unquoted(lines: bytes) -> bytes:
    if b"= " in lines or b"=\t" in lines:
        lines = _BLANKS_AT_SOFT_BREAK.sub(b"=\r\n", lines)
    return binascii.a2b_qp(lines)
