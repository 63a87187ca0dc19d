"""
Chunk: a slice of content as it travels, dot-stuffed, and on demand as checks read it.

The wire form passes from gate 1 to gate 2 untouched; the content form is made only when a check asks, so a message
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
