"""
BodyHash: the hash of a body that DKIM and ARC sign, taken of slices, in time and memory that the body cannot inflate.

dkimpy does the same on the whole body at once, with several copies of it, and its pattern for blanks at the end of a
line takes quadratic time on a long run of them: a stranger's megabyte of blanks would stop a worker for hours.

Source: RFC 6376 sections 3.4.3 (simple) and 3.4.4 (relaxed).
"""

import hashlib
import re

_BLANKS = re.compile(rb"[ \t]+")
_LINE_END = b"\r\n"
_MANY = _LINE_END * 4096


class BodyHash:
    """SHA-256 of a canonical body, relaxed or simple."""

    def __init__(self, *, relaxed: bool) -> None:
        self.octets = 0  # of the canonical body so far
        self._relaxed = relaxed
        self._hash = hashlib.sha256()
        self._line_ends = 0  # that came last and count only when something follows
        self._rest = b""  # the end of the last slice, which may be part of a line end: at most " \r"

    def update(self, body: bytes) -> None:
        """Take the next slice, cut anywhere; CR and LF only as CRLF."""
        body = self._rest + body
        if self._relaxed:
            body = _BLANKS.sub(b" ", body).replace(b" \r\n", _LINE_END)
        text = body.rstrip(b" \r\n" if self._relaxed else _LINE_END)
        end = body[len(text) :]
        if text:
            self._flush_line_ends()
            self._take(text)
        more = end.count(_LINE_END)
        self._line_ends += more
        self._rest = end[2 * more :]

    def digest(self) -> bytes:
        """Give the hash; line ends at the end count as one, and a body of nothing else as RFC 6376 has it."""
        if self.octets or not self._relaxed:
            self._take(_LINE_END)
        return self._hash.digest()

    def _flush_line_ends(self) -> None:
        while self._line_ends:
            number = min(self._line_ends, 4096)
            self._take(_MANY[: 2 * number])
            self._line_ends -= number

    def _take(self, octets: bytes) -> None:
        self._hash.update(octets)
        self.octets += len(octets)
