"""Finding and verdict: checks report what they saw, decide says what is done about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.message.edit import Splice
from gateway.message.reply import Reply

ERROR = "error"  # reason of the finding that a check could not do its work; its on_error says what follows
TEMPFAIL = "tempfail"  # reason of the finding that the message shall come again later; that is what follows


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that a check saw; it carries no opinion on what should follow."""

    check: str  # name of the check, as in the configuration
    reason: str  # a word of that check, or the name of one of its patterns
    detail: str = ""  # what exactly, in any characters: for log and quarantine, never for a reply

    @property
    def key(self) -> str:
        """Name it as [policies.*.verdicts] does."""
        return f"{self.check}.{self.reason}"


@dataclass(frozen=True, slots=True)
class Report:
    """All that one check has to say about one message."""

    findings: Sequence[Finding] = ()
    splices: Sequence[Splice] = ()  # edits of the content it was given, such as Authentication-Results
    content: bytes | None = None  # in place of the whole content: of a command that edits
    bug: bool = False  # of ours: the check ended by what it did not foresee


class Action(StrEnum):
    """What is done with a message, the mildest first; of several the last in this order is done."""

    PASS = "pass"  # noqa: S105 - the word of the trade, no password
    TAG = "tag"  # passes with the policy's tag fields
    REDIRECT = "redirect"  # passes to another recipient or next hop
    HOLD = "hold"  # into the quarantine; 250 to gate 1
    DEFER = "defer"  # 4xx; gate 1 tries again.  Above hold: what is held must have been searched by all checks
    REJECT = "reject"  # 5xx; gate 1 tells the reverse-path
    DISCARD = "discard"  # 250, and nobody gets it; logged


GRAVITY = {action: rank for rank, action in enumerate(Action)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy does about a finding."""

    action: Action
    target: str = ""  # of REDIRECT: an address, or the name of a place to send to


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one decision on a message."""

    outcome: Outcome
    reply: Reply | None = None  # what gate 1 hears; None where gate 2 or the quarantine has the word
    findings: tuple[Finding, ...] = field(default=())  # what led to it, worst first

    @property
    def action(self) -> Action:
        """Give what is done."""
        return self.outcome.action

    @classmethod
    def passed(cls) -> "Verdict":
        """Give the verdict on a message that nothing was found in."""
        return cls(Outcome(Action.PASS))
