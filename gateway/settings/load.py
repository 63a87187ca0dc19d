"""
Load gateway.toml: text in, a checked configuration or all of its mistakes out.

Each stage reports everything it finds: octets, then syntax, then names, types and values together with the files
that the document names and with what only makes sense across tables.  A check across tables is left out only while
a table that it reads is itself broken: its complaint would be about our stand-in, not about the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.settings import certificates, commands, crosscheck, document, hosts, mistakes, sentences, text, zones
from gateway.settings.certificates import Certificate
from gateway.settings.hosts import Host
from gateway.settings.mistakes import Mistake, Problem, SettingsError, dotted
from gateway.settings.models import Settings
from gateway.settings.positions import Positions
from gateway.settings.topology import Topology

__all__ = ["Configuration", "Host", "Mistake", "SettingsError", "load"]

_STAND_IN = {  # for a table that is broken or missing, while the checks that do not read it run
    "schema": 1,
    "gateway": {"hostname": "mx.example.test", "postmaster": "postmaster@example.test"},
    "listen": {},
}


@dataclass(frozen=True)
class Configuration:
    """A file that has passed every check, with all that it names read in."""

    settings: Settings
    hosts: tuple[Host, ...]  # [dns] hosts, then hosts_file, each in the order given; no address twice
    zone_files: dict[str, str]  # zone of [dns.zones] -> text of its file
    site_sieve: str  # text of the file that [mailstore] sieve names; empty without
    source: str  # name of the file, as used in messages
    topology: Topology
    certificate: Certificate | None = None  # of [tls]; None where it names none


def load(path: Path) -> Configuration:
    """
    Load and check gateway.toml and the files it names, which lie beside it.

    Raises:
        SettingsError: The file cannot be used; carries every mistake found, with its position.
    """
    source = text.read(path, path.name)
    tree, positions = document.parse(path.name, source)
    reading = _Reading(path.parent, tree)
    reading.run()
    settings = reading.settings
    if reading.problems:
        raise SettingsError(_placed(reading.problems, path.name, positions, reading.file_names))
    hosts_only = tuple(host for _path, host in reading.hosts)
    certificate = certificates.read(path.parent, settings.tls)
    return Configuration(
        settings, hosts_only, reading.zone_files, reading.site_sieve, path.name, Topology.of(settings), certificate
    )


@dataclass
class _Reading:
    """What is known of a document so far."""

    folder: Path  # of gateway.toml
    tree: dict[str, Any]
    settings: Settings = field(init=False)  # stand-ins in place of broken tables
    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)  # top-level tables with problems
    file_names: dict[mistakes.Path, str] = field(default_factory=dict)  # key -> the file it names
    hosts: list[hosts.Entry] = field(default_factory=list)
    zone_files: dict[str, str] = field(default_factory=dict)
    site_sieve: str = ""

    def run(self) -> None:
        """Apply each stage to what the earlier ones left."""
        self._note(document.control_characters(self.tree))
        self._validate()
        self._note(document.folded_twice(self.tree))
        if "dns" not in self.broken:
            self._read_hosts()
            self._read_zones()
        if "mailstore" not in self.broken and self.settings.mailstore.sieve:
            self.site_sieve = self._read_beside(("mailstore", "sieve"), self.settings.mailstore.sieve)
        if "checks" not in self.broken:
            self._note(commands.problems(self.folder, self.settings.checks.command))
        if "tls" not in self.broken:
            self._note(certificates.problems(self.folder, self.settings.tls))
        self._note(crosscheck.run(self.settings, self.hosts, frozenset(self.broken)))

    def _note(self, found: Iterable[Problem]) -> None:
        for problem in found:
            self.problems.append(problem)
            self.broken.add(str(problem.path[0]))

    def _validate(self) -> None:
        """Build the settings; where tables are broken, build them from the rest."""
        try:
            self.settings = Settings.model_validate(self.tree)
        except ValidationError as error:
            known = {problem.path for problem in self.problems}
            found = map(sentences.problem, error.errors(include_url=False))
            self._note(problem for problem in found if problem.path not in known)
            sound = {name: table for name, table in self.tree.items() if name not in self.broken}
            self.settings = Settings.model_validate(_STAND_IN | sound)

    def _read_hosts(self) -> None:
        """Merge [dns] hosts and hosts_file."""
        dns = self.settings.dns
        lines = self._read_beside(hosts.FILE, dns.hosts_file) if dns.hosts_file else ""
        self.hosts, problems = hosts.merge(dns.hosts, lines)
        self.problems += problems  # the hosts left are sound, and so is the table

    def _read_zones(self) -> None:
        """Read the files of [dns.zones]."""
        for zone, name in self.settings.dns.zones.items():
            key = ("dns", "zones", zone)
            self.zone_files[zone] = self._read_beside(key, name)
            self.problems += zones.problems(key, self.zone_files[zone])

    def _read_beside(self, key: mistakes.Path, name: str) -> str:
        """Read a file that a key names; note what is wrong with it, and go on with nothing then."""
        self.file_names[key] = name
        try:
            return text.read(self.folder / name, name)
        except SettingsError as error:
            for mistake in error.mistakes:
                if mistake.text.startswith("cannot be read"):
                    self.problems.append(Problem(key, f"{name} {mistake.text}"))
                else:
                    self.problems.append(Problem((*key, mistake.line, mistake.column), mistake.text))
            return ""


def _placed(
    problems: Iterable[Problem], source: str, positions: Positions, file_names: dict[mistakes.Path, str]
) -> list[Mistake]:
    """Turn problems into mistakes, sorted by file (gateway.toml first) and position."""

    def place(path: mistakes.Path) -> tuple[str, int, int]:
        if path[:-2] in file_names and isinstance(path[-2], int) and isinstance(path[-1], int):
            return file_names[path[:-2]], path[-2], path[-1]
        return source, *positions.find(path)

    placed = []
    for problem in problems:
        file, line, column = place(problem.path)
        what = problem.text
        if file == source:
            what = f"{dotted(problem.path)}: {what}"
        if problem.other is not None:
            other, other_line, _column = place(problem.other)
            what += f" (line {other_line})" if other == file else f" ({other}:{other_line})"
        placed.append(Mistake(file, line, column, what))
    return sorted(placed, key=lambda mistake: (mistake.file != source, mistake))
