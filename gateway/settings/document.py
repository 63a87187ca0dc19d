"""
Text to TOML document: syntax, and what holds for every key and value whatever its meaning.

tomllib stops at the first syntax error, so a text that is not TOML has one mistake.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.settings.mistakes import Mistake, Path, Problem, SettingsError
from gateway.settings.positions import Positions
from gateway.settings.text import Lines

# Tables whose keys are names that the grammars fold to lower case.
_FOLDED = (
    ("domains",),
    ("aliases",),
    ("canonical",),
    ("dns", "zones"),
    ("dns", "forward_zones"),
    ("dns", "trust_anchors"),
    ("lists",),
    ("dkim",),
)


_MAX_DEPTH = 16  # of tables and lists in each other; the format needs 4

_HINTS = {  # how tomllib's message begins -> what would be right
    "Invalid value": "text in quotes, true, false, a number or a list",
    "Unclosed array": "a comma or ] before this",
    "Unclosed inline table": "a comma or } before this",
    "Unterminated string": "the closing quote",
    "Illegal character": "text in quotes on one line",
    "Unescaped '\\'": 'text in single quotes, or "\\\\" for each backslash',
}


def parse(name: str, text: str) -> tuple[dict[str, Any], Positions]:
    """
    Parse TOML, and find out where everything in it stands.

    Raises:
        SettingsError: Not TOML, or nested deeper than any configuration is.
    """
    try:
        tree = tomllib.loads(text)
        _refuse_depth(tree)
        return tree, Positions(text)
    except RecursionError:
        raise SettingsError([Mistake(name, 1, 1, "nested too deeply; expected plain tables and lists")]) from None
    except ValueError as error:  # TOMLDecodeError, or int() refusing thousands of digits
        what, _, where = str(error).partition(" (at ")
        numbers = [int(number) for number in re.findall(r"\d+", where)]
        line, column = numbers if len(numbers) == 2 else Lines(text).place(len(text))
        said = _syntax(what)
        if said.startswith("this key"):  # tomllib points behind the value
            whole = text.replace("\r", "").split("\n")[line - 1]
            column = len(whole) - len(whole.lstrip()) + 1
        raise SettingsError([Mistake(name, line, column, said)]) from None


def _refuse_depth(tree: Mapping[str, Any]) -> None:
    """Raise RecursionError where tomllib did not: it reads a.a.a.a… without recursion, and later stages would not."""
    level: list[Any] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise RecursionError


def _syntax(what: str) -> str:
    """Say tomllib's message in the words of the file."""
    if what.startswith("Cannot declare"):
        return "this table is given twice; expected it once"
    if what in {"Cannot overwrite a value", "Duplicate inline table key"} or what.startswith("Cannot mutate"):
        return "this key is given twice; expected it once"
    if what.startswith("Exceeds the limit"):
        return "a number of thousands of digits; expected a small one"
    hint = next((hint for start, hint in _HINTS.items() if what.startswith(start)), "key = value or [table]")
    return f"{what[:1].lower()}{what[1:]}; expected {hint}"


def control_characters(document: Mapping[str, Any]) -> Iterator[Problem]:
    """
    Refuse characters that are not printable, in keys and values, however they are escaped.

    A newline in a value begins a new parameter, record or program in the file rendered from it; an invisible or
    direction-changing character makes two names look alike.
    """
    todo: list[tuple[Path, Any]] = [((), document)]
    while todo:  # not recursive: dotted keys nest without limit
        path, value = todo.pop()
        if isinstance(value, dict):
            for key, child in value.items():
                yield from _unprintable((*path, key), key, "the key")
                todo.append(((*path, key), child))
        elif isinstance(value, list):
            todo += [((*path, index), child) for index, child in enumerate(value)]
        elif isinstance(value, str):
            yield from _unprintable(path, value, "the value")


def _unprintable(path: Path, text: str, where: str) -> Iterator[Problem]:
    for character in text:
        if not character.isprintable():
            name = unicodedata.name(character, "control character").lower()
            yield Problem(path, f"{where} holds U+{ord(character):04X} ({name}); expected printable text on one line")
            return


def folded_twice(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Refuse keys that differ in letter case only: the later would silently replace the earlier."""
    for path in _FOLDED:
        table: Any = document
        for part in path:
            table = table.get(part) if isinstance(table, dict) else None
        seen: dict[str, str] = {}
        for key in table if isinstance(table, dict) else ():
            if key.lower() in seen:
                other = (*path, seen[key.lower()])
                yield Problem((*path, key), "given twice, since case is ignored; expected it once", other)
            seen.setdefault(key.lower(), key)
