"""
Delete held messages when their time is over: an event listener of supervisor that acts on each TICK_3600.

    python -m gateway.operate.expire FILTER.TOML

It runs `gateway quarantine expire` in a process of its own: what that needs in memory is gone until the next hour.

Log levels: one line on stderr for each time that something was deleted or could not be.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TextIO

from gateway.operate.events import listen

_EXPIRE = "from gateway.operate.cli import main; main()"
_NOTHING = "0 messages deleted"


def expire(settings: Path) -> str:
    """Delete what is too old by the settings of this moment; give a line to log, empty when there was nothing to do."""
    try:
        if not tomllib.loads(settings.read_text("utf-8"))["quarantine"]:
            return ""
    except (OSError, ValueError, KeyError) as error:
        return f"quarantine: nothing was expired: {error}"
    command = [sys.executable, "-c", _EXPIRE, "quarantine", "expire", "--settings", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    said = " ".join((done.stdout + done.stderr).split())
    return "" if said == _NOTHING else f"quarantine: {said}"


def main(events: TextIO, replies: TextIO, log: TextIO, settings: Path) -> None:
    """Answer events until their stream ends."""

    def answer(_name: str, _payload: dict[str, str]) -> None:
        if said := expire(settings):
            log.write(f"{said}\n")
            log.flush()

    listen(events, replies, answer)


if __name__ == "__main__":
    main(sys.stdin, sys.stdout, sys.stderr, Path(sys.argv[1]))
