"""The filter's workers: stuck ones are found and replaced, and changes reach them without anybody noticing."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Answer, Client, wait_for
from tests.stack.test_filter import worker_pids

UNHEALTHY_WITHIN_S = 120  # a good answer stands for 15 s, then three checks of 12 s fail
REPLACED_WITHIN_S = 90  # the watchdog's patience of 60 s, a look every 5 s, and a start
SHARE = 5  # transactions of one worker
APPLIES, MESSAGES, SENDERS = 6, 400, 5


@pytest.fixture(scope="module")
def visitor(small: Appliance) -> Client:
    """Return a client on the edge network."""
    return small.client("workers-visitor")


def health(appliance: Appliance) -> str:
    """Return the filter's health as docker has it."""
    return appliance.inspect("filter")["State"]["Health"]["Status"]


def watchdog_pid(appliance: Appliance) -> int:
    """Return the pid of the listener that kills workers that hang."""
    return int(
        appliance.exec("filter", "supervisorctl", "-c", "/run/config/supervisord.conf", "pid", "watchdog").stdout
    )


class Load:
    """Messages of a few senders, sent for as long as something else is done."""

    def __init__(self, appliance: Appliance, visitor: Client) -> None:
        self._appliance = appliance
        self._visitor = visitor
        self._run = f"load-{time.time_ns():x}"
        self._since = str(int(time.time()))
        self.answers: list[Answer] = []

    def send_while(self, act: Callable[[], None], at_least: int) -> None:
        """Send until *act* has returned, and no fewer than a number of messages; each is taken."""
        with ThreadPoolExecutor(1) as pool:
            acting = pool.submit(act)
            while not acting.done() or len(self.answers) < at_least:
                numbers = range(len(self.answers), len(self.answers) + 50)
                contents = [f"X-Token: {self._run}-{number}.\r\n\r\nhello\r\n".encode() for number in numbers]
                self.answers += self._visitor.send(
                    self._appliance.outside, contents, to="carl@small.test", parallel=SENDERS, pause_s=0.2
                )
            acting.result()
        assert {answer.code for answer in self.answers} == {250}

    def copies(self) -> list[int]:
        """Wait until all are in the mailbox; return how often each is there."""

        def arrived() -> list[str]:
            script = f"grep -rhoE '^X-Token: {self._run}-[0-9]+' /var/mail/vhosts/small.test/carl/new || true"
            return self._appliance.exec("postfix-post", "bash", "-c", script).stdout.splitlines()

        tokens = [f"X-Token: {self._run}-{number}" for number in range(len(self.answers))]
        wait_for(lambda: set(arrived()) >= set(tokens), "all of them in the mailbox")
        wait_for(lambda: self._appliance.queue("postfix-pre") == [], "gate 1's queue to be empty")
        found = Counter(arrived())
        assert found.keys() == set(tokens)
        return [found[token] for token in tokens]

    def assert_unnoticed(self) -> None:
        """No connection of gate 1 was refused, no message deferred, and each arrived once."""
        assert set(self.copies()) == {1}
        log = self._appliance.logs("postfix-pre", self._since)
        assert len(re.findall(r"status=sent", log)) >= len(self.answers)
        noted = re.compile("status=deferred|Connection refused|lost connection|timed out")
        assert [line for line in log.splitlines() if noted.search(line)] == []


def test_stopped_workers_make_the_filter_unhealthy_until_they_go_on(small: Appliance, visitor: Client) -> None:
    """Supervisor still calls them running, and the watchdog is stopped too; mail waits, and flows when they go on."""
    pids = " ".join(str(pid) for pid in (*worker_pids(small).values(), watchdog_pid(small)))
    small.healthy("filter")
    small.exec("filter", "bash", "-c", f"kill -STOP {pids}")
    try:
        wait_for(lambda: health(small) == "unhealthy", "the filter's bad health", UNHEALTHY_WITHIN_S)
        assert len(worker_pids(small)) == len(pids.split()) - 1
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


def test_worker_that_hangs_is_replaced_and_its_mail_flows_on(small: Appliance, visitor: Client) -> None:
    """One of two is stopped for ever under load: supervisor gets another, gate 1 sends again what it held."""
    load, before, container = Load(small, visitor), worker_pids(small), small.container("filter")
    name, stopped = sorted(before.items())[1]

    def stop_one() -> None:
        small.exec("filter", "bash", "-c", f"kill -STOP {stopped}")
        wait_for(lambda: worker_pids(small).get(name, stopped) != stopped, "another worker", REPLACED_WITHIN_S)

    load.send_while(stop_one, MESSAGES)
    copies = load.copies()
    assert set(copies) <= {1, 2}
    assert copies.count(2) <= SHARE  # past its dot; by its time-outs gate 1 would have waited 19 minutes for them
    assert f"ERROR worker {name} gave no sign of life for " in small.logs("filter")
    assert f" s: killed pid={stopped}\n" in small.logs("filter")
    after = worker_pids(small)
    assert {other: pid for other, pid in after.items() if other != name} == {
        other: pid for other, pid in before.items() if other != name
    }
    assert small.container("filter") == container and small.inspect("filter")["RestartCount"] == 0


def test_filter_without_gate_2_stays_healthy_and_says_so(small: Appliance) -> None:
    """It answers, and what is wrong is elsewhere; gate 2's own check tells that."""
    small.compose("stop", "postfix-post")
    try:
        # On a busy machine the first look may be over before the filter has given up on a host that is gone.
        wait_for(
            lambda: small.exec("filter", "healthy", check=False).stdout.startswith(
                "ok, but without gate 2: 451 4.4.1 yard: "
            ),
            "the filter's word on gate 2",
        )
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


def test_rolling_reload_under_load_refuses_defers_and_doubles_nothing(as_it_was: Appliance, visitor: Client) -> None:
    """400 messages and more of 5 senders, while six applies take all workers to other settings."""
    appliance = as_it_was
    before = worker_pids(appliance)
    generations = [appliance.generations()["filter"]]
    edits = ("[filter]", '[log]\nlevel = "debug"\n[filter]')

    def apply_all() -> None:
        for turn in range(APPLIES):
            appliance.edit(*(edits if turn % 2 == 0 else edits[::-1]))
            appliance.make("apply")
            generations.append(appliance.generations()["filter"])

    load = Load(appliance, visitor)
    load.send_while(apply_all, MESSAGES)
    assert len(generations) == 1 + APPLIES and all(a != b for a, b in pairwise(generations))
    load.assert_unnoticed()
    assert worker_pids(appliance) == before  # none was started anew, so none could be missed


def test_other_numbers_of_workers_under_load_go_unnoticed(as_it_was: Appliance, visitor: Client) -> None:
    """From two to four, to one, to two by `make apply`, in the same container: every worker is another each time."""
    appliance = as_it_was
    container, started_at = appliance.container("filter"), appliance.inspect("filter")["State"]["StartedAt"]
    seen = [worker_pids(appliance)]

    def apply_all() -> None:
        for old, new in pairwise((2, 4, 1, 2)):
            appliance.edit(f"workers = {old}", f"workers = {new}")
            appliance.make("apply")
            seen.append(worker_pids(appliance))

    load = Load(appliance, visitor)
    load.send_while(apply_all, MESSAGES)
    assert [len(pids) for pids in seen] == [2, 4, 1, 2]
    assert len({pid for pids in seen for pid in pids.values()}) == 2 + 4 + 1 + 2
    load.assert_unnoticed()
    assert appliance.container("filter") == container
    assert appliance.inspect("filter")["State"]["StartedAt"] == started_at


@pytest.mark.parametrize("workers", [2, 1])
def test_restarted_workers_under_load_go_unnoticed(as_it_was: Appliance, visitor: Client, workers: int) -> None:
    """`restart-workers`, twice; with a single worker the connections wait in the socket's backlog."""
    appliance = as_it_was
    if workers == 1:
        appliance.edit("workers = 2", "workers = 1")
        appliance.make("apply")
    seen = [worker_pids(appliance)]

    def restart() -> None:
        for _ in range(2):
            appliance.exec("filter", "restart-workers")
            seen.append(worker_pids(appliance))

    load = Load(appliance, visitor)
    load.send_while(restart, MESSAGES)
    assert len({pid for pids in seen for pid in pids.values()}) == 3 * workers
    load.assert_unnoticed()
