"""What the check attachments has seen of one message: reasons for findings, and what has still to be unpacked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

MAX_SHOWN = 200  # characters of a detail

# Beside the names of the groups of extensions, which are the operator's.
Reason = Literal["executable", "mismatch", "disguised", "encrypted", "bomb", "unreadable", "traversal", "incomplete"]
OF_ARCHIVES: frozenset[Reason] = frozenset({"encrypted", "bomb", "unreadable", "traversal"})


@dataclass(frozen=True, slots=True)
class File:
    """A file in a message."""

    name: str
    slices: Callable[[], Iterator[bytes]]  # its octets, from the beginning


@dataclass(slots=True)
class Survey:
    """What has been seen of one message, and what has still to be unpacked."""

    found: dict[str, str] = field(default_factory=dict)  # reason -> detail of the first
    archives: list[File] = field(default_factory=list)
    entries: int = 0
    unpacked: int = 0  # octets, as far as archives say or as came out

    def add(self, reason: Reason, detail: str) -> None:
        """Keep a fact; of each reason the first."""
        self.add_group(reason, detail)

    def add_group(self, group: str, detail: str) -> None:
        """Keep that an extension is one of a group's."""
        self.found.setdefault(group, detail[:MAX_SHOWN])
