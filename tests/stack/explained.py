"""What `gateway explain` says of a message, and what gates and next hops say of it when it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.explain.steps import Explanation, Fate, Step
from tests.stack.appliance import Appliance
from tests.stack.client import Answer, Sink, wait_for

ON_HOLD = "hold"
FILTER_PORT = "10025"


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


class Road:
    """An appliance, and all places where its mail is brought."""

    def __init__(self, site: Appliance, sinks: dict[str, Sink], mailboxes: Iterable[str]) -> None:
        self._site = site
        self._sinks = sinks
        self._mailboxes = tuple(mailboxes)

    def done(self, to: str, token: str, answer: Answer, expected: frozenset[str]) -> Outcomes:
        """Find out what became of a message to recipients, which differ; *expected* is where to wait for it."""
        recipients = to.split(",")
        refused = f"{answer.code} {answer.text}"
        last = [refused if reply.startswith("250 ") else reply for reply in answer.rcpt]
        replies = dict(zip(recipients, last, strict=True))
        told = {name: Outcome(_status(reply)) for name, reply in replies.items() if not reply.startswith("250 ")}
        taken = [name for name in recipients if name not in told]
        if taken and self._waits(answer.queue_id, taken[0]):
            places = self._places(token)
            self._site.exec("postfix-pre", "postsuper", "-H", answer.queue_id)  # so that its policy shows
            self._site.exec("postfix-pre", "postqueue", "-f")
            held = {name: Outcome("", self._searched(answer.queue_id, name).policy, ON_HOLD) for name in taken}
            return Outcomes(told | held, places)
        told |= {name: self._searched(answer.queue_id, name) for name in taken}
        if not expected:
            return Outcomes(told, self._places(token))

        def look() -> frozenset[str]:
            places = self._places(token)
            return places if places >= expected else frozenset()

        return Outcomes(told, wait_for(look, f"{token} at {', '.join(expected)}", 30))

    def _waits(self, queue_id: str, recipient: str) -> bool:
        """Wait until gate 1 has gone on with a message, or has it on hold; return whether it has."""

        def look() -> str:
            if re.search(_went(queue_id, recipient), self._site.logs("postfix-pre")):
                return "went on"
            on_hold = [m["queue_id"] for m in self._site.queue("postfix-pre") if m["queue_name"] == ON_HOLD]
            return ON_HOLD if queue_id in on_hold else ""

        return wait_for(look, f"{queue_id} in gate 1") == ON_HOLD

    def _searched(self, queue_id: str, recipient: str) -> Outcome:
        """Find out what the filter made of a message, where gate 1 sent it there."""
        went = self._site.logged("postfix-pre", _went(queue_id, recipient))
        if went[1] != FILTER_PORT:
            return PAST_THE_FILTER
        line = self._site.logged("filter", rf"transaction pre={queue_id} .*<{re.escape(recipient)}>.*")[0]
        found = re.search(r"\bpolicy=([\w-]+) verdict=(\w+)", line)
        assert found, line
        return Outcome("", found[1], found[2])

    def _places(self, token: str) -> frozenset[str]:
        boxes = {box for box in self._mailboxes if self._site.mailbox(box, f"X-Token: {token}")}
        return frozenset(boxes | {name for name, sink in self._sinks.items() if sink.with_token(token)})


def _went(queue_id: str, recipient: str) -> str:
    return rf"{queue_id}: to=<{re.escape(recipient)}>, .*relay=\S+:(\d+), "
