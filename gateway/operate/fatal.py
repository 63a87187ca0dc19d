"""
End the container when a filter worker cannot be started any more.

supervisord gives a program up (FATAL) after its retries and goes on without it: a container that runs and searches
nothing.  This listener ends supervisord instead, so that the engine restarts the container and the gap shows.

An event listener of supervisor: it says READY, reads one event, says RESULT, for as long as supervisord lives.
Standard library only, so that it works where the rest of the package does not even import.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TextIO

FATAL = "PROCESS_STATE_FATAL"


def read_event(stream: TextIO) -> tuple[str, dict[str, str]] | None:
    """
    Read one event: a line of key:value tokens, then a payload of the length given there.

    Returns:
        The event's name and its payload's tokens; None at the end of the stream.

    Source: supervisor's manual, "Event Listener Notification Protocol".
    """
    line = stream.readline()
    if not line:
        return None
    header = _tokens(line)
    payload = stream.read(int(header["len"]))
    return header["eventname"], _tokens(payload)


def listen(events: TextIO, replies: TextIO, log: TextIO, supervisor_pid: int) -> None:
    """Answer events until their stream ends; send SIGTERM to supervisord at the first FATAL."""
    while True:
        replies.write("READY\n")
        replies.flush()
        event = read_event(events)
        if event is None:
            return
        name, payload = event
        if name == FATAL:
            log.write(f"{payload.get('processname', 'a worker')} cannot be started: ending the container\n")
            log.flush()
            # SIGTERM, not SIGKILL: the other workers finish the transactions under way.
            os.kill(supervisor_pid, signal.SIGTERM)
        replies.write("RESULT 2\nOK")
        replies.flush()


def _tokens(text: str) -> dict[str, str]:
    return dict(token.split(":", 1) for token in text.split() if ":" in token)


if __name__ == "__main__":
    listen(sys.stdin, sys.stdout, sys.stderr, os.getppid())
