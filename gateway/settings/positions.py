"""
Find where a key or an array element stands in the text of a TOML document.

tomllib gives values without positions, and tomlkit keeps none either.  This scanner walks a text that tomllib has
already accepted, so it need not check anything: it only has to know where strings, arrays and tables end.
"""

from __future__ import annotations

import re
import tomllib
from functools import cached_property

from gateway.settings.mistakes import Path
from gateway.settings.text import Lines

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'  # up to two quotes may precede the closing three
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)


class Positions:
    """Line and column of each key and array element of one document."""

    def __init__(self, text: str) -> None:
        """Scan a valid TOML text whose line ends are LF."""
        self._lines = Lines(text)
        self._offsets = _Scanner(text).document()

    @cached_property
    def _folded(self) -> dict[Path, int]:
        """Names are folded by the grammars, so a check may know "Corp.test" as "corp.test" only."""
        return {_fold(path): offset for path, offset in reversed(self._offsets.items())}

    def find(self, path: Path) -> tuple[int, int]:
        """Return line and column, both from 1, of the path or else of its nearest parent; 1:1 for the root."""
        for end in range(len(path), 0, -1):
            offset = self._offsets.get(path[:end])
            if offset is None:
                offset = self._folded.get(_fold(path[:end]))
            if offset is not None:
                return self._lines.place(offset)
        return 1, 1


def _fold(path: Path) -> Path:
    return tuple(part.lower() if isinstance(part, str) else part for part in path)


class _Scanner:
    """One pass over the text; `offsets` grows as keys and elements are met, the first mention of a path counts."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0  # offset of the next character
        self.offsets: dict[Path, int] = {}
        self.lengths: dict[Path, int] = {}  # elements so far of each array of tables

    def document(self) -> dict[Path, int]:
        """Scan tables and keys to the end."""
        table: Path = ()
        self.skip_blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.key_and_value(table)
            self.skip_blank()
        return self.offsets

    def skip_blank(self) -> None:
        """Pass over white space, line ends and comments."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def header(self) -> Path:
        """Scan [table] or [[array of tables]]; return the path of the keys below."""
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        path: Path = ()
        names = self.key()
        for count, (name, offset) in enumerate(names, 1):
            path = (*path, name)
            self.offsets.setdefault(path, offset)
            if brackets == 2 and count == len(names):
                self.lengths[path] = self.lengths.get(path, 0) + 1
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
                self.offsets.setdefault(path, offset)
        self.at += brackets
        return path

    def key(self) -> list[tuple[str, int]]:
        """Scan a dotted key; return each part with its offset, and stop after the blanks behind it."""
        parts = []
        while True:
            self.skip_blank()
            start = self.at
            match = _STRING.match(self.text, start) or _BARE_KEY.match(self.text, start)
            if match is None:
                raise ValueError("not the text that tomllib accepted")
            self.at = match.end()
            name = match[0]
            if name[0] in "\"'":
                name = tomllib.loads(f"name = {name}")["name"]
            parts.append((name, start))
            self.skip_blank()
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def key_and_value(self, table: Path) -> None:
        """Scan `key = value`."""
        path = table
        for name, offset in self.key():
            path = (*path, name)
            self.offsets.setdefault(path, offset)
        self.at += 1  # the equals sign
        self.value(path)

    def value(self, path: Path) -> None:
        """Scan a value of any type."""
        self.skip_blank()
        opening = self.text[self.at]
        if opening in "[{":
            self.items(path, "]" if opening == "[" else "}")
            return
        match = _STRING.match(self.text, self.at) or _BARE_VALUE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def items(self, path: Path, closing: str) -> None:
        """Scan an array (its elements get their index as path) or an inline table."""
        self.at += 1
        index = 0
        self.skip_blank()
        while self.text[self.at] != closing:
            if closing == "]":
                self.offsets.setdefault((*path, index), self.at)
                self.value((*path, index))
                index += 1
            else:
                self.key_and_value(path)
            self.skip_blank()
            if self.text[self.at] == ",":
                self.at += 1
                self.skip_blank()
        self.at += 1
