"""Finding and verdict: checks report what they saw, decide says what is done about it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.message.reply import Reply


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that a check saw; it carries no opinion on what should follow."""

    check: str  # name of the check, as in the configuration
    reason: str  # key of the table in decide.replies


class Action(StrEnum):
    """What is done with a message."""

    PASS = "pass"  # noqa: S105 - the word of the trade, no password
    REJECT = "reject"  # 5xx to the dot; gate 1 tells the reverse-path
    DEFER = "defer"  # 4xx to the dot; gate 1 tries again


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one decision on a message."""

    action: Action
    reply: Reply | None = None  # what gate 1 hears; None for PASS, where gate 2 has the word
    findings: tuple[Finding, ...] = ()  # what led to it
