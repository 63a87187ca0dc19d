"""The filter's workers: stuck ones are found, and settings reach them without anybody noticing."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Answer, Client, wait_for
from tests.stack.test_filter import worker_pids

UNHEALTHY_WITHIN_S = 120  # a good answer stands for 15 s, then three checks of 12 s fail
APPLIES, MESSAGES, SENDERS = 6, 400, 5


@pytest.fixture(scope="module")
def visitor(small: Appliance) -> Client:
    """Return a client on the edge network."""
    return small.client("workers-visitor")


def health(appliance: Appliance) -> str:
    """Return the filter's health as docker has it."""
    return appliance.inspect("filter")["State"]["Health"]["Status"]


def test_stopped_workers_make_the_filter_unhealthy_until_they_go_on(small: Appliance, visitor: Client) -> None:
    """Supervisor still calls them running; mail waits, and flows when they do again."""
    pids = " ".join(str(pid) for pid in worker_pids(small).values())
    small.healthy("filter")
    small.exec("filter", "bash", "-c", f"kill -STOP {pids}")
    try:
        wait_for(lambda: health(small) == "unhealthy", "the filter's bad health", UNHEALTHY_WITHIN_S)
        assert len(worker_pids(small)) == len(pids.split())
        said = small.inspect("filter")["State"]["Health"]["Log"][-1]
        assert "unwell: timed out" in said["Output"], said
    finally:
        small.exec("filter", "bash", "-c", f"kill -CONT {pids}")
    small.healthy("filter")
    sent = visitor.swaks(small.outside, to="carl@small.test")
    small.arrived("carl@small.test", sent.token)


def test_workers_write_into_the_containers_log_themselves(small: Appliance) -> None:
    """The pipe that PID 1 was started with is among what each has open."""
    log = small.exec("filter", "stat", "-Lc", "%i", "/proc/1/fd/1").stdout.strip()
    for pid in worker_pids(small).values():
        opened = small.exec("filter", "bash", "-c", f"stat -Lc %i /proc/{pid}/fd/*", check=False).stdout.split()
        assert log in opened, f"worker {pid}"


def test_filter_without_gate_2_stays_healthy_and_says_so(small: Appliance) -> None:
    """It answers, and what is wrong is elsewhere; gate 2's own check tells that."""
    small.compose("stop", "postfix-post")
    try:
        said = small.exec("filter", "healthy").stdout
        assert said.startswith("ok, but without gate 2: 451 4.4.1 yard: "), said
    finally:
        small.compose("start", "postfix-post")
    small.healthy("postfix-post")
    assert small.exec("filter", "healthy").stdout.startswith("ok: gate 2 answers 250")


@pytest.fixture
def as_it_was(small: Appliance) -> Iterator[Appliance]:
    """Put the file back, and what runs."""
    text = small.config.read_text()
    yield small
    small.config.write_text(text)
    small.make("apply")


def test_rolling_restart_under_load_refuses_defers_and_doubles_nothing(as_it_was: Appliance, visitor: Client) -> None:
    """400 messages and more of 5 senders, while six applies take all workers to other settings."""
    appliance = as_it_was
    since, run = str(int(time.time())), f"rolling-{time.time_ns():x}"
    before = worker_pids(appliance)
    generations = [appliance.generations()["filter"]]
    answers: list[Answer] = []
    edits = ("[filter]", '[log]\nlevel = "debug"\n[filter]')

    def apply_all() -> None:
        for turn in range(APPLIES):
            appliance.edit(*(edits if turn % 2 == 0 else edits[::-1]))
            appliance.make("apply")
            generations.append(appliance.generations()["filter"])

    with ThreadPoolExecutor(1) as pool:
        applying = pool.submit(apply_all)
        while not applying.done() or len(answers) < MESSAGES:
            numbers = range(len(answers), len(answers) + 50)
            contents = [f"X-Token: {run}-{number}.\r\n\r\nhello\r\n".encode() for number in numbers]
            answers += visitor.send(appliance.outside, contents, to="carl@small.test", parallel=SENDERS, pause_s=0.2)
        applying.result()
    assert len(generations) == 1 + APPLIES and all(a != b for a, b in pairwise(generations))
    assert {answer.code for answer in answers} == {250}

    def arrived() -> list[str]:
        script = f"grep -rhoE '^X-Token: {run}-[0-9]+' /var/mail/vhosts/small.test/carl/new || true"
        return appliance.exec("postfix-post", "bash", "-c", script).stdout.splitlines()

    wait_for(lambda: len(arrived()) >= len(answers), "all of them in the mailbox")
    assert Counter(arrived()) == Counter(f"X-Token: {run}-{number}" for number in range(len(answers)))
    log = appliance.logs("postfix-pre", since)
    assert len(re.findall(r"scan-default/smtp|status=sent", log)) >= len(answers)
    assert [line for line in log.splitlines() if "status=deferred" in line or "Connection refused" in line] == []
    assert worker_pids(appliance) == before  # none was started anew, so none could be missed
