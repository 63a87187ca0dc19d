"""What `gateway explain` says would happen, held against what happens: fifty messages on the real road."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.explain.explain import explain
from gateway.explain.steps import Explanation, Fate, Sent
from gateway.settings.load import load
from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, run, wait_for
from tests.stack.mail import transaction
from tests.stack.searched import CLEAN, FOUND, NESTED, ZIPPED

CONTENTS = {"clean": CLEAN, "zip": ZIPPED, "nested": NESTED} | FOUND
DOMAINS = ("hold.test", "reject.test", "defer.test", "discard.test", "tag.test", "lists.test", "plain.test")
# Each content to each domain, then what gate 1 and gate 2 decide by addresses.
SEARCHED = [("someone@client.example", f"x@{domain}", name) for domain in DOMAINS[:6] for name in CONTENTS]
ADDRESSED = [
    ("someone@client.example", "anna@plain.test", "clean"),
    ("someone@client.example", "Anna+extension@plain.test", "clean"),
    ("someone@client.example", "sales@plain.test", "clean"),
    ("someone@client.example", "old@plain.test", "clean"),
    ("someone@client.example", "nobody@plain.test", "clean"),
    ("someone@client.example", "postmaster@plain.test", "clean"),
    ("someone@client.example", "postmaster@mx.searched.test", "clean"),
    ("someone@client.example", "x@elsewhere.example", "clean"),
    ("", "anna@plain.test", "clean"),
    ("", "x@reject.test", "gtube.gtube"),
    ("a@spam.example", "anna@plain.test", "clean"),
    ("a@sub.spam.example", "anna@plain.test", "clean"),
    ("a@x.bulk.example", "anna@plain.test", "clean"),
    ("a@bulk.example", "anna@plain.test", "clean"),
    ("Pest@example.net", "anna@plain.test", "clean"),
    ("a@localhost", "anna@plain.test", "clean"),
]
CASES = SEARCHED + ADDRESSED
assert len(CASES) >= 50


@dataclass(frozen=True)
class Outcome:
    """What became of a message, as far as both can tell."""

    reply: str  # of gate 1, class and enhanced status, where it refuses; else empty
    policy: str
    verdict: str
    places: frozenset[str]  # where it was brought: next hop, or mailbox


def said(told: Explanation) -> Outcome:
    """Read an explanation of a message with one recipient."""
    [fate] = told.fates
    ends = [step.outcome for step in (*told.steps, *fate.steps) if step.ends and step.where == "gate 1"]
    reply = re.sub(r"^(\d{3} \d\.\d\.\d).*", r"\1", ends[0]) if ends else ""
    return Outcome(reply, fate.policy, fate.verdict, _places(fate))


def _places(fate: Fate) -> frozenset[str]:
    return frozenset(hop.removeprefix("Maildir of ") if "Maildir" in hop else "sink" for hop in fate.next_hops)


def done(searched: Appliance, next_hop: Sink, token: str, code: int, text: str, places: frozenset[str]) -> Outcome:
    """Find out what became of a message; *places* is what to wait for."""
    if code != 250:
        return Outcome(f"{code} {text.split()[0]}", "", "", frozenset())
    queue_id = re.search(r"queued as (\w+)", text)[1]  # type: ignore[index]  # Postfix says so with each 250
    line = transaction(searched, queue_id)
    verdict = re.search(r"\bverdict=(\w+)", line)[1]  # type: ignore[index]  # the line always has it
    policy = re.search(r"\bpolicy=([\w-]+)", line)[1]  # type: ignore[index]

    def found() -> frozenset[str]:
        boxes = {box for box in ("anna@plain.test", "bob@plain.test") if searched.mailbox(box, f"X-Token: {token}")}
        return frozenset(boxes | ({"sink"} if next_hop.with_token(token) else set()))

    if places:
        wait_for(lambda: found() == places or None, f"{token} at {', '.join(places)}", 30)
    return Outcome("", policy, verdict, found())


def test_explain_says_what_happens(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Reply of gate 1, policy, verdict and next hop are the same for each message."""
    configuration = load(searched.config)
    run_id = f"e{time.time_ns():x}"
    expected, answers = {}, {}
    for number, (sender, to, name) in enumerate(CASES):
        content = f"X-Token: {run_id}-{number}.\r\n".encode() + CONTENTS[name]
        sent = Sent(content, sender, (to,), ip_address("192.0.2.7"))
        expected[sender, to, name] = said(asyncio.run(explain(configuration, sent)))
        [answers[sender, to, name]] = stranger.send(searched.outside, [content], to=to, sender=sender)
    found = {
        case: done(searched, next_hop, f"{run_id}-{number}.", answer.code, answer.text, expected[case].places)
        for number, (case, answer) in enumerate(answers.items())
    }
    assert {case: outcome for case, outcome in found.items() if outcome != expected[case]} == {}
    assert len({(outcome.reply, outcome.verdict) for outcome in found.values()}) >= 9


def test_command_of_the_operator_tells_the_same(searched: Appliance, tmp_path) -> None:
    """scripts/explain runs where the filter is, and reads the file as it is now."""
    message = tmp_path / "casino.eml"
    message.write_bytes(FOUND["headers.casino"])
    environment = ("env", f"PROJECT={searched.project}", f"CONFIG_DIR={searched.config_dir}")
    told = run(*environment, "scripts/explain", str(message), "--from", "s@far.example", "--to", "x@tag.test", "--json")
    outcome = json.loads(told.stdout)
    assert [(fate["policy"], fate["verdict"]) for fate in outcome["fates"]] == [("tag", "tag")]
    assert "+X-Spam-Flag: YES" in outcome["edits"]["tag"]
    shown = run(*environment, "scripts/explain", str(message), "--from", "s@far.example", "--to", "x@tag.test").stdout
    assert re.search(r"^yard +headers\.casino +found", shown, re.MULTILINE)
