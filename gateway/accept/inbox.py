"""
Inbox: octets of gate 1 that nobody has taken yet, with a limit and a timer.

asyncio's StreamReader would do but for three things: what follows the final dot has to be put back, a command line
that ends in a lone LF has to be told from one that ends in CRLF, and whether a session is idle has to be known at
once when the worker is told to stop.
"""

import asyncio
from collections.abc import Callable

from gateway.message.deadline import Deadline

# Octets of a command line with its CRLF.  Gate 1 reads lines of 2048, but sends longer ones: it adds ORCPT, in which
# each octet of the address may take three.
MAX_COMMAND = 16_384
HIGH_WATER = 65_536  # octets waiting, from which on gate 1 is not read
MIN_RATE = 500  # octets of content for which a second of waiting is forgiven, as Postfix's smtpd_min_data_rate


class BadLine(Exception):  # noqa: N818 - named for what gate 1 sent
    """A command line is too long or does not end in CRLF; it has been taken."""


class Inbox:
    """Queue of octets between the transport, which feeds, and the session, which takes."""

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._octets = b""
        self._start = 0  # octets before this index are taken
        self._paused = False
        self._eof = False
        self._fresh = False  # octets came since line() or take() last looked
        self._skipping = False  # within a line that is too long
        self._waiter: asyncio.Future[bool] | None = None
        self._waited_s = 0.0  # spent in more() since the last whole command line, less what is forgiven
        self._deadline = Deadline(self._expire)

    def __len__(self) -> int:
        return len(self._octets) - self._start

    @property
    def at_eof(self) -> bool:
        """True once gate 1 has closed its side, whatever is left to take."""
        return self._eof

    def feed(self, data: bytes) -> None:
        """
        Add what the transport read; beyond HIGH_WATER it is asked to pause.

        Not when the session waits for it, and will take it before the transport reads again.
        """
        waiter = self._waiter
        self._octets = self._octets[self._start :] + data if self._octets else data
        self._start = 0
        self._fresh = True
        if waiter is not None and not waiter.done():
            waiter.set_result(True)
        elif len(self._octets) > HIGH_WATER and not self._paused:
            self._paused = True
            self._pause()

    def feed_eof(self) -> None:
        """Note that nothing more will come."""
        self._eof = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(False)

    def close(self) -> None:
        """Note that nothing more will come, nor be waited for."""
        self.feed_eof()
        self._deadline.close()

    async def more(self, timeout_s: float) -> bool:
        """
        Wait for octets beyond those that line() and take() have seen.

        A drip wins no time: the waits for one command line add up, and so do those for content that comes in more
        slowly than MIN_RATE.

        Returns:
            True when some came, False when gate 1 has closed its side.

        Raises:
            TimeoutError: *timeout_s* seconds were spent in waiting.
        """
        if self._fresh or self._eof:
            return self._fresh
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        began = loop.time()
        self._deadline.start(timeout_s - self._waited_s)
        try:
            return await self._waiter
        finally:
            self._waited_s += loop.time() - began
            self._deadline.stop()
            self._waiter = None

    def line(self) -> bytes | None:
        """
        Take the next command line.

        Returns:
            The line without its CRLF, or None when it is not complete yet.  It may hold any octet but LF.

        Raises:
            BadLine: the line ends in a lone LF, or is longer than MAX_COMMAND; raised once, when its end has come.
        """
        self._fresh = False
        end = self._octets.find(b"\n", self._start)
        if end < 0:
            if len(self) > MAX_COMMAND:
                self._skipping = True
                self._take(len(self))
            return None
        line = self._take(end + 1 - self._start)
        self._waited_s = 0.0
        if self._skipping or len(line) > MAX_COMMAND or not line.endswith(b"\r\n"):
            self._skipping = False
            raise BadLine
        return line[:-2]

    def take(self, max_octets: int) -> bytes:
        """Take at most *max_octets* octets; empty when none wait."""
        self._fresh = False
        taken = self._take(min(max_octets, len(self)))
        self._waited_s = max(0.0, self._waited_s - len(taken) / MIN_RATE)
        return taken

    def put_back(self, data: bytes) -> None:
        """Put octets back in front, to be taken again."""
        if data:
            self._octets = data + self._octets[self._start :]
            self._start = 0

    def _take(self, count: int) -> bytes:
        start, self._start = self._start, self._start + count
        taken = self._octets[start : self._start]  # no copy where that is all of it
        if self._start == len(self._octets):
            self._octets, self._start = b"", 0
        if self._paused and len(self) <= HIGH_WATER // 2:
            self._paused = False
            self._resume()
        return taken

    def _expire(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())
