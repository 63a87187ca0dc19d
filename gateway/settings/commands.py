"""The directory commands beside gateway.toml: programs that [checks.command.*] name must be there, and can be run."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.settings.checks import Command
from gateway.settings.mistakes import Problem

FOLDER = "commands"
_BY_ALL = stat.S_IROTH | stat.S_IXOTH  # they run as a user who owns nothing


def problems(folder: Path, commands: Mapping[str, Command]) -> Iterator[Problem]:
    """
    Look for programs that could not be run, for each message would be deferred until it expires.

    Args:
        folder: Of gateway.toml.
        commands: [checks.command.*].
    """
    for name, command in commands.items():
        what = _wrong(folder / FOLDER, command.program)
        if what:
            expected = f"expected a program in the directory {FOLDER} beside this file, for all to read and execute"
            yield Problem(("checks", "command", name, "program"), f"{FOLDER}/{command.program} {what}; {expected}")


def _wrong(folder: Path, program: str) -> str:
    try:
        mode, above = (folder / program).stat().st_mode, folder.stat().st_mode
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not stat.S_ISREG(mode):
        return "is no file"
    if mode & _BY_ALL != _BY_ALL:
        return "is not for all to read and execute (chmod 755)"
    return "" if above & _BY_ALL == _BY_ALL else "is in a directory that is not for all to read (chmod 755)"
