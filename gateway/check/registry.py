"""
The checks there are: one file each, file name = name in the configuration = label in metrics.

A check is fed the content in slices cut anywhere and holds a bounded part of it.  What it raises is a bug of ours
and defers the message.
"""

from collections.abc import Iterable
from typing import Protocol

from gateway.check.gtube import Gtube
from gateway.message.verdict import Finding


class Check(Protocol):
    """What every check offers; one object looks at one message."""

    def feed(self, content: bytes) -> None:
        """Look at the next slice: header section and body, no dot-stuffing, 0 or more octets."""

    def finish(self) -> list[Finding]:
        """Report what was seen, once, after the last slice; empty when there is nothing to say."""


CHECKS: dict[str, type[Check]] = {
    "gtube": Gtube,
}


def start(names: Iterable[str]) -> list[Check]:
    """
    Make the checks a policy names, ready for one message.

    Raises:
        KeyError: there is no such check; the worker's settings refuse such a name at start.
    """
    return [CHECKS[name]() for name in names]
