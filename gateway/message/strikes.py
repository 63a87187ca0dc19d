"""
Messages that a bug of ours meets again and again.

Such a message is answered 4xx each time, so gate 1 tries until the message is too old, and then it bounces, days later
and for nothing its sender did.  After TRIES it is held instead, not searched, for an operator to look at.  A worker
counts by itself, and from zero after a reload: what was wrong may be mended.
"""

TRIES = 20  # of one worker; gate 1 comes every 15 to 40 s, so that with two of them it takes some 20 minutes
KEPT = 1_000  # messages, the last that were met


class Strikes:
    """How often a bug met each message, by gate 1's queue id."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}

    def add(self, queue_id: bytes) -> None:
        """Count once more; nothing where gate 1 did not say which message it is."""
        if queue_id:
            self._counts[queue_id] = self._counts.pop(queue_id, 0) + 1
            if len(self._counts) > KEPT:
                del self._counts[next(iter(self._counts))]

    def out(self, queue_id: bytes) -> bool:
        """Tell whether a message has been tried often enough."""
        return self._counts.get(queue_id, 0) >= TRIES
