"""
The verdict, by set algebra: what became of each (message, recipient) that gate 1 answered 250.

Pure: journals and listings go in, a Verdict comes out.  A recipient's address is unlike every other of a run, so it
stands for the pair.

- lost: acknowledged, and neither stored by the sink, nor named by a DSN, nor in a queue.  Promise P1 wants none.
- unmatched: stored more often than once plus once for each journaled fault that met it in a gap (phases.GAPS). P2.
- altered: stored with other octets than were sent, trace header fields aside. P3.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.faults.phases import GAPS


@dataclass(frozen=True)
class Stored:
    """A message at the sink, for one of its recipients."""

    recipient: str
    sha256: str  # of the content behind the trace header fields
    at: float = 0.0  # monotonic seconds


@dataclass
class Fault:
    """One blow, as journaled."""

    what: str  # "SIGKILL filter worker"
    phase: str  # aimed at
    met: dict[str, set[str]] = field(default_factory=dict)  # recipient -> phases at which it was hit

    def may_double(self, recipient: str) -> bool:
        """Tell whether it met a message in a gap."""
        return bool(self.met.get(recipient, set()) & GAPS)

    def gap(self, recipient: str) -> str:
        """Return the gap in which it met a message that it may have doubled: the one aimed at, else the first."""
        gaps = self.met[recipient] & GAPS
        return self.phase if self.phase in gaps else min(gaps, key=_place)


@dataclass
class Verdict:
    """What became of the mail of a case."""

    acked: int
    delivered: int  # pairs stored at least once
    bounced: int  # pairs named by a DSN
    queued: int  # pairs still in a queue
    duplicates: dict[str, int]  # phase -> surplus copies that a fault at that phase explains
    lost: list[str]
    unmatched: list[str]  # one entry for each surplus copy that no fault explains
    altered: list[str]

    @property
    def holds(self) -> bool:
        """True when the promises were kept."""
        return not (self.lost or self.unmatched or self.altered)


def judge(
    acked: Mapping[str, str],
    stored: Iterable[Stored],
    bounced: Iterable[str],
    queued: Iterable[str],
    faults: Iterable[Fault],
) -> Verdict:
    """
    Compare what was promised with what is there.

    Args:
        acked: Recipient -> sha256 of the content sent, for each 250 to a dot.
        stored: Everything at the sink, in any order.
        bounced: Recipients that DSNs name.
        queued: Recipients in the gates' queues.
        faults: The journal of blows.
    """
    copies: Counter[str] = Counter()
    altered = []
    for message in stored:
        copies[message.recipient] += 1
        if message.recipient in acked and acked[message.recipient] != message.sha256:
            altered.append(message.recipient)
    reported, waiting, journal = set(bounced), set(queued), list(faults)
    duplicates: defaultdict[str, int] = defaultdict(int)
    unmatched = []
    # Others than the batch's: Postfix tells the postmaster, each time, that it could not write a queue file.
    for recipient, count in ((recipient, copies[recipient]) for recipient in acked):
        explained = sorted(fault.gap(recipient) for fault in journal if fault.may_double(recipient))
        for phase in explained[: count - 1]:
            duplicates[phase] += 1
        unmatched += [recipient] * max(0, count - 1 - len(explained))
    kept = copies.keys() | reported | waiting
    return Verdict(
        acked=len(acked),
        delivered=len(acked.keys() & copies.keys()),
        bounced=len(acked.keys() & reported),
        queued=len(acked.keys() & waiting),
        duplicates=dict(sorted(duplicates.items(), key=lambda item: _place(item[0]))),
        lost=sorted(acked.keys() - kept),
        unmatched=sorted(unmatched),
        altered=sorted(altered),
    )


def recovery_s(acked_at: Mapping[str, float], stored: Iterable[Stored], ended: float) -> float:
    """
    Return how long after the last blow the last of the mail was delivered that had been taken by then.

    Args:
        acked_at: Recipient -> when gate 1 took it.
        stored: Everything at the sink.
        ended: When the last blow was over; all times are of one clock.
    """
    first: dict[str, float] = {}
    for message in stored:
        first[message.recipient] = min(message.at, first.get(message.recipient, message.at))
    late = [first[name] - ended for name, at in acked_at.items() if at <= ended and name in first]
    return max([0.0, *late])


def _place(phase: str) -> tuple[int, str]:
    """Order phases by their number; of several that one message was in, the furthest in is not the first."""
    return (int(phase[1:]) if phase[1:].isdigit() else 99, phase)
