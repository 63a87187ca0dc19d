"""
What could go round for ever, and does not: a routing loop, answers to our DSNs, DSNs that nobody takes.

Each turn of a loop costs two Received fields, for each message passes both gates: it ends at gate 1's hopcount_limit.
Very many DSNs at once are row 38 of `make test-faults`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, run, wait_for

GATES = ("postfix-pre", "postfix-post")
TURNS = 50  # half of hopcount_limit


@pytest.fixture(scope="module")
def hop(small: Appliance) -> Iterator[Sink]:
    """Return the next hop of hop.test, where the senders are."""
    sink = small.sink("hop")
    yield sink
    sink.stop()


@pytest.fixture(scope="module")
def visitor(small: Appliance) -> Client:
    """Return a client on the edge network."""
    return small.client("loops-visitor")


@pytest.fixture(scope="module")
def back(small: Appliance) -> Iterator[Client]:
    """Return a host between gate 2 and gate 1 that passes on whatever it gets, as a forwarder that knows no better."""
    client = small.client("back", network="egress")
    run("docker", "network", "connect", f"{small.project}_edge", client.name)
    run("docker", "exec", "-d", client.name, "socat", "TCP-LISTEN:25,fork,reuseaddr", f"TCP:{small.outside}")
    wait_for(lambda: client.reaches("127.0.0.1", 25), "the forwarder")
    yield client
    run("docker", "stop", "-t", "1", client.name)


def queues_empty(small: Appliance) -> None:
    """Wait until nothing is under way."""
    wait_for(lambda: not any(small.queue(gate) for gate in GATES), "both queues to be empty")


def dsn_for(small: Appliance, hop: Sink, visitor: Client, to: str) -> tuple[str, bytes]:
    """Send a message that cannot be delivered; return its token and the one DSN that came of it."""
    sent = visitor.swaks(small.outside, to=to, sender="s@hop.test")
    assert sent.code == 0, sent.transcript
    hop.arrived(sent.token)
    queues_empty(small)
    [dsn] = hop.with_token(sent.token)
    assert dsn["reverse_path"].startswith("FROM:<>")
    assert dsn["recipients"][0].startswith("TO:<s@hop.test>")
    return sent.token, dsn["content"]


@pytest.mark.usefixtures("back")
def test_routing_loop_ends_by_hop_count_in_one_dsn(small: Appliance, hop: Sink, visitor: Client) -> None:
    """Gate 2's next hop leads to gate 1: fifty turns, a refusal at gate 1's dot, and one DSN to the sender."""
    _, dsn = dsn_for(small, hop, visitor, "x@loop.test")
    assert b"said: 554 5.4.0 Error: too many hops" in dsn.replace(b"\r\n    ", b" ")
    returned = dsn.partition(b"message/rfc822")[2]
    assert [returned.count(b"\tby %s " % name) for name in (b"mx.small.test", b"out.mx.small.test")] == [TURNS, TURNS]


def test_answer_to_our_dsn_is_refused(small: Appliance, hop: Sink, visitor: Client) -> None:
    """An auto-responder that answers the From field of a DSN, from a real address, hears 550 at RCPT: no ping-pong."""
    _, dsn = dsn_for(small, hop, visitor, "unknown@hop.test")
    found = re.search(rb"^From: .*$", dsn, re.MULTILINE)
    assert found, dsn
    assert found[0] == b"From: Mail Delivery System <MAILER-DAEMON@out.mx.small.test>\r"
    author = "MAILER-DAEMON@out.mx.small.test"
    answer = visitor.swaks(small.outside, to=author, sender="auto@hop.test")
    assert answer.last_error == f"550 5.1.1 <{author}>: Recipient address rejected: User unknown"


def test_dsn_that_is_refused_ends(small: Appliance, hop: Sink, visitor: Client) -> None:
    """Sender and recipient are both unknown at the next hop: the DSN is refused as the message was, and is the last."""
    sent = visitor.swaks(small.outside, to="unknown-to@hop.test", sender="unknown-from@hop.test")
    assert sent.code == 0, sent.transcript
    refused = small.logged("postfix-post", r"(\w+): to=<unknown-to@hop\.test>.* status=bounced")[1]
    made = small.logged("postfix-post", rf"{refused}: sender non-delivery notification: (\w+)")[1]
    small.logged("postfix-post", rf"{made}: to=<unknown-from@hop\.test>.* status=bounced")
    queues_empty(small)
    assert not re.search(rf"{made}: .*notification", small.logs("postfix-post"))
    assert [m["recipients"] for m in hop.messages() if b"unknown-" in m["content"]] == []
