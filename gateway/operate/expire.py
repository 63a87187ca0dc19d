"""
Delete held messages when their time is over: an event listener of supervisor that acts on each TICK_3600.

Log levels: one line on stderr for each time that something was deleted or could not be.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TextIO

from gateway.operate.fatal import read_event
from gateway.quarantine.store import Quarantine
from gateway.worker_settings import SettingsError, load


def listen(events: TextIO, replies: TextIO, log: TextIO, settings: Path) -> None:
    """Answer events until their stream ends; after each delete what is too old by the settings of that moment."""
    while True:
        replies.write("READY\n")
        replies.flush()
        if read_event(events) is None:
            return
        said = expire(settings, time.time())
        if said:
            log.write(f"{said}\n")
            log.flush()
        replies.write("RESULT 2\nOK")
        replies.flush()


def expire(settings: Path, now: float) -> str:
    """Delete what is too old; give a line to log, empty when there was nothing to do."""
    try:
        told = load(settings)
        if not told.quarantine:
            return ""
        gone = Quarantine(Path(told.quarantine), told.quarantine_max_octets).expire(told.quarantine_retention_s, now)
    except (OSError, SettingsError) as error:
        return f"quarantine: held messages could not be expired: {error}"
    return f"quarantine: {len(gone)} messages deleted after [quarantine] retention" if gone else ""


if __name__ == "__main__":
    listen(sys.stdin, sys.stdout, sys.stderr, Path(sys.argv[1]))
