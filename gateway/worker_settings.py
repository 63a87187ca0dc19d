"""
What filter.toml tells a worker, and what a worker makes of it: the settings file, read and checked.

The file is rendered from gateway.toml, or written by hand for `gateway filter --stdio`.  All its keys are needed and
no others are known, so that a file and a worker that do not belong together find out before mail does.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from gateway.check.registry import CHECKS
from gateway.message.policy import Policy


class SettingsError(Exception):
    """The settings file cannot be used; one line for each mistake."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What filter.toml holds; all keys are needed, and no others are known."""

    next_hops: tuple[tuple[str, int], ...]  # host and port of gate 2, one or more, used in turn
    helo_name: str  # our EHLO to gate 2
    max_transactions: int  # this worker's share
    max_message_octets: int  # above gate 1's own limit
    max_recipients: int  # in one transaction
    command_timeout_s: float  # for each command of gate 1
    data_timeout_s: float  # for each progress of gate 1's content
    connect_timeout_s: float  # TCP, banner and EHLO of gate 2, each
    reply_timeout_s: float  # each reply of gate 2 but the one after the dot
    commit_timeout_s: float  # the reply after the dot
    transaction_timeout_s: float  # a whole transaction, from its slot to gate 2's word on the dot
    drain_timeout_s: float  # until what is under way at a stop is cut off
    log_format: str  # human or json
    log_level: str  # debug, info, warning or error
    xforward_peers: frozenset[str]  # addresses that may connect, and use XFORWARD
    policies: dict[str, Policy]  # by name; "default" is one of them

    @property
    def search_timeout_s(self) -> float:
        """Seconds from a slot to the dot: what transaction_timeout_s leaves when the longest commit is set aside."""
        return self.transaction_timeout_s - self.commit_timeout_s


def load(path: Path) -> WorkerSettings:
    """
    Read and check the settings file.

    Raises:
        SettingsError: with a line `FILE: key: what is wrong; what is expected` for each mistake.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    known = [field.name for field in fields(WorkerSettings)]
    mistakes = [f"{path}: {key}: unknown key" for key in table if key not in known]
    values: dict[str, object] = {}
    for key in known:
        if key not in table:
            mistakes.append(f"{path}: {key}: missing")
            continue
        try:
            values[key] = _READERS[key](table[key])
        except ValueError as error:
            mistakes.append(f"{path}: {key}: {table[key]!r}; expected {error}")
    if not mistakes:
        settings = WorkerSettings(**values)  # type: ignore[arg-type]  # each was read by the reader of its own type
        if settings.search_timeout_s > 0:
            return settings
        mistakes = [f"{path}: transaction_timeout_s: expected more than commit_timeout_s"]
    raise SettingsError("\n".join(mistakes))


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a whole number above 0")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 86_400:
        raise ValueError("seconds, above 0 and below a day")
    return float(value)


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(" or ".join(words))
        return value

    return read


def _strings(value: object, what: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(what)
    return value


def _next_hops(value: object) -> tuple[tuple[str, int], ...]:
    what = 'a list of one or more "host:port"'
    hops = []
    for item in _strings(value, what):
        host, _, port = item.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError(what)
        hops.append((host.removeprefix("[").removesuffix("]"), int(port)))
    if not hops:
        raise ValueError(what)
    return tuple(hops)


def _helo_name(value: object) -> str:
    if not isinstance(value, str) or not value or not all("!" <= character <= "~" for character in value):
        raise ValueError("a host name")
    return value


def _policies(value: object) -> dict[str, Policy]:
    if not isinstance(value, dict) or "default" not in value:
        raise ValueError("tables, with one named default")
    policies = {}
    for name, table in value.items():
        if not isinstance(table, dict) or set(table) != {"checks"}:
            raise ValueError(f"the one key checks in policy {name}")
        checks = _strings(table["checks"], f"a list of names in checks of policy {name}")
        for check in checks:
            if check not in CHECKS:
                raise ValueError(f"one of {', '.join(CHECKS)} in checks of policy {name}")
        policies[name] = Policy(name, tuple(checks))
    return policies


_READERS: dict[str, Callable[[object], object]] = {
    "next_hops": _next_hops,
    "helo_name": _helo_name,
    "max_transactions": _whole,
    "max_message_octets": _whole,
    "max_recipients": _whole,
    "command_timeout_s": _seconds,
    "data_timeout_s": _seconds,
    "connect_timeout_s": _seconds,
    "reply_timeout_s": _seconds,
    "commit_timeout_s": _seconds,
    "transaction_timeout_s": _seconds,
    "drain_timeout_s": _seconds,
    "log_format": _one_of("human", "json"),
    "log_level": _one_of("debug", "info", "warning", "error"),
    "xforward_peers": lambda value: frozenset(_strings(value, "a list of addresses")),
    "policies": _policies,
}
