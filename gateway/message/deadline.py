"""
Deadline: the end of a wait, for waits of which thousands begin and none comes to it.

A timer of the event loop for each wait has to be made, sorted in and taken out again, several times for each
message.  Here start() and stop() note a time; the one timer stays, and when it goes off too early, which it does once
in many waits, it is set again for what is left.
"""

import asyncio
from collections.abc import Callable


class Deadline:
    """One timer for waits that follow each other."""

    __slots__ = ("_at", "_expire", "_goes_off", "_timer")

    def __init__(self, expire: Callable[[], None]) -> None:
        """Prepare; *expire* is called when a wait has taken too long."""
        self._expire = expire
        self._at = 0.0  # loop time at which the wait is too long; 0: nobody waits
        self._timer: asyncio.TimerHandle | None = None
        self._goes_off = 0.0  # loop time of the timer

    def start(self, seconds: float) -> None:
        """Begin a wait."""
        self._at = asyncio.get_running_loop().time() + max(0.0, seconds)
        if self._timer is None or self._at < self._goes_off:
            self._set_timer()

    def stop(self) -> None:
        """End a wait; does nothing when there is none."""
        self._at = 0.0

    def close(self) -> None:
        """End for good: the timer would keep alive whatever *expire* belongs to."""
        self.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._goes_off = self._at
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._at - loop.time(), self._go_off)

    def _go_off(self) -> None:
        self._timer = None
        if not self._at:
            return
        if asyncio.get_running_loop().time() < self._at:
            self._set_timer()
        else:
            self._at = 0.0
            self._expire()
