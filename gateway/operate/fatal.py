"""
End the container when a filter worker cannot be started any more.

supervisord gives a program up (FATAL) after its retries and goes on without it: a container that runs and searches
nothing.  This listener ends supervisord instead, so that the engine restarts the container and the gap shows.

Standard library only, so that it works where the rest of the package does not even import.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TextIO

from gateway.operate.events import listen

FATAL = "PROCESS_STATE_FATAL"


def end_at_fatal(name: str, payload: dict[str, str], log: TextIO, supervisor_pid: int) -> None:
    """Send SIGTERM to supervisord if the event is a FATAL."""
    if name == FATAL:
        log.write(f"{payload.get('processname', 'a worker')} cannot be started: ending the container\n")
        log.flush()
        # SIGTERM, not SIGKILL: the other workers finish the transactions under way.
        os.kill(supervisor_pid, signal.SIGTERM)


if __name__ == "__main__":
    listen(sys.stdin, sys.stdout, lambda name, payload: end_at_fatal(name, payload, sys.stderr, os.getppid()))
