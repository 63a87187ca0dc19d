"""
A worker's sign of life: its event loop touches a file every few seconds, and operate/watchdog.py looks for that.

The file holds the worker's pid, so that nobody takes a predecessor's sign for this worker's.  A file that cannot be
written never stops mail: without one a worker is not judged.

Log levels: ERROR the file cannot be written.
"""

import asyncio
import contextlib
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

PERIOD_S = 5.0


def start(path: Path) -> None:
    """Give signs for as long as the running loop turns."""
    try:
        path.write_text(f"{os.getpid()}\n")
    except OSError as error:
        log.error("no sign of life, the watchdog will not look after this worker: %s", error)
        return
    _beat(path)


def _beat(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)
    asyncio.get_running_loop().call_later(PERIOD_S, _beat, path)
