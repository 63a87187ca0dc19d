"""
What filter.toml tells a worker, and what a worker makes of it: the settings file, read and checked.

The file is rendered from gateway.toml, or written by hand for `gateway filter --stdio`.  All its keys but the last
two are needed and no others are known, so that file and worker that do not belong together find out before mail does.
"""

import tomllib
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from gateway.check.registry import Configured, make
from gateway.edit.archive import MailingList
from gateway.edit.dkim import Signer
from gateway.edit.plan import Standing
from gateway.message.policy import Policy
from gateway.worker_edits import lists, signer
from gateway.worker_policies import policies, strings, table, text

MAX_SHOWN = 200  # characters of a value that are repeated in a complaint


class SettingsError(Exception):
    """The settings file cannot be used; one line for each mistake."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What filter.toml holds; keys without a default are needed, and no others are known."""

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
    inside: tuple[IPv4Network | IPv6Network, ...]  # networks whose clients may relay
    doors: dict[str, tuple[tuple[str, int], ...]]  # next hop of a redirect -> where gate 2 listens for it
    quarantine: str  # directory; empty where nothing can be held
    quarantine_max_octets: int  # of all messages in it together
    quarantine_retention_s: float  # how long each is kept
    checks: dict[str, Configured]  # by the name policies have for them
    policies: dict[str, Policy]  # by name; "default" is one of them
    lists: tuple[MailingList, ...] = ()
    dkim: Signer | None = None  # None without a key

    @property
    def standing(self) -> Standing:
        """The edits that are made whatever the policy says."""
        return Standing(self.lists, self.dkim)

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
        keys = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    known = [field.name for field in fields(WorkerSettings)]
    needed = [field.name for field in fields(WorkerSettings) if field.default is MISSING]
    mistakes = [f"{path}: {key}: unknown key" for key in keys if key not in known]
    values: dict[str, object] = {}
    for key in known:
        if key not in keys:
            mistakes += [f"{path}: {key}: missing"] if key in needed else []
            continue
        try:
            values[key] = _READERS[key](keys[key])
        except ValueError as error:
            shown = repr(keys[key])
            shown = shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + "..."
            mistakes.append(f"{path}: {key}: {shown}; expected {error}")
    if not mistakes:
        settings = WorkerSettings(**values)  # type: ignore[arg-type]  # each was read by the reader of its own type
        mistakes = [f"{path}: {mistake}" for mistake in _together(settings)]
        if not mistakes:
            return settings
    raise SettingsError("\n".join(mistakes))


def _together(settings: WorkerSettings) -> list[str]:
    """Find what only makes sense across keys."""
    mistakes = []
    if settings.search_timeout_s <= 0:
        mistakes.append("transaction_timeout_s: expected more than commit_timeout_s")
    for policy in settings.policies.values():
        unknown = [name for name in policy.checks if name not in settings.checks]
        mistakes += [
            f"policies: {name} in checks of policy {policy.name}; expected a name in checks" for name in unknown
        ]
    # Whatever its outcomes are: a rejection of mail from <> holds, and so may a check that fails.
    if not settings.quarantine and any(policy.checks for policy in settings.policies.values()):
        mistakes.append("quarantine: ''; expected a directory, for a policy with checks may hold a message")
    return mistakes + [
        f"policies: redirect to {target} in policy {policy.name}; expected an address, or a name in doors"
        for policy in settings.policies.values()
        for target in policy.targets()
        if "@" not in target and target not in settings.doors
    ]


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a whole number above 0")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 86_400:
        raise ValueError("seconds, above 0 and below a day")
    return float(value)


def _retention(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise ValueError("seconds, above 0")
    return float(value)


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(" or ".join(words))
        return value

    return read


def _next_hops(value: object) -> tuple[tuple[str, int], ...]:
    what = 'a list of one or more "host:port"'
    hops = []
    for item in strings(value, what):
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


def _networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(item) for item in strings(value, "a list of networks"))


def _doors(value: object) -> dict[str, tuple[tuple[str, int], ...]]:
    return {name: _next_hops([hop]) for name, hop in table(value, "a table of host:port by next hop").items()}


def _checks(value: object) -> dict[str, Configured]:
    checks = {}
    for name, keys in table(value, "tables of checks by name").items():
        try:
            checks[name] = make(name, table(keys, "a table"))
        except ValueError as error:
            raise ValueError(f"{error} in check {name}") from None
    return checks


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
    "xforward_peers": lambda value: frozenset(strings(value, "a list of addresses")),
    "inside": _networks,
    "doors": _doors,
    "quarantine": text,
    "quarantine_max_octets": _whole,
    "quarantine_retention_s": _retention,
    "checks": _checks,
    "policies": policies,
    "lists": lists,
    "dkim": signer,
}
