"""
The machine while it measures: quiet before each round, or the run says that it was not.

Not the load average: after our own last round that takes minutes to fall.  How idle the processors are can be seen
in seconds.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

BUSY = 0.2  # share of all processors in use from which the machine is not quiet
LOOK_S = 3.0


def busy_share(before: str, after: str) -> float:
    """Return which share of the processors was in use between two readings of /proc/stat."""
    first, second = ([int(word) for word in text.splitlines()[0].split()[1:9]] for text in (before, after))
    ticks = [late - early for early, late in zip(first, second, strict=True)]
    idle = ticks[3] + ticks[4]  # idle and iowait; proc(5)
    return 1 - idle / sum(ticks) if sum(ticks) else 0.0


def look() -> float:
    """Return which share of the processors others use now."""
    before = Path("/proc/stat").read_text()
    time.sleep(LOOK_S)
    return busy_share(before, Path("/proc/stat").read_text())


def await_quiet(patience_s: float) -> float:
    """Wait until the machine is quiet, or patience ends; return which share of it is in use."""
    deadline = time.monotonic() + patience_s
    while (share := look()) > BUSY and time.monotonic() < deadline:
        pass
    return share


def describe() -> dict[str, str | int]:
    """Return what a reader of the figures wants to know of the machine."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processors": os.cpu_count() or 0,
        "model": model[0].partition(": ")[2] if model else platform.machine(),
        "kernel": platform.release().partition("-")[0],
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
