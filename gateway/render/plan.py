"""
What a new tree would change: a unified diff, and what each service has to do about it.

Postfix re-reads main.cf, master.cf and all tables on `postfix reload`, and finishes what is under way; only
inet_protocols needs a new master.  bind re-reads everything by rndc.  The filter's workers take a new
filter.toml for new sessions while they work, and supervisord takes other programs and listeners; the rest of
supervisord.conf is read only when the container starts.  Dovecot too takes all but another set of protocols: it makes
the directories for its sockets when it starts.  Image, ports, addresses and memory are the engine's: who
asks it (scripts/plan) names the containers that Compose would replace.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from gateway.render.tree import SERVICES, Tree, of_service

type Action = Literal["reload", "restart", "recreate"]

_INET_PROTOCOLS = re.compile(r"^inet_protocols\b.*", re.MULTILINE)
_SECTION_START = re.compile(r"^(?=\[)", re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """What one service has to do, and for which of its files."""

    service: str
    action: Action
    files: list[str]  # empty only where its container is recreated for something else


def changes(running: dict[str, Tree], new: Tree, recreated: Collection[str] = ()) -> list[Change]:
    """
    Compare what runs with a new tree.

    Args:
        running: Service -> the tree it runs; a service that does not run is missing and needs nothing, as one
            that the new tree has nothing for: it is going to be removed.
        new: The tree to come.
        recreated: Services whose containers Compose would replace, whatever their files say.

    Returns:
        One change per service that has to do something, against the message's path: gate 1 is the last to know a
        recipient, for what it took before gate 2 and Dovecot knew him would bounce.
    """
    found = []
    for service in reversed(SERVICES):
        if service not in running:
            continue
        old_files, new_files = of_service(running[service], service), of_service(new, service)
        names = sorted(
            name for name in old_files.keys() | new_files.keys() if old_files.get(name) != new_files.get(name)
        )
        if service in recreated:
            found.append(Change(service, "recreate", names))
        elif names and new_files:
            found.append(Change(service, _action(service, old_files, new_files), names))
    return found


def diff(running: dict[str, Tree], new: Tree) -> str:
    """Return a unified diff of every file that differs from what runs; empty where nothing does."""
    parts: list[str] = []
    for service in SERVICES:
        old_files = of_service(running.get(service, {}), service)
        new_files = of_service(new, service)
        for name in sorted(old_files.keys() | new_files.keys()):
            parts += difflib.unified_diff(
                old_files.get(name, "").splitlines(keepends=True),
                new_files.get(name, "").splitlines(keepends=True),
                f"running/{service}/{name}" if name in old_files else "/dev/null",
                f"planned/{service}/{name}" if name in new_files else "/dev/null",
            )
    return "".join(parts)


def _action(service: str, old: dict[str, str], new: dict[str, str]) -> Action:
    return "reload" if _at_start(service, old) == _at_start(service, new) else "restart"


def _at_start(service: str, files: dict[str, str]) -> list[str]:
    """Return what of its files a service reads when it starts, and never again."""
    match service:
        case "filter":
            return _frame(files.get("supervisord.conf", ""))
        case "postfix-pre" | "postfix-post":
            return _INET_PROTOCOLS.findall(files.get("main.cf", ""))
        case "dovecot":
            return [files.get("listeners", "")]
    return []


def _frame(supervisord_conf: str) -> list[str]:
    """Return the lines that hold for supervisord itself and the socket: all but comments, programs and listeners."""
    sections = _SECTION_START.split(supervisord_conf)
    kept = [section for section in sections if not section.startswith(("[program:", "[eventlistener:"))]
    return [line for section in kept for line in section.splitlines() if line and not line.startswith(";")]
