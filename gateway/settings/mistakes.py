"""
Where a file is wrong, and the one exception that carries all of it.

    SettingsError            every mistake of the file at once, sorted by position; nothing else is raised by load

A check reports Problems: a path into the document and a sentence.  Only load.py, which has the text, turns them
into Mistakes with a line and a column.  Values are shown escaped and cut, so that a hostile file cannot write
control sequences to a terminal or a log.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

type Path = tuple[str | int, ...]  # keys and array indices from the root of the document

MAX_SHOWN = 60  # characters of a value repeated in a message
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
_URL_PASSWORD = re.compile(r"(://[^/:@\s]*):[^/\s]*@")


@dataclass(frozen=True)
class Problem:
    """What a check found: `what is wrong; what is expected`, at a path that may not exist (its parent then does)."""

    path: Path
    text: str
    other: Path | None = None  # the earlier place it clashes with; its line is added to the text


@dataclass(frozen=True, order=True)
class Mistake:
    """One line of output."""

    file: str  # name without directory
    line: int  # from 1
    column: int  # from 1, in characters
    text: str

    def __str__(self) -> str:
        """Return file:line:column: text, as compilers do, so that editors can jump there."""
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


class SettingsError(Exception):
    """The file cannot be used; `mistakes` holds each reason, one or more."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


def shown(value: object) -> str:
    """Return a value as in TOML, in printable ASCII, cut after MAX_SHOWN characters; a URL without its password."""
    if isinstance(value, str):
        value = _URL_PASSWORD.sub(r"\1:...@", value)
        quoted = json.dumps(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "...")
        return quoted.replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if value.bit_length() < 4 * MAX_SHOWN else "that number"
    return "a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else ascii(value)[:MAX_SHOWN]


def dotted(path: Path) -> str:
    """Return a path as the key is written in TOML, without array indices: the position says which element."""
    names = (part for part in path if isinstance(part, str))
    return ".".join(name if _BARE_KEY.fullmatch(name) else shown(name) for name in names)


def did_you_mean(wrong: str, known: Iterable[str], suffix: str = "") -> str:
    """Return " (did you mean x?)" with the closest known name and a suffix, or nothing where none is close."""
    close = difflib.get_close_matches(wrong[:MAX_SHOWN].lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]}{suffix}?)" if close else ""
