"""What `gateway explain` says would happen, held against what happens: fifty messages on the real road."""

from __future__ import annotations

import asyncio
import json
import re
import time
from ipaddress import ip_address

import pytest

from gateway.explain.explain import explain
from gateway.explain.steps import Sent
from gateway.settings.load import load
from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, run
from tests.stack.explained import Case, Road, said
from tests.stack.mail import fresh, message, transaction
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


def test_explain_says_what_happens(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Reply of gate 1, policy, verdict and next hop are the same for each message."""
    configuration = load(searched.config)
    road = Road(searched, {"sink": next_hop}, ("anna@plain.test", "bob@plain.test"))
    run_id = f"e{time.time_ns():x}"
    cases = []
    for number, (sender, to, name) in enumerate(CASES):
        token = f"{run_id}-{number}."
        content = f"X-Token: {token}\r\n".encode() + CONTENTS[name]
        told = asyncio.run(explain(configuration, Sent(content, sender, (to,), ip_address("192.0.2.7"))))
        [answer] = stranger.send(searched.outside, [content], to=to, sender=sender)
        cases.append(Case(to, token, answer, said(told, {"[sink]:25": "sink"})))
    found = road.outcomes(cases)
    rows = zip(CASES, found, cases, strict=True)
    assert [(case, told, sent.expected) for case, told, sent in rows if told != sent.expected] == []
    kinds = {(outcome.reply, outcome.verdict) for told in found for outcome in told.recipients.values()}
    assert len(kinds) >= 9


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


@pytest.mark.parametrize(
    ("order", "verdict", "finding"),
    [("exit 0", "pass", []), ("exit 69", "discard", ["command:obey.rejected"])],
)
def test_command_of_the_operator_has_programs_run(searched, stranger, tmp_path, order, verdict, finding) -> None:
    """As the filter has, which makes the same of the message."""
    path, content = tmp_path / "ordered.eml", message(fresh(), b"x\r\n", f"X-Do: {order}")
    path.write_bytes(content)
    environment = ("env", f"PROJECT={searched.project}", f"CONFIG_DIR={searched.config_dir}")
    told = run(*environment, "scripts/explain", str(path), "--from", "s@far.example", "--to", "x@obeyed.test", "--json")
    [fate] = json.loads(told.stdout)["fates"]
    assert (fate["policy"], fate["verdict"]) == ("obey", verdict)
    assert [step["what"] for step in fate["steps"] if step["outcome"] == "found"] == finding
    [answer] = stranger.send(searched.outside, [content], to="x@obeyed.test")
    assert f"policy=obey verdict={verdict} " in transaction(searched, answer.queue_id)
