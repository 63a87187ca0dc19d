"""
Which policy a message gets, and what becomes of it then.

Every message here carries GTUBE, and each policy makes something else of it: most tag it with their own name.
One file, though long: its tests share an appliance that is theirs alone, and a second file would start a second.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from gateway.explain.explain import explain
from gateway.explain.steps import Sent as Explained
from gateway.settings.load import load
from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sent, Sink, wait_for
from tests.stack.explained import Case, Road, said
from tests.stack.mail import fresh
from tests.stack.searched import GTUBE

UNTAGGED = None


@pytest.fixture(scope="module")
def yard(make_appliance: Callable[..., Appliance]) -> Appliance:
    """Return an appliance with many policies."""
    return make_appliance("policies")


@pytest.fixture(scope="module")
def next_hop(yard: Appliance) -> Sink:
    """Return the next hop of its relay domains, and of the outside world."""
    return yard.sink("sink", ip=str(yard.network("egress")[12]))


@pytest.fixture(scope="module")
def scrap(yard: Appliance) -> Sink:
    """Return the next hop that a policy redirects to."""
    return yard.sink("scrap", port=2500)


@pytest.fixture(scope="module")
def stranger(yard: Appliance) -> Client:
    """Return a client nobody trusts."""
    return yard.client("stranger")


@pytest.fixture(scope="module")
def host(yard: Appliance) -> Client:
    """Return a host of the LAN."""
    return yard.lan.host(7)


@pytest.fixture(scope="module")
def at(yard: Appliance) -> dict[str, str]:
    """Return where a host of the LAN reaches each listener."""
    ports = {"outside": 2525, "office": 2526, "sorted": 2527, "past": 2528}
    return {name: f"{yard.lan.network[1]}:{port}" for name, port in ports.items()}


def send(client: Client, server: str, *arguments: str, to: str, sender: str = "someone@client.example") -> Sent:
    """Send GTUBE; it must be taken."""
    body = () if "--body" in arguments else ("--body", GTUBE)
    sent = client.swaks(server, *arguments, *body, to=to, sender=sender)
    assert sent.code == 0, sent.transcript
    return sent


def tag(content: str | bytes) -> str | None:
    """Return the policy that tagged a message, None where none did."""
    text = content.decode("latin-1") if isinstance(content, bytes) else content
    names = re.findall(r"^X-Policy: (\w+)\r?$", text, re.MULTILINE)
    assert len(names) < 2, text
    return names[0] if names else UNTAGGED


def tags_at(sink: Sink, sent: Sent, number: int = 1) -> dict[tuple[str, ...], str | None]:
    """Wait for so many copies of a message at a next hop; return the recipients of each and who tagged it."""
    wait_for(lambda: len(sink.with_token(sent.token)) >= number, f"{number} of {sent.token}")
    return {
        tuple(re.sub(r"^TO:<|>.*$", "", recipient) for recipient in message["recipients"]): tag(message["content"])
        for message in sink.with_token(sent.token)
    }


def policies(yard: Appliance, sent: Sent, number: int) -> list[str]:
    """Wait for so many transactions of a message in the filter's log; return the policy of each."""

    def look() -> tuple[list[str]] | None:
        found = re.findall(rf"pre={sent.queue_id} .*\bpolicy=(\w+)", yard.logs("filter"))
        return (sorted(found),) if len(found) >= number else None

    return wait_for(look, f"{number} lines of {sent.queue_id}")[0]


# --- recipient, sender, listener --------------------------------------------------------------------------------


def test_recipients_of_different_policies_never_share_a_transaction(
    yard: Appliance, next_hop: Sink, stranger: Client
) -> None:
    """One message to recipients of four domains: each is searched under its own policy, or not at all."""
    to = "a@one.test,b@two.test,c@past.test,d@one.test,anna@example.test"
    sent = send(stranger, yard.outside, to=to)
    assert tags_at(next_hop, sent, 3) == {
        ("a@one.test", "d@one.test"): "one",
        ("b@two.test",): "two",
        ("c@past.test",): UNTAGGED,
    }
    assert tag(yard.arrived("anna@example.test", sent.token)) == "default"
    assert policies(yard, sent, 3) == ["default", "one", "two"]


SENDERS = {
    "with a policy": ("x@corp.test", "two"),
    "past the filter": ("x@free.test", UNTAGGED),
    "of a sub-domain": ("x@sub.corp.test", "default"),
    "null": ("<>", "two"),
}


@pytest.mark.parametrize(("sender", "policy"), SENDERS.values(), ids=list(SENDERS))
def test_sender_decides_where_mail_goes_to_other_sites(
    yard: Appliance, next_hop: Sink, host: Client, at: dict[str, str], sender: str, policy: str | None
) -> None:
    """The sender's domain counts for a recipient elsewhere; the null sender has none, but a pattern may name it <>."""
    sent = send(host, at["office"], to="v@third.example", sender=sender)
    assert tags_at(next_hop, sent) == {("v@third.example",): policy}
    expected = [] if policy is UNTAGGED else [policy]
    assert policies(yard, sent, len(expected)) == expected


def test_sender_does_not_decide_for_our_own_domains(
    yard: Appliance, next_hop: Sink, host: Client, at: dict[str, str]
) -> None:
    """A recipient's domain goes before the sender's, its default policy too."""
    sent = send(host, at["office"], to="anna@example.test,a@one.test", sender="x@corp.test")
    assert tags_at(next_hop, sent) == {("a@one.test",): "one"}
    assert tag(yard.arrived("anna@example.test", sent.token)) == "default"


@pytest.mark.parametrize(("listener", "policy"), [("sorted", "two"), ("past", UNTAGGED)])
def test_listener_decides_for_all_recipients(
    yard: Appliance, next_hop: Sink, host: Client, at: dict[str, str], listener: str, policy: str | None
) -> None:
    """A listener's policy goes before those of recipients and senders; none leaves inside users unsearched."""
    sent = send(host, at[listener], to="a@one.test,v@third.example,anna@example.test", sender="x@free.test")
    assert tags_at(next_hop, sent, 2) == {("a@one.test",): policy, ("v@third.example",): policy}
    assert tag(yard.arrived("anna@example.test", sent.token)) == policy
    expected = [] if policy is UNTAGGED else [policy]
    assert policies(yard, sent, len(expected)) == expected


# --- patterns ---------------------------------------------------------------------------------------------------

FILTERS = {
    "sender": (("to-two@client.example",), "two"),
    "header": (("someone@client.example", "--header", "Subject: policy one"), "one"),
    "header before sender": (("to-two@client.example", "--header", "Subject: policy one"), "one"),
    "body": (("to-two@client.example", "--body", f"Policy none\n{GTUBE}"), UNTAGGED),
    "body before header": (
        ("someone@client.example", "--header", "Subject: policy one", "--body", f"Policy none\n{GTUBE}"),
        UNTAGGED,
    ),
}


@pytest.mark.parametrize(("message", "policy"), FILTERS.values(), ids=list(FILTERS))
def test_pattern_chooses_for_all_recipients(
    yard: Appliance, next_hop: Sink, stranger: Client, message: tuple[str, ...], policy: str | None
) -> None:
    """A FILTER goes before the recipients' own policies; of several the last counts."""
    sender, *arguments = message
    sent = send(stranger, yard.outside, *arguments, to="a@one.test,b@two.test", sender=sender)
    assert tags_at(next_hop, sent) == {("a@one.test", "b@two.test"): policy}
    expected = [] if policy is UNTAGGED else [policy]
    assert policies(yard, sent, len(expected)) == expected


def test_pattern_for_a_client_goes_before_the_listener(yard: Appliance, next_hop: Sink, at: dict[str, str]) -> None:
    """A host of the LAN by its address, whichever listener it comes to."""
    sent = send(yard.lan.host(77), at["past"], to="b@two.test")
    assert tags_at(next_hop, sent) == {("b@two.test",): "one"}


def test_recipient_that_is_refused_decides_nothing(yard: Appliance, stranger: Client) -> None:
    """Else a stranger could choose the way past the filter by an address that does not exist."""
    sent = send(stranger, yard.outside, to="nobody@example.test,anna@example.test")
    assert "550 5.1.1 <nobody@example.test>: Recipient address rejected" in sent.transcript
    assert tag(yard.arrived("anna@example.test", sent.token)) == "default"


def test_held_message_waits_in_gate_1_until_it_is_released(yard: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Its queue shows it on hold, and released it goes the way it would have gone."""
    sent = send(stranger, yard.outside, to="held@one.test")

    def queued(name: str) -> bool:
        return any(m["queue_id"] == sent.queue_id and m["queue_name"] == name for m in yard.queue("postfix-pre"))

    wait_for(lambda: queued("hold"), "the message on hold")
    assert policies(yard, sent, 0) == []
    yard.exec("postfix-pre", "postsuper", "-H", sent.queue_id)
    yard.exec("postfix-pre", "postqueue", "-f")
    assert tags_at(next_hop, sent) == {("held@one.test",): "one"}


def test_rejecting_pattern_is_for_everybody(
    yard: Appliance, stranger: Client, host: Client, at: dict[str, str]
) -> None:
    """Header and body patterns cannot tell who may relay, so the others do not either."""
    for client, server in ((stranger, yard.outside), (host, at["office"])):
        refused = client.swaks(server, to="refused@one.test")
        assert refused.last_error == "554 5.7.1 <refused@one.test>: Recipient address rejected: Access denied"


def test_warning_pattern_is_logged_and_no_more(yard: Appliance, next_hop: Sink, stranger: Client) -> None:
    """The message goes on under its recipient's policy."""
    sent = send(stranger, yard.outside, to="a@one.test", sender="noted@client.example")
    yard.logged(
        "postfix-pre", r"warn: RCPT from \S+: matches number 3 of \[\[patterns\]\]; from=<noted@client.example>"
    )
    assert tags_at(next_hop, sent) == {("a@one.test",): "one"}


# --- what becomes of it -----------------------------------------------------------------------------------------


def test_redirect_to_an_address_reaches_that_and_nobody_else(yard: Appliance, next_hop: Sink, stranger: Client) -> None:
    """The recipients do not get it."""
    sent = send(stranger, yard.outside, to="a@moved.test,b@moved.test")
    yard.arrived("bob@example.test", sent.token)
    assert next_hop.with_token(sent.token) == []
    assert "verdict=redirect outcome=sent" in yard.logged("filter", rf".*pre={sent.queue_id} .*")[0]


def test_redirect_to_a_next_hop_keeps_the_envelope(yard: Appliance, scrap: Sink, stranger: Client) -> None:
    """All goes there whoever it is for, and no alias is resolved on the way."""
    subject = ("--header", "Subject: policy scrap")
    sent = send(stranger, yard.outside, *subject, to="sales@example.test,a@one.test", sender="x@client.example")
    message = scrap.arrived(sent.token)
    assert [re.sub(r"^TO:<|>.*$", "", recipient) for recipient in message["recipients"]] == [
        "sales@example.test",
        "a@one.test",
    ]
    assert message["reverse_path"].startswith("FROM:<x@client.example>")
    post = yard.logged("filter", rf".*pre={sent.queue_id} post=(\w+) .*")[1]
    yard.logged("postfix-post", rf"postfix-post/redirect/smtpd\[\d+\]: {post}: client=.*orig_queue_id={sent.queue_id}")
    assert yard.mailbox("anna@example.test", sent.token) == []


def test_discarded_message_is_acknowledged_and_logged(yard: Appliance, stranger: Client) -> None:
    """Nobody gets it, and gate 1's queue is rid of it."""
    sent = send(stranger, yard.outside, "--header", "Subject: policy never", to="anna@example.test")
    line = yard.logged("filter", rf".*pre={sent.queue_id} .*")[0]
    assert "policy=never verdict=discard outcome=sent" in line
    yard.logged("postfix-pre", rf"{sent.queue_id}: removed")
    assert yard.mailbox("anna@example.test", sent.token) == []


def test_report_of_a_rejection_is_not_searched_for_what_it_quotes(
    yard: Appliance, host: Client, at: dict[str, str]
) -> None:
    """An inside user hears of the rejection although the report carries GTUBE to a domain that is searched."""
    subject = ("--header", "Subject: policy never")
    sent = send(host, at["office"], *subject, to="v@third.example", sender="anna@example.test")
    report = yard.arrived("anna@example.test", sent.token)
    assert "550 5.7.1 Message content rejected" in report.replace("\n    ", " ")
    assert GTUBE in report
    assert tag(report) is UNTAGGED
    reported = yard.logged("postfix-pre", rf"{sent.queue_id}: sender non-delivery notification: (\w+)")[1]
    assert reported not in yard.logs("filter")


# --- what `gateway explain` says of it --------------------------------------------------------------------------

GTUBE_BODY = b"\r\n" + GTUBE.encode() + b"\r\n"
MULTIPART = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
PARTS = {
    "plain": GTUBE_BODY,
    "header": b"Subject : policy\r\n one\r\nSubject: policy one\r\n" + GTUBE_BODY,
    "header reject": b"X-Refuse: 1\r\n" + GTUBE_BODY,
    "body": b"Subject: policy one\r\n" + GTUBE_BODY + b"Policy none\r\n",
    "body reject": GTUBE_BODY + b"far behind\r\n" * 5000 + b"X-Line: 1\r\n",
    "part": MULTIPART + b'Content-Type: text/plain; name="x.scr"\r\n' + GTUBE_BODY + b"--b--\r\n",
    "nested": MULTIPART
    + b"Content-Type: message/rfc822\r\n\r\nX-Line: 1\r\nSubject: policy scrap\r\n"
    + GTUBE_BODY
    + b"--b--\r\n",
    "nested reject": b"Content-Type: message/rfc822\r\n\r\nX-Refuse: 1\r\n" + GTUBE_BODY,
    "no part": MULTIPART + b"\r\nSubject: policy one\r\n" + GTUBE_BODY + b"--b--\r\n",
}
SENDER = "someone@client.example"
EXPLAINED = [
    *((SENDER, "a@one.test,anna@example.test", content) for content in PARTS),
    (SENDER, "refused@one.test,b@two.test,anna@example.test", "plain"),
    (SENDER, "nobody@example.test,b@two.test", "plain"),
    (SENDER, "nobody@example.test,refused@one.test", "header reject"),
    (SENDER, "nobody@example.test,b@two.test", "header reject"),
    ("to-two@client.example", "a@one.test,b@past.test,x@elsewhere.example", "plain"),
    ("to-two@client.example", "a@one.test", "header"),
    ("to-two@client.example", "a@past.test,chosen@past.test", "plain"),
    ("to-two@client.example", "chosen@past.test,a@past.test", "plain"),
    ("noted@client.example", "a@one.test,b@past.test", "plain"),
    ("", "a@one.test", "plain"),
    ("", "a@one.test,b@two.test", "plain"),
    ("", "nobody@example.test,b@past.test", "plain"),
    (SENDER, "held@one.test,a@two.test,refused@one.test", "plain"),
    (SENDER, "held@one.test", "header reject"),
    (SENDER, "a@moved.test,b@moved.test", "plain"),
]


def test_explain_says_what_happens(
    yard: Appliance, next_hop: Sink, scrap: Sink, stranger: Client, at: dict[str, str]
) -> None:
    """Reply of gate 1 to each recipient, policy, verdict and next hops, whatever the patterns and redirects."""
    configuration = load(yard.config)
    road = Road(yard, {"sink": next_hop, "scrap": scrap}, ("anna@example.test", "bob@example.test"))
    hops = {"[sink]:25": "sink", "[scrap]:2500": "scrap"}
    told = [(stranger, yard.outside, "outside", case) for case in EXPLAINED]
    told += [
        (yard.lan.host(number), at["past"], "past", (SENDER, to, "plain"))
        for number, to in ((77, "b@two.test,held@one.test"), (78, "b@two.test,held@one.test"))
    ]
    cases = []
    for client, server, listener, (sender, to, name) in told:
        token = fresh()
        content = f"X-Token: {token}\r\n".encode() + PARTS[name]
        sent = Explained(content, sender, tuple(to.split(",")), ip_address(client.address), listener=listener)
        [answer] = client.send(server, [content], to=to, sender=sender)
        cases.append(Case(to, token, answer, said(asyncio.run(explain(configuration, sent)), hops)))
    rows = zip([case for *_, case in told], road.outcomes(cases), cases, strict=True)
    assert [(case, found, sent.expected) for case, found, sent in rows if found != sent.expected] == []
