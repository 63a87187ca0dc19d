"""The daemons' own parsers, each as a function from files to plain data; whatever one says on stderr is a failure."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from supervisor.options import ServerOptions

type Statement = tuple[tuple[str, ...], list[Statement] | None]
type Record = tuple[str, str, str]  # owner and type and data, all names absolute


def said(*command: str, stdin: str = "", fine: Iterable[int] = (0,)) -> str:
    """Run a parser; return its stdout. It must be content and silent on stderr."""
    done = subprocess.run(command, input=stdin.encode(), capture_output=True, check=False)
    assert done.stderr.decode() == "", command
    assert done.returncode in fine, command
    return done.stdout.decode()


def remembered[**P, R](read: Callable[P, R]) -> Callable[P, R]:
    """
    Let a method of a directory's parser run once for the same files.

    A property test changes one value at a time, and most daemons then get the very files they have read before.
    """
    known: dict[object, R] = {}

    @functools.wraps(read)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        parser, *rest = args
        key = (parser.texts(*rest), *rest)  # type: ignore[attr-defined]
        if key not in known:
            known[key] = read(*args, **kwargs)
        return known[key]

    return wrapped


def _pairs(text: str) -> dict[str, str]:
    found = [line.partition(" =") for line in text.splitlines()]
    assert all(equals for _name, equals, _value in found), text
    return {name: value.strip() for name, _equals, value in found}


@dataclass(frozen=True)
class Postfix:
    """An instance of Postfix: a directory with main.cf, master.cf and tables."""

    directory: Path

    def texts(self, *names: str) -> tuple[str, ...]:
        """Return what the answer depends on: main.cf and master.cf, or a table."""
        return tuple((self.directory / name).read_text(encoding="utf-8") for name in names or ("main.cf", "master.cf"))

    @remembered
    def parameters(self) -> dict[str, str]:
        """Return what main.cf sets, as postconf -n reads it."""
        found = _pairs(said("postconf", "-c", str(self.directory), "-n"))
        found.pop("config_directory", None)  # is where -c says
        return found

    @remembered
    def services(self) -> dict[str, str]:
        """Return name/type -> the six other fields, as postconf -M reads them."""
        lines = [line.split(None, 8) for line in said("postconf", "-c", str(self.directory), "-M").splitlines()]
        services = {f"{name}/{type_}": " ".join(fields[:6]) for name, type_, *fields in lines}
        assert len(services) == len(lines)
        return services

    @remembered
    def options(self) -> dict[str, dict[str, str]]:
        """Return name/type -> what its -o options set, as postconf -P reads them."""
        found: dict[str, dict[str, str]] = {}
        for key, value in _pairs(said("postconf", "-c", str(self.directory), "-P")).items():
            service, _, parameter = key.rpartition("/")
            found.setdefault(service, {})[parameter] = value
        return found

    @remembered
    def table(self, name: str) -> dict[str, str]:
        """Return all of a texthash table."""
        lines = said("postmap", "-c", str(self.directory), "-s", f"texthash:{self.directory / name}").splitlines()
        return dict(line.split("\t", 1) for line in lines)

    def look_up(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        """Return key -> value for those of the keys that a table of any type has."""
        command = ("postmap", "-c", str(self.directory), "-q", "-", table)
        found = said(*command, stdin="".join(f"{key}\n" for key in keys), fine=(0, 1))  # 1: none of them
        return dict(line.split("\t", 1) for line in found.splitlines())


@dataclass(frozen=True)
class Bind:
    """A directory with named.conf and zone files, put where named.conf says in a root of its own."""

    root: Path

    def texts(self, *zone: str) -> tuple[str, ...]:
        """Return what the answer depends on: a zone's file, or all files."""
        files = [self.root / zone[1].lstrip("/")] if zone else sorted((self.root / "run/config").iterdir())
        return tuple(path.read_text(encoding="utf-8") for path in files)

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

    @remembered
    def statements(self) -> list[Statement]:
        """Return named.conf as named reads it: head words, and what stands in the braces."""
        return parsed(self._checkconf("-p"))

    @remembered
    def loaded(self) -> list[str]:
        """Load every zone; return their names."""
        lines = self._checkconf("-z").splitlines()
        matches = [re.fullmatch(r"zone (\S+)/IN: loaded serial \d+", line) for line in lines]
        assert all(matches), lines
        return [match[1] for match in matches if match]

    @remembered
    def records(self, zone: str, file: str) -> set[Record]:
        """Return a zone's records, as named-checkzone -D writes them."""
        path = str(self.root / file.lstrip("/"))
        lines = [line.split(None, 4) for line in said("named-checkzone", "-Dqo", "-", zone, path).splitlines()]
        return {(owner, type_, data) for owner, _ttl, _class, type_, data in lines}


def parsed(text: str) -> list[Statement]:
    """Take named's own print of a configuration apart."""
    without_comments = re.sub(r"/\*[^*]*\*/|#.*", "", text)
    return _statements(iter(re.findall(r'"[^"]*"|[{};]|[^\s{};"]+', without_comments)))


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
