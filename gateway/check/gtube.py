"""
gtube: the string that stands for spam in tests (spamassassin.apache.org/gtube), anywhere in the content.

It is looked for as octets, in headers and encoded parts as well, and nothing is decoded.
"""

from gateway.message.verdict import Finding

# Written in two pieces, so that this file is not itself refused when mailed.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


class Gtube:
    """Look for GTUBE across any cut; holds fewer octets than the string has."""

    def __init__(self) -> None:
        self._seen = False
        self._tail = b""  # end of what was fed, one octet short of the string

    def feed(self, content: bytes) -> None:
        """Look at the next slice, together with the end of the last."""
        if self._seen:
            return
        keep = len(GTUBE) - 1
        self._seen = GTUBE in self._tail + content[:keep] or GTUBE in content
        self._tail = (self._tail + content[-keep:])[-keep:]

    def finish(self) -> list[Finding]:
        """Report whether the string was there."""
        return [Finding("gtube", "gtube")] if self._seen else []
