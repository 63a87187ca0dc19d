"""
structure: MIME that software reads in different ways, so that a scanner and a recipient may see two messages.

Findings: what message.mime.ANOMALIES names and explains; detail: how many, and the place of the first in the content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.check.base import Inspection
from gateway.message.mail import MailObject
from gateway.message.mime import ANOMALIES
from gateway.message.verdict import Finding, Report


def reported(keys: Mapping[str, Any]) -> set[str]:
    """Give the reasons that there may be under the settings of [checks.structure]."""
    return ANOMALIES.keys() - set(keys["ignore"])


@dataclass(frozen=True, slots=True)
class Options:
    """Keys of [checks.structure]."""

    max_depth: int = 30  # levels of parts within parts
    max_parts: int = 500
    ignore: Sequence[str] = ()  # findings not to report


class Structure(Inspection):
    """Report what the reader of MIME stumbled over."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._max_depth, self._max_parts = options.max_depth, options.max_parts
        self._ignored = frozenset(options.ignore)

    def look(self, mail: MailObject) -> Report:
        """Report each kind once."""
        found: dict[str, list[int]] = {}
        for anomaly in mail.mime.anomalies:
            found.setdefault(anomaly.kind, []).append(anomaly.place)
        parts = mail.mime.parts
        if len(parts) > self._max_parts:
            found.setdefault("too-many-parts", []).append(parts[self._max_parts].start)
        if (deepest := max(parts, key=lambda part: part.depth)).depth > self._max_depth:
            found.setdefault("too-deep", []).append(deepest.start)
        return Report(
            [
                Finding(self._name, kind, f"{len(places)}, the first at octet {places[0]}")
                for kind, places in found.items()
                if kind not in self._ignored
            ]
        )
