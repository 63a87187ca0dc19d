"""The daemons' own parsers, each as a function from files to plain data; whatever one says on stderr is a failure."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from supervisor.options import ServerOptions

type Statement = tuple[tuple[str, ...], list[Statement] | None]
type Record = tuple[str, str, str]  # owner and type and data, all names absolute


def said(*command: str, stdin: str = "") -> str:
    """Run a parser; return its stdout. It must be content and silent on stderr."""
    done = subprocess.run(command, input=stdin.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, ""), command
    return done.stdout.decode()


def _pairs(text: str) -> dict[str, str]:
    found = [line.partition(" =") for line in text.splitlines()]
    assert all(equals for _name, equals, _value in found), text
    return {name: value.strip() for name, _equals, value in found}


@dataclass(frozen=True)
class Postfix:
    """An instance of Postfix: a directory with main.cf, master.cf and tables."""

    directory: Path

    def parameters(self) -> dict[str, str]:
        """Return what main.cf sets, as postconf -n reads it."""
        found = _pairs(said("postconf", "-c", str(self.directory), "-n"))
        found.pop("config_directory", None)  # is where -c says
        return found

    def services(self) -> dict[str, str]:
        """Return name/type -> the six other fields, as postconf -M reads them."""
        lines = [line.split(None, 8) for line in said("postconf", "-c", str(self.directory), "-M").splitlines()]
        services = {f"{name}/{type_}": " ".join(fields[:6]) for name, type_, *fields in lines}
        assert len(services) == len(lines)
        return services

    def options(self) -> dict[str, dict[str, str]]:
        """Return name/type -> what its -o options set, as postconf -P reads them."""
        found: dict[str, dict[str, str]] = {}
        for key, value in _pairs(said("postconf", "-c", str(self.directory), "-P")).items():
            service, _, parameter = key.rpartition("/")
            found.setdefault(service, {})[parameter] = value
        return found

    def table(self, name: str) -> dict[str, str]:
        """Return all of a texthash table."""
        lines = said("postmap", "-c", str(self.directory), "-s", f"texthash:{self.directory / name}").splitlines()
        return dict(line.split("\t", 1) for line in lines)

    def look_up(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        """Return key -> value for those of the keys that a table of any type has."""
        done = said("postmap", "-c", str(self.directory), "-q", "-", table, stdin="".join(f"{key}\n" for key in keys))
        return dict(line.split("\t", 1) for line in done.splitlines())


@dataclass(frozen=True)
class Bind:
    """A directory with named.conf and zone files, put where named.conf says in a root of its own."""

    root: Path

    def prepare(self, files: dict[str, str]) -> None:
        """Write the files."""
        config = self.root / "run/config"
        config.mkdir(parents=True)
        (self.root / "var/cache/bind").mkdir(parents=True)
        for name, text in files.items():
            (config / name).write_text(text, encoding="utf-8")
        key = 'key "rndc-key" { algorithm hmac-sha256; secret "c2VjcmV0IG9mIHRoZSByZWFkYmFjaw=="; };\n'
        (self.root / "run/rndc.key").write_text(key)

    def _checkconf(self, option: str) -> str:
        return said("named-checkconf", "-t", str(self.root), option, "/run/config/named.conf")

    def statements(self) -> list[Statement]:
        """Return named.conf as named reads it: head words, and what stands in the braces."""
        tokens = iter(re.findall(r'"[^"]*"|[{};]|[^\s{};"]+', self._checkconf("-p")))
        return _statements(tokens)

    def loaded(self) -> list[str]:
        """Load every zone; return their names."""
        lines = self._checkconf("-z").splitlines()
        matches = [re.fullmatch(r"zone (\S+)/IN: loaded serial \d+", line) for line in lines]
        assert all(matches), lines
        return [match[1] for match in matches if match]

    def records(self, zone: str, file: str) -> set[Record]:
        """Return a zone's records, as named-checkzone -D writes them."""
        path = str(self.root / file.lstrip("/"))
        lines = [line.split(None, 4) for line in said("named-checkzone", "-Dqo", "-", zone, path).splitlines()]
        return {(owner, type_, data) for owner, _ttl, _class, type_, data in lines}


def _statements(tokens: Iterable[str]) -> list[Statement]:
    tokens = iter(tokens)
    found: list[Statement] = []
    head: list[str] = []
    body: list[Statement] | None = None
    for token in tokens:
        if token == "{":
            body = _statements(tokens)
        elif token == ";":
            found.append((tuple(word.strip('"') for word in head), body))
            head, body = [], None
        elif token == "}":
            break
        else:
            head.append(token)
    assert not head
    return found


def programs(supervisord_conf: Path) -> dict[str, list[tuple[str, str]]]:
    """Return group -> process name and command, as supervisor's own options class reads the file."""
    options = ServerOptions()
    options.realize(["-n", "-c", str(supervisord_conf)])
    assert options.parse_warnings == []
    return {
        f"{type(group).__name__}:{group.name}": [(process.name, process.command) for process in group.process_configs]
        for group in options.process_group_configs
    }
