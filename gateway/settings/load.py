"""
Load gateway.toml: text in, a checked configuration or all of its mistakes out.

Each stage reports everything it finds before the next begins: octets, syntax, then names, types and values
together with what only makes sense across tables.  A check across tables is left out only while a table that it
reads is itself broken, since its complaint would then be about our stand-in and not about the file.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.settings import crosscheck, hosts, sentences
from gateway.settings.hosts import Host
from gateway.settings.mistakes import Mistake, Problem, SettingsError, dotted, shown
from gateway.settings.models import Settings
from gateway.settings.positions import Positions, line_and_column
from gateway.settings.topology import Topology

__all__ = ["Configuration", "Host", "Mistake", "SettingsError", "load"]

MAX_OCTETS = 2**20  # of gateway.toml and of each file beside it; a thousand mailboxes take 30 KiB
_STAND_IN = {  # for a table that is broken or missing, while the checks that do not read it run
    "schema": 1,
    "gateway": {"hostname": "mx.example.test", "postmaster": "postmaster@example.test"},
    "listen": {},
}


@dataclass(frozen=True)
class Configuration:
    """A file that has passed every check, with all that it names read in."""

    settings: Settings
    hosts: tuple[Host, ...]  # [dns] hosts, then hosts_file, each in the file's order; no address twice
    zone_files: dict[str, str]  # zone of [dns.zones] -> text of its file
    source: str  # name of the file, as used in messages
    topology: Topology


def load(path: Path) -> Configuration:
    """
    Load and check gateway.toml and the files it names, which lie beside it.

    Raises:
        SettingsError: The file cannot be used; carries every mistake found, with its position.
    """
    text = _read(path, path.name)
    document, positions = _parse(path.name, text)
    checked = _Checked(path, document)
    checked.run()
    mistakes = [_place(path.name, positions, problem) for problem in checked.problems]
    if mistakes or checked.mistakes:
        raise SettingsError([*sorted(set(mistakes)), *checked.mistakes])
    settings = checked.settings
    return Configuration(settings, checked.hosts, checked.zone_files, path.name, Topology.of(settings))


@dataclass
class _Checked:
    """What is known of a document so far."""

    path: Path  # of gateway.toml
    document: dict[str, Any]
    settings: Settings = field(init=False)  # stand-ins in place of broken tables
    broken: set[str] = field(default_factory=set)  # top-level tables with problems
    problems: list[Problem] = field(default_factory=list)  # in gateway.toml
    mistakes: list[Mistake] = field(default_factory=list)  # in the files it names
    hosts: tuple[Host, ...] = ()
    zone_files: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Apply each stage to what the earlier ones left."""
        self._note(control_characters(self.document))
        self._validate()
        self._note(folded_twice(self.document))
        if "dns" not in self.broken:
            self._read_hosts()
            self._read_zones()
        self._note(crosscheck.run(self.settings, self.hosts, self.broken))

    def _note(self, problems: Iterator[Problem]) -> None:
        found = list(problems)
        self.problems += found
        self.broken |= {str(problem.path[0]) for problem in found if problem.path}

    def _validate(self) -> None:
        """Build the settings; where tables are broken, build them from the rest."""
        try:
            self.settings = Settings.model_validate(self.document)
        except ValidationError as error:
            known = {problem.path for problem in self.problems}
            found = map(sentences.problem, error.errors(include_url=False))
            self._note(problem for problem in found if problem.path not in known)
            sound = {name: table for name, table in self.document.items() if name not in self.broken}
            self.settings = Settings.model_validate(_STAND_IN | sound)

    def _read_hosts(self) -> None:
        """Merge [dns] hosts and hosts_file."""
        table, problems = hosts.from_table(self.settings.dns.hosts)
        self._note(iter(problems))
        by_line: dict[int, Host] = {}
        name = self.settings.dns.hosts_file
        text = self._read_beside(("dns", "hosts_file"), name) if name else None
        if name and text is not None:
            by_line, mistakes = hosts.from_file(name, text)
            for line in hosts.lines_in_both(table, by_line):
                what = f"{by_line[line].address} is named in {self.path.name} too; expected it in one of the two"
                mistakes.append(Mistake(name, line, 1, what))
            self.mistakes += sorted(mistakes)
        self.hosts = (*table, *by_line.values())

    def _read_zones(self) -> None:
        """Read the files of [dns.zones]."""
        for zone, name in self.settings.dns.zones.items():
            text = self._read_beside(("dns", "zones", zone), name)
            if text is not None:
                self.zone_files[zone] = text
                self.mistakes += zone_file_mistakes(name, text)

    def _read_beside(self, key: tuple[str, ...], name: str) -> str | None:
        """Read a file that a key names; note what is wrong with it."""
        try:
            return _read(self.path.parent / name, name)
        except SettingsError as error:
            reason = error.mistakes[0]
            if reason.text.startswith("cannot be read"):
                self._note(iter([Problem(key, f"{shown(name)} {reason.text}")]))
            else:
                self.mistakes += error.mistakes
            return None


def _read(path: Path, name: str) -> str:
    """
    Read a text file.

    Returns:
        Its text with LF line ends, without control characters but tab and LF.

    Raises:
        SettingsError: Not a readable file, too long, not UTF-8, or holding other control characters.
    """
    try:
        if not path.is_file():  # opening a FIFO would wait for ever
            raise FileNotFoundError(2, "no such file")
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        expected = "expected a text file there"
        raise SettingsError([Mistake(name, 1, 1, f"cannot be read: {str(reason).lower()}; {expected}")]) from None
    if len(octets) > MAX_OCTETS:
        raise SettingsError([Mistake(name, 1, 1, f"too long; expected at most {MAX_OCTETS} octets")])
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode()
        place = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise SettingsError([Mistake(name, *place, f"octet 0x{octets[error.start]:02x}; expected UTF-8")]) from None
    text = text.replace("\r\n", "\n")
    bad = [_control_mistake(name, text, match) for match in re.finditer(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)]
    if text.startswith("\ufeff"):
        bad.insert(0, Mistake(name, 1, 1, "begins with a byte order mark; expected plain UTF-8 without one"))
    if bad:
        raise SettingsError(bad)
    return text


def _control_mistake(name: str, text: str, match: re.Match[str]) -> Mistake:
    line = text.count("\n", 0, match.start()) + 1
    column = match.start() - text.rfind("\n", 0, match.start())
    return Mistake(name, line, column, f"control character U+{ord(match[0]):04X}; expected text")


def _parse(name: str, text: str) -> tuple[dict[str, Any], Positions]:
    """
    Parse TOML.

    Raises:
        SettingsError: Not TOML; tomllib stops at the first syntax error, so there is one.
    """
    try:
        return tomllib.loads(text), Positions(text)
    except RecursionError:
        raise SettingsError(
            [Mistake(name, 1, 1, "nested too deeply; expected tables and lists as shown in the docs")]
        ) from None
    except ValueError as error:
        what, _, where = str(error).partition(" (at ")
        numbers = [int(number) for number in re.findall(r"\d+", where)]
        line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        line, column = numbers if len(numbers) == 2 else line_and_column(line_starts, len(text))
        raise SettingsError([Mistake(name, line, column, f"{what[:1].lower()}{what[1:]}; expected TOML")]) from None


def _place(name: str, positions: Positions, problem: Problem) -> Mistake:
    """Turn a problem into a mistake with its position."""
    text = f"{dotted(problem.path)}: {problem.text}" if problem.path else problem.text
    if problem.other is not None:
        text += f" (line {positions.find(problem.other)[0]})"
    return Mistake(name, *positions.find(problem.path), text)


def control_characters(document: dict[str, Any]) -> Iterator[Problem]:
    """
    Refuse characters that are not printable, in keys and values, however they are escaped.

    A newline in a value begins a new parameter, record or program in the file rendered from it; an invisible or
    direction-changing character makes two names look alike.
    """
    todo: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while todo:  # not recursive: dotted keys nest without limit
        path, value = todo.pop()
        if isinstance(value, dict):
            for key in value:
                yield from _unprintable((*path, key), key, "its name")
            todo += [((*path, key), child) for key, child in value.items()]
        elif isinstance(value, list):
            todo += [((*path, index), child) for index, child in enumerate(value)]
        elif isinstance(value, str):
            yield from _unprintable(path, value, "the value")


def _unprintable(path: tuple[str | int, ...], text: str, where: str) -> Iterator[Problem]:
    for character in text:
        if not character.isprintable():
            name = unicodedata.name(character, "a control character").lower()
            yield Problem(path, f"{where} holds U+{ord(character):04X} ({name}); expected printable text on one line")
            return


def folded_twice(document: dict[str, Any]) -> Iterator[Problem]:
    """Refuse keys that differ in letter case only: the later would silently replace the earlier."""
    dns = document.get("dns")
    tables: dict[tuple[str, ...], Any] = {(name,): document.get(name) for name in ("domains", "aliases", "canonical")}
    if isinstance(dns, dict):
        tables |= {("dns", name): dns.get(name) for name in ("zones", "forward_zones")}
    for path, table in tables.items():
        seen: dict[str, str] = {}
        for key in table if isinstance(table, dict) else ():
            if key.lower() in seen:
                other = (*path, seen[key.lower()])
                yield Problem((*path, key), "given twice, since case is ignored; expected it once", other)
            seen.setdefault(key.lower(), key)


def zone_file_mistakes(name: str, text: str) -> Iterator[Mistake]:
    """Refuse directives that read other files or write records by the million; named-checkzone does the rest."""
    for match in re.finditer(r"^[ \t]*(\$(?:INCLUDE|GENERATE))\b", text, re.MULTILINE | re.IGNORECASE):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start(1) - text.rfind("\n", 0, match.start(1))
        yield Mistake(name, line, column, f"{match[1].upper()} is refused; expected plain records")
