"""
Reply: code, enhanced status and text of an SMTP answer (RFC 5321 section 4.2, RFC 3463).

A reply may come from gate 2 and go to gate 1, so its octets are not trusted: `wire()` gives one well-formed reply
whatever the text holds, and the class (2, 4 or 5) always survives.  Replies that tell of a fault of our own carry
OWN_FAULT, so that the healthcheck can tell our 451 from one of gate 2.
"""

from dataclasses import dataclass

MAX_LINE = 512  # octets of a reply line with its CRLF; RFC 5321 section 4.5.3.1.5
_ROOM = MAX_LINE - len(b"250-\r\n")
MAX_LINES = 100  # lines of one reply; more are cut

OWN_FAULT = b"yard: "  # begins the text of replies about faults of the filter or its way to gate 2

# Every octet but printable ASCII becomes "?", so that no text can end a line or move a terminal's cursor.
_PRINTABLE = bytes(octet if 0x20 <= octet <= 0x7E else ord("?") for octet in range(256))


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply; the enhanced status, where there is one, is the first word of each line."""

    code: int  # 200 to 599
    lines: tuple[bytes, ...]  # at least one, each without code and line end; octets as they came

    @classmethod
    def of(cls, text: str) -> "Reply":
        """
        Make a reply from its usual form, as "250 2.1.0 Ok"; more lines are parted by a line feed, code on the first.

        Raises:
            ValueError: *text* does not begin with a code: a bug of the caller.
        """
        code, _, rest = text.partition(" ")
        return cls(int(code), tuple(line.encode("ascii") for line in rest.split("\n")))

    @property
    def severity(self) -> int:
        """First digit of the code: 2 done, 3 go on, 4 try again, 5 refused."""
        return self.code // 100

    @property
    def text(self) -> bytes:
        """Code and first line, as logs show it; octets as they came."""
        return b"%d %s" % (self.code, self.lines[0])

    def relayed(self) -> "Reply":
        """Give the reply as gate 1 may have it: 421 speaks of gate 2's connection, ours stays, so it becomes 451."""
        return Reply(451, self.lines) if self.code == 421 else self

    def wire(self) -> bytes:
        """Give the octets to send: lines of at most MAX_LINE octets, printable ASCII only, one code throughout."""
        if len(self.lines) == 1:
            return b"%d %s\r\n" % (self.code, self.lines[0].translate(_PRINTABLE)[:_ROOM])
        lines = [line.translate(_PRINTABLE)[:_ROOM] for line in self.lines[:MAX_LINES]]
        head = b"".join(b"%d-%s\r\n" % (self.code, line) for line in lines[:-1])
        return head + b"%d %s\r\n" % (self.code, lines[-1])


def own_fault(code: int, status: str, text: str) -> Reply:
    """Make the reply for a fault of the filter or of its way to gate 2; *code* is 4xx, for doubt is never permanent."""
    return Reply(code, (b"%s %s%s" % (status.encode("ascii"), OWN_FAULT, text.encode("ascii")),))
