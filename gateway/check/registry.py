"""
The checks there are: one file each, file name = name in the configuration = label in metrics.

`command` is the one of which there may be several: "command:NAME" in a policy, [checks.command.NAME] in the settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from gateway.check import attachments, auth, body, clamav, command, gtube, headers, rspamd, structure, urls
from gateway.check.base import Check


@dataclass(frozen=True, slots=True)
class Kind:
    """How to make a check of its settings."""

    options: type[Any]  # dataclass; its fields are the keys
    make: Callable[[str, Any], Check]  # of name and options
    reported: Callable[[Mapping[str, Any]], set[str]]  # of the keys of [checks.<kind>]: the reasons there may be


def _always(reasons: object) -> Callable[[Mapping[str, Any]], set[str]]:
    """Make what reports all of a Literal, whatever the settings are."""
    return lambda _keys: set(get_args(reasons))


KINDS: dict[str, Kind] = {
    "attachments": Kind(attachments.Options, attachments.Attachments, attachments.reported),
    "auth": Kind(auth.Options, auth.Auth, _always(auth.Reason)),
    "body": Kind(body.Options, body.Body, body.reported),
    "clamav": Kind(clamav.Options, clamav.Clamav, clamav.reported),
    "command": Kind(command.Options, command.Command, _always(command.Reason)),
    "gtube": Kind(gtube.Options, gtube.Gtube, _always(gtube.Reason)),
    "headers": Kind(headers.Options, headers.Headers, headers.reported),
    "rspamd": Kind(rspamd.Options, rspamd.Rspamd, _always(rspamd.Reason)),
    "structure": Kind(structure.Options, structure.Structure, structure.reported),
    "urls": Kind(urls.Options, urls.Urls, _always(urls.Reason)),
}


@dataclass(frozen=True, slots=True)
class Configured:
    """A check with all that the settings say about it."""

    name: str
    check: Check
    timeout_s: float
    edits: bool = False  # gives a new content; runs before those that look at it


def kind_of(name: str) -> str:
    """Give the kind of a check that a policy names."""
    return name.partition(":")[0]


def reported(name: str, keys: Mapping[str, Any]) -> list[str]:
    """Give the reasons that a check may report, by the keys of its table."""
    return sorted(KINDS[kind_of(name)].reported(keys))


def make(name: str, table: Mapping[str, object]) -> Configured:
    """
    Make a check.

    Args:
        name: As policies name it.
        table: `timeout_s`, and the keys of that kind's Options.

    Raises:
        ValueError: no such kind, or keys or values that are none of its own; for the settings' reader to tell.
    """
    kind = KINDS.get(kind_of(name))
    if kind is None:
        raise ValueError(f"one of {', '.join(KINDS)}")
    options = dict(table)
    timeout_s = options.pop("timeout_s", None)
    if not isinstance(timeout_s, int | float) or not 0 < timeout_s < 86_400:
        raise ValueError("timeout_s in seconds, above 0 and below a day")
    try:
        made = kind.options(**options)
    except TypeError as error:
        raise ValueError(f"the keys of {kind_of(name)} ({error})") from None
    return Configured(name, kind.make(name, made), float(timeout_s), bool(options.get("edits", False)))
