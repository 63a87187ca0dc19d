"""Sent, Step, Fate: a message as somebody might send it, what each part would do, what each recipient would get."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

GATE1, YARD, GATE2 = "gate 1", "yard", "gate 2"


@dataclass(frozen=True)
class Sent:
    """A message on its way into a listener of gate 1."""

    content: bytes  # CRLF line ends, no dot-stuffing
    reverse_path: str  # without angle brackets, empty for <>
    recipients: tuple[str, ...]
    client: IPv4Address | IPv6Address
    client_name: str = "unknown"  # as a PTR record that leads back gives it
    helo: str = "client.invalid"
    listener: str = ""  # name in [listen.*]; the first unless given


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is looked at."""

    where: str  # GATE1, YARD or GATE2
    what: str  # what is looked at, as the settings name it
    outcome: str  # what comes of it
    why: str = ""  # the value or the rule that decides
    ends: bool = False  # the message, or this recipient, goes no further


@dataclass(slots=True)
class Fate:
    """What becomes of the message for one recipient."""

    recipient: str
    steps: list[Step] = field(default_factory=list)
    policy: str = ""  # by which it would be searched, none for past the filter, empty when gate 1 refuses
    verdict: str = ""
    next_hops: list[str] = field(default_factory=list)  # where gate 2 would bring it

    @property
    def ended(self) -> bool:
        """True when it goes no further."""
        return any(step.ends for step in self.steps)


@dataclass(slots=True)
class Explanation:
    """The whole story."""

    steps: list[Step] = field(default_factory=list)  # of the message as a whole
    fates: list[Fate] = field(default_factory=list)
    edits: dict[str, list[str]] = field(default_factory=dict)  # policy -> lines of a diff
    content: dict[str, bytes] = field(default_factory=dict)  # policy -> what would leave

    @property
    def refused(self) -> bool:
        """True when nobody would get it from gate 1 on."""
        return any(step.ends for step in self.steps)
