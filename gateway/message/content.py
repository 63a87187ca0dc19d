"""
Chunk: a slice of content as it travels, dot-stuffed, and on demand as checks read it.

The wire form passes from gate 1 to gate 2 untouched; the content form is made only when somebody asks, so a message
that nobody looks into costs neither the unstuffing nor the stuffing.
"""

from dataclasses import dataclass

MAX_CHUNK = 65_536  # octets; no chunk is longer


@dataclass(frozen=True, slots=True)
class Chunk:
    """A slice of content, 1 to MAX_CHUNK octets; it may cut a line anywhere, but never between CR and LF."""

    wire: bytes  # dot-stuffed; CR and LF only as CRLF
    at_line_start: bool  # True when the octet before this chunk ended a line, and for the first chunk

    @property
    def content(self) -> bytes:
        """
        Give the slice without dot-stuffing, as RFC 5321 section 4.5.2 undoes it.

        Returns:
            Octets of header section and body; empty when the slice was nothing but a stuffed dot.
        """
        content = self.wire.replace(b"\r\n.", b"\r\n")
        if self.at_line_start and content.startswith(b"."):
            return content[1:]
        return content


class Stuffing:
    """Turn slices of content into their wire form, one after the other."""

    def __init__(self) -> None:
        self._tail = b"\r\n"  # last two octets before the next slice

    def wire(self, content: bytes) -> bytes:
        """
        Double each dot that begins a line (RFC 5321 section 4.5.2), so that content cannot end the DATA command.

        Args:
            content: Next slice, 0 or more octets, cut anywhere; CR and LF only as CRLF.
        """
        wire = content.replace(b"\r\n.", b"\r\n..")
        tail = self._tail
        self._tail = (tail + content[-2:])[-2:]
        if (tail == b"\r\n" and content[:1] == b".") or (tail[1:] == b"\r" and content[:2] == b"\n."):
            at = 0 if content[:1] == b"." else 1
            wire = content[:at] + b"." + wire[at:]
        return wire

    @property
    def at_line_start(self) -> bool:
        """True when all that was given so far ends a line."""
        return self._tail == b"\r\n"
