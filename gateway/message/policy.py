"""Policy: which checks run on a message, and what follows from their findings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.message.verdict import Action, Outcome


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from findings in mail of one direction."""

    default: Outcome  # for a finding that *verdicts* does not name
    verdicts: Mapping[str, Outcome] = field(default_factory=dict)  # "check.reason" or "check" -> what follows


@dataclass(frozen=True, slots=True)
class Policy:
    """A named set of checks and outcomes; gate 1 names it in its HELO."""

    name: str
    checks: tuple[str, ...] = ()  # names of checks, as in the configuration
    # Gate 1 has taken the message already: a refusal tells the reverse-path, which from outside is mostly forged.
    outside: Judgement = Judgement(Outcome(Action.HOLD))
    inside: Judgement = Judgement(Outcome(Action.REJECT))  # from clients that may relay, or have authenticated
    on_error: Mapping[str, Action] = field(default_factory=dict)  # check -> DEFER, PASS or HOLD
    tag_fields: tuple[tuple[str, str], ...] = ()  # name and body of header fields that TAG adds
    subject_prefix: str = ""  # put before the Subject by TAG

    def targets(self) -> Iterator[str]:
        """Give where this policy may redirect a message to."""
        for judgement in (self.outside, self.inside):
            for outcome in (judgement.default, *judgement.verdicts.values()):
                if outcome.target:
                    yield outcome.target
