"""Containers are replaced with mail in both queues: none of it is lost, and none comes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.stack.appliance import DAEMONS, Appliance
from tests.stack.client import Client, Sink, wait_for

BATCH = 5  # messages that wait in each queue at each replacement


@pytest.fixture
def hop(small: Appliance) -> Iterator[Sink]:
    """Return the next hop of hop.test."""
    sink = small.sink("hop")
    yield sink
    sink.stop()


def recreate(appliance: Appliance, service: str) -> None:
    """Replace a container as an operator does after an upgrade, its neighbours left alone."""
    before = appliance.container(service)
    appliance.compose("up", "-d", "--force-recreate", "--no-deps", "--wait", service)
    assert appliance.container(service) != before


def queued(appliance: Appliance, gate: str) -> int:
    """Return how many messages a gate has."""
    return len(appliance.queue(gate))


def test_each_service_is_recreated_with_mail_in_both_queues(small: Appliance, hop: Sink) -> None:
    """Mail waits in gate 2 for its next hop and in gate 1 for the filter; all four are replaced; each arrives once."""
    client: Client = small.client("journal")
    accepted: list[str] = []

    def send(batch: str) -> None:
        tokens = [f"{batch}-{number}" for number in range(BATCH)]
        contents = [f"X-Token: {token}\r\n\r\nhello\r\n".encode() for token in tokens]
        answers = client.send(small.outside, contents, to="x@hop.test")
        accepted.extend(token for token, answer in zip(tokens, answers, strict=True) if answer.code == 250)

    hop.stop()
    send("gate-2")
    wait_for(lambda: queued(small, "postfix-post") == BATCH, "mail in gate 2's queue")
    small.compose("stop", "filter")
    send("gate-1")
    assert len(accepted) == 2 * BATCH
    wait_for(lambda: queued(small, "postfix-pre") == BATCH, "mail in gate 1's queue")
    for service in ("postfix-pre", "postfix-post", "bind"):
        recreate(small, service)
        assert (queued(small, "postfix-pre"), queued(small, "postfix-post")) == (BATCH, BATCH), service
    recreate(small, "filter")
    send("afterwards")
    hop.start()
    small.exec("postfix-pre", "postqueue", "-f")

    def arrived() -> Counter[str]:
        small.exec("postfix-post", "postqueue", "-f")
        return Counter(
            line.decode()
            for message in hop.messages()
            for line in message["content"].split(b"\r\n")
            if line.startswith(b"X-Token: ")
        )

    wait_for(lambda: arrived().total() >= len(accepted), "all of them at the next hop", 90)
    assert arrived() == Counter(f"X-Token: {token}" for token in accepted)
    assert [queued(small, gate) for gate in ("postfix-pre", "postfix-post")] == [0, 0]
    for service in DAEMONS:
        small.healthy(service)
