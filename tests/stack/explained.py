"""What `gateway explain` says of a message, and what gates and next hops say of it when it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.explain.steps import Explanation, Fate, Step
from tests.stack.appliance import Appliance
from tests.stack.client import Answer, Sink, wait_for

ON_HOLD = "hold"
FILTER_PORT = "10025"

type Way = tuple[str, str]  # gate 1's queue id, and a recipient


@dataclass(frozen=True)
class Outcome:
    """What became of a message for one recipient, as far as both can tell."""

    reply: str  # of gate 1, class and enhanced status, where it refuses; else empty
    policy: str = ""
    verdict: str = ""


PAST_THE_FILTER = Outcome("", "none", "pass")


@dataclass(frozen=True)
class Outcomes:
    """What became of a message."""

    recipients: dict[str, Outcome]
    places: frozenset[str]  # where it was brought: next hops, and mailboxes


def said(told: Explanation, hops: dict[str, str]) -> Outcomes:
    """
    Read an explanation.

    Args:
        told: Of a message whose recipients differ.
        hops: Next hop -> the sink that is there; mailboxes stand for themselves.
    """
    return Outcomes(
        {fate.recipient: _said(told, fate) for fate in told.fates},
        frozenset(_place(hop, hops) for fate in told.fates for hop in fate.next_hops),
    )


def _said(told: Explanation, fate: Fate) -> Outcome:
    refusals = [step.outcome for step in (*fate.steps, *told.steps) if _refuses(step)]
    return Outcome(_status(refusals[0])) if refusals else Outcome("", fate.policy, fate.verdict)


def _refuses(step: Step) -> bool:
    return step.ends and step.where == "gate 1" and not step.outcome.startswith("250 ")


def _status(reply: str) -> str:
    found = re.match(r"\d{3} \d\.\d\.\d+", reply)
    assert found, reply
    return found[0]


def _place(hop: str, hops: dict[str, str]) -> str:
    return hop.removeprefix("Maildir of ") if "Maildir" in hop else hops[hop]


@dataclass(frozen=True)
class Case:
    """A message that was sent."""

    to: str  # its recipients, which differ, with commas
    token: str  # in its X-Token
    answer: Answer
    expected: Outcomes

    def refused(self) -> dict[str, Outcome]:
        """Return what gate 1 said to whom it did not take it for."""
        last = f"{self.answer.code} {self.answer.text}"
        replies = [last if reply.startswith("250 ") else reply for reply in self.answer.rcpt]
        told = dict(zip(self.to.split(","), replies, strict=True))
        return {name: Outcome(_status(reply)) for name, reply in told.items() if not reply.startswith("250 ")}

    def taken(self) -> list[Way]:
        """Return the queue id with each recipient gate 1 took it for."""
        refused = self.refused()
        return [(self.answer.queue_id, name) for name in self.to.split(",") if name not in refused]

    def ids(self) -> set[str]:
        """Return the queue id, if gate 1 took it."""
        return {queue_id for queue_id, _ in self.taken()}


class Road:
    """An appliance, and all places where its mail is brought; each is asked once about all messages."""

    def __init__(self, site: Appliance, sinks: dict[str, Sink], mailboxes: Iterable[str]) -> None:
        self._site = site
        self._sinks = sinks
        self._mailboxes = tuple(mailboxes)

    def outcomes(self, cases: Sequence[Case]) -> list[Outcomes]:
        """Find out what became of messages; the policy of those on hold shows when they go on."""
        ways = {way for case in cases for way in case.taken()}
        held = wait_for(lambda: self._held(ways), "gate 1 to go on with all of them")[0]
        still = self._places(cases)  # of those on hold: they go on below
        if held:
            self._site.exec("postfix-pre", "postsuper", *(word for queue_id in held for word in ("-H", queue_id)))
            self._site.exec("postfix-pre", "postqueue", "-f")
        told = wait_for(lambda: self._searched(ways), "the filter to have looked at all of them")
        places = wait_for(lambda: self._arrived(cases), "all of them where they are expected")
        return [self._outcomes(case, held, told, still if case.ids() & held else places) for case in cases]

    def _outcomes(
        self, case: Case, held: set[str], told: dict[Way, Outcome], places: dict[str, frozenset[str]]
    ) -> Outcomes:
        found = case.refused()
        for queue_id, name in case.taken():
            policy, verdict = told[queue_id, name].policy, told[queue_id, name].verdict
            found[name] = Outcome("", policy, ON_HOLD if queue_id in held else verdict)
        return Outcomes(found, places.get(case.token, frozenset()))

    def _held(self, ways: set[Way]) -> tuple[set[str]] | None:
        """Return what is on hold, once gate 1 has gone on with everything else."""
        went = self._went()
        queue = self._site.queue("postfix-pre")
        held = {m["queue_id"] for m in queue if m["queue_name"] == ON_HOLD} & {queue_id for queue_id, _ in ways}
        return (held,) if all(way in went or way[0] in held for way in ways) else None

    def _went(self) -> dict[Way, str]:
        """Return the port at which each message was handed on for each recipient."""
        line = r" (\w+): to=<([^>]*)>, .*relay=\S+:(\d+), "
        return {(found[1], found[2]): found[3] for found in re.finditer(line, self._site.logs("postfix-pre"))}

    def _searched(self, ways: set[Way]) -> dict[Way, Outcome] | None:
        went = self._went()
        lines = re.findall(r"transaction pre=(\w+) (.*) policy=([\w-]+) verdict=(\w+)", self._site.logs("filter"))
        told = {
            (queue_id, name): Outcome("", policy, verdict)
            for queue_id, fields, policy, verdict in lines
            for name in re.findall(r"<([^> ]+)>", fields)
        }
        told |= {way: PAST_THE_FILTER for way in ways if went.get(way, FILTER_PORT) != FILTER_PORT}
        return told if ways <= told.keys() else None

    def _arrived(self, cases: Sequence[Case]) -> dict[str, frozenset[str]] | None:
        places = self._places(cases)
        there = all(case.expected.places <= places.get(case.token, frozenset()) for case in cases)
        return places if there else None

    def _places(self, cases: Sequence[Case]) -> dict[str, frozenset[str]]:
        """Return where the message with each token is."""
        contents = {name: [m["content"].decode("latin-1") for m in s.messages()] for name, s in self._sinks.items()}
        contents |= {box: self._site.mailbox(box, "X-Token: ") for box in self._mailboxes}
        return {
            case.token: frozenset(
                name for name, all_ in contents.items() if any(f"X-Token: {case.token}" in one for one in all_)
            )
            for case in cases
        }
