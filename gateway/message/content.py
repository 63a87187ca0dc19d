"""
Chunk: a slice of content as it travels, dot-stuffed, and on demand as checks read it; Stuffing: the way back.

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
    """
    Turn slices of content into their wire form, one after the other.

    The last guard before gate 2: whatever a check or an edit made of the content, no lone CR or LF gets there, where
    it could end the data for some program behind it (CVE-2023-51764 and others; see accept.framing).
    """

    def __init__(self) -> None:
        self._tail = b"\r\n"  # last two octets before the next slice

    def wire(self, content: bytes) -> bytes:
        """
        Double each dot that begins a line (RFC 5321 section 4.5.2), so that content cannot end the DATA command.

        Args:
            content: Next slice, 0 or more octets, cut anywhere; CR and LF only as CRLF.

        Raises:
            ValueError: a lone CR or LF: a bug of what made the content.
        """
        if not content:
            return b""
        tail, self._tail = self._tail, (self._tail + content[-2:])[-2:]
        cut = tail[1:] == b"\r"  # between CR and LF
        pairs = content.count(b"\r\n")
        if (
            cut != content.startswith(b"\n")
            or content.count(b"\n") != pairs + cut
            or content.count(b"\r") != pairs + content.endswith(b"\r")
        ):
            raise ValueError("a lone CR or LF in content")
        wire = content.replace(b"\r\n.", b"\r\n..")
        if tail == b"\r\n" and content[:1] == b".":
            return b"." + wire
        return b"\n." + wire[1:] if cut and content[1:2] == b"." else wire

    def end(self) -> bytes:
        """
        Give what ends the last line, nothing when it is ended: only then can the final dot follow.

        Raises:
            ValueError: the content ended in a lone CR.
        """
        if self._tail[1:] == b"\r":
            raise ValueError("a lone CR at the end of content")
        return b"" if self._tail == b"\r\n" else b"\r\n"
