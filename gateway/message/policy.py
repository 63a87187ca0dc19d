"""Policy: which checks run on a message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """A named set of checks; gate 1 names it in its HELO."""

    name: str
    checks: tuple[str, ...] = ()  # names in check.registry, in the order they are fed
