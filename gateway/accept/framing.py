"""
Where content ends: a reader of the dot-stuffed octets after DATA, without I/O.

Only CR LF . CR LF ends the data (RFC 5321 section 4.1.1.4).  Servers that also took LF . LF, LF . CR LF or
CR LF . LF for the end let one message smuggle in another (CVE-2023-51764, -51765, -51766, CVE-2024-27305).  A CR or
LF that is not part of a CRLF becomes one space, as in Postfix's cleanup(8), and is counted: put one for one, a space
can neither make an end of data nor undo one, and gate 2 reads the same lines as we do.

The octets otherwise stay as they are, stuffing included, for gate 2 wants them in that form.
"""

from gateway.message.content import MAX_CHUNK, Chunk

END = b"\r\n.\r\n"
MAX_FEED = MAX_CHUNK - 2  # octets; with those held back a chunk stays within MAX_CHUNK
_TO_SPACE = bytes.maketrans(b"\r\n", b"  ")


class DataReader:
    """Turn the octets that follow DATA into chunks, up to the final dot."""

    def __init__(self) -> None:
        self.done = False  # the final dot has been read
        self.stray_line_ends = 0  # lone CR and lone LF made a space
        self.octets = 0  # octets of content given out so far, stuffing not counted
        self._rest = b""  # what came behind the final dot
        self._held = b""  # end of the last feed that may yet turn out to be part of CRLF or of the final dot
        self._at_line_start = True  # the octet before the next chunk ended a line

    def feed(self, data: bytes) -> Chunk | None:
        """
        Take the next octets of the stream.

        Args:
            data: 1 to MAX_FEED octets, cut anywhere.

        Returns:
            The content they make known, or None when there is none yet.

        Raises:
            ValueError: *data* is too long, or the final dot was read before: a bug of the caller.
        """
        if self.done or len(data) > MAX_FEED:
            raise ValueError("fed after the final dot" if self.done else f"fed {len(data)} octets")
        data = self._held + data if self._held else data
        wire = self._until_end(data)
        if not self.done:
            self._held = self._undecided(wire)
            if self._held:
                wire = wire[: -len(self._held)]
        return self._chunk(wire) if wire else None

    def take_rest(self) -> bytes:
        """Give what came behind the final dot, the next commands; empty when asked again."""
        rest, self._rest = self._rest, b""
        return rest

    def _until_end(self, data: bytes) -> bytes:
        """Look for the final dot; give what precedes it, with the CRLF that is part of both line and ending."""
        if self._at_line_start and data.startswith(END[2:]):
            end = -2
        elif (end := data.find(END)) < 0:
            return data
        self.done = True
        self._rest = data[end + len(END) :]
        return data[: end + 2]

    def _undecided(self, data: bytes) -> bytes:
        """Give the octets at the end of *data* that cannot be judged before the next ones came: CR, dot or dot CR."""
        for tail in (b".\r", b"."):
            if data.endswith(b"\r\n" + tail) or (data == tail and self._at_line_start):
                return tail
        return b"\r" if data.endswith(b"\r") else b""

    def _chunk(self, wire: bytes) -> Chunk:
        # Of all ways to ask for a stray CR or LF the quickest by half, for counting single octets is slow: with the
        # CRLF painted over it takes a look for either octet, which stops at the first.
        rest = wire.replace(b"\r\n", b"  ")
        if b"\r" in rest or b"\n" in rest:
            self.stray_line_ends += rest.count(b"\r") + rest.count(b"\n")
            wire = b"\r\n".join([part.translate(_TO_SPACE) for part in wire.split(b"\r\n")])
        chunk = Chunk(wire, self._at_line_start)
        stuffed = wire.count(b"\r\n.") + (self._at_line_start and wire.startswith(b"."))
        self.octets += len(wire) - stuffed
        self._at_line_start = wire.endswith(b"\n")
        return chunk
