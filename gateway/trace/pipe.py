"""
A line's way into the container's log: one write(2) into the pipe that PID 1 was started with.

A supervisor reads each line from its worker's pipe and writes it again; that took a tenth of the filter's processor
time.  So a worker whose parent is PID 1 opens PID 1's stdout and writes there itself.  Whoever else runs this, or
finds no pipe there, writes to his own stdout as ever.  A line of at most MAX_LINE octets goes into a pipe whole or
not at all (pipe(7), PIPE_BUF), so lines of several workers never mix.

A log that takes nothing must stop neither mail nor the worker: a reader that sleeps, or its full disk.  A write that
waits would hold the event loop, hence all sessions, for as long as the reader likes.  So the pipe is opened anew,
which makes O_NONBLOCK ours alone, and made large.  When it is full all the same the reader gets PATIENCE_S, once, in
which the worker stands still; it only has to win a moment on a busy machine.  After that lines are dropped and
counted until one goes through again, which then is the number of those lost.  Not done: a queue in memory, for
that is what the pipe is; a thread, for a dead reader would fill its queue as well.
"""

import contextlib
import fcntl
import functools
import logging
import os
import select
import sys
from pathlib import Path

MAX_LINE = 4096  # octets, with the line feed: Linux's PIPE_BUF
CAPACITY = 1_048_576  # octets: what Linux allows to anybody (fs.pipe-max-size), some 3,000 lines
PATIENCE_S = 0.1


class PipeHandler(logging.Handler):
    """Write records into a pipe."""

    def __init__(self, descriptor: int) -> None:
        """Take over *descriptor*, the writing end, O_NONBLOCK."""
        super().__init__()
        self._pipe = descriptor
        self._lost = 0  # lines in a row that the pipe did not take

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it as lost."""
        patience_s = PATIENCE_S
        if self._lost:
            patience_s = 0
            loss = logging.LogRecord(__name__, logging.WARNING, "", 0, "%d lines of the log lost", (self._lost,), None)
            if self._put(loss, patience_s):
                self._lost = 0
        if self._lost or not self._put(record, patience_s):
            self._lost += 1

    def _put(self, record: logging.LogRecord, patience_s: float) -> bool:
        try:
            line = (self.format(record) + "\n").encode("ascii")
            try:
                os.write(self._pipe, line)
            except BlockingIOError:
                if not patience_s or not self._has_room(patience_s):
                    return False
                os.write(self._pipe, line)
        except Exception:  # a field that cannot be shown, or a pipe without a reader
            return False
        return True

    def _has_room(self, patience_s: float) -> bool:
        poll = select.poll()
        poll.register(self._pipe, select.POLLOUT)
        return bool(poll.poll(patience_s * 1000))


@functools.cache
def open_log() -> logging.Handler:
    """Give the way to the container's log, or to our own stdout; always the same one."""
    for path in ["/proc/1/fd/1"] * (os.getppid() == 1) + ["/proc/self/fd/1"]:
        with contextlib.suppress(OSError):
            if Path(path).is_fifo():
                return PipeHandler(open_pipe(path))
    return logging.StreamHandler(sys.stdout)


def open_pipe(path: str) -> int:
    """
    Open a pipe for writing that does not wait, and enlarge it where that is allowed.

    Raises:
        OSError: not allowed, or nobody reads it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, CAPACITY)
    return descriptor
