"""Rows 14 (packets), 15, 16, 18 to 21 and 30 of docs/faults.md: networks, disks, memory, descriptors, the resolver."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from tests.faults.disk import failing, failing_on_demand
from tests.faults.places import (
    QUEUES,
    cut_off,
    dropping,
    few_descriptors,
    full,
    out_of_memory,
    read_only_queue,
    rest,
    without_inodes,
)
from tests.faults.processes import command, named
from tests.faults.stage import SENDERS, Result, Stage
from tests.stack.client import run, wait_for

LASTS_S = 6.0
BRIEFLY_S, LONG_S = 2.5, 20.0  # packets are lost: TCP sends again within all time-outs; longer than any of them
SPOOLED = 1_200_000  # octets of a message that the filter keeps in /tmp while it searches
SLOW = {"pace_s": 0.1}  # so that the batch outlasts the fault


def drop_packets(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 14: packets lost on the wire between the gates and the filter."""
    for hop, service, between in (
        ("scan", "postfix-pre", "gate 1-filter"),
        ("reinject", "filter", "filter-gate 2"),
    ):
        for lasts_s in (BRIEFLY_S, LONG_S):
            since = str(time.time())

            def act(hop: str = hop, service: str = service, lasts_s: float = lasts_s) -> None:
                rest(0.5)
                with dropping(stage, service, stage.wire.hops[hop].port):
                    rest(lasts_s)
                    stage.wire.journal("packets dropped", "any")  # those that are under way now were all hit

            result = stage.play("14", f"packets lost {between} {lasts_s:g} s", act=act, count=count, **SLOW)
            deferred = "status=deferred" in stage.appliance.logs("postfix-pre", since)
            if deferred != (lasts_s == LONG_S):
                result.complaints.append("gate 1 had to defer" if deferred else "gate 1 never waited in vain")
            if lasts_s == BRIEFLY_S and result.verdict.duplicates:
                result.complaints.append("packets that TCP sent again doubled mail")
            yield _unseen(result)


def cut_internet(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 15: gate 2 has no route to its next hops."""
    hop = stage.wire.hops["egress"]

    def act() -> None:
        hop.leave()
        with stage.wire.lasting("no route"), cut_off(stage, "postfix-post", 25):
            rest(LASTS_S)

    result = stage.play("15", f"gate 2 cut off {LASTS_S:g} s", act=act, count=count, **SLOW)
    yield _unseen(result)


def stop_resolver(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 16: bind goes in mid-run, then is away while all the others start."""
    bind = stage.appliance.container("bind")
    both = ["r-{id}@fault.test", "r-{id}@named.test"]

    def act() -> None:
        run("docker", "stop", "-t", "5", bind)
        rest(LASTS_S)
        run("docker", "start", bind)

    result = stage.play("16", f"bind away {LASTS_S:g} s", act=act, count=count, recipients=both, **SLOW)
    yield _nothing_bounced(result)

    others = [stage.appliance.container(service) for service in ("postfix-pre", "filter", "postfix-post")]
    run("docker", "stop", "-t", "20", *others, bind)
    run("docker", "start", *others)
    before = stage.stored()

    def start_late() -> None:
        # What needs no name arrives while nobody answers for names.
        wait_for(lambda: stage.stored() >= before + count, "the mail that needs no resolver", 60)
        run("docker", "start", bind)

    yield _nothing_bounced(stage.play("16", "bind away at start", act=start_late, count=count, recipients=both))


def fill_disks(stage: Stage, keeper: str, count: int = 200) -> Iterator[Result]:
    """Rows 18, 19: each queue volume full, then without inodes."""
    for row, gate in (("18", "postfix-pre"), ("19", "postfix-post")):
        for what, exhausted in (("full", full), ("without inodes", without_inodes)):

            def act(gate: str = gate, exhausted=exhausted) -> None:
                rest(0.5)
                with exhausted(keeper, f"/{QUEUES[gate]}"):
                    rest(LASTS_S)

            result = stage.play(row, f"{QUEUES[gate]} {what} {LASTS_S:g} s", act=act, count=count, **SLOW)
            # Without an inode cleanup says nothing and tries again every 10 s: the client waits.
            if row == "18" and exhausted is full and not result.client.get("deferred"):
                result.complaints.append("gate 1 never said 4xx")
            yield result if row == "18" else _unseen(result)


def fill_small_places(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 20: the filter's and bind's own little file systems; nobody notices, gate 1 waits where they are needed."""

    def act() -> None:
        appliance = stage.appliance
        with (
            full(appliance.container("filter"), "/tmp"),
            full(appliance.container("filter"), "/run"),
            full(appliance.container("bind"), "/var/cache/bind"),
        ):
            rest(LASTS_S)

    what = f"filter /tmp, /run and bind's cache full {LASTS_S:g} s"
    yield _unseen(stage.play("20", what, act=act, count=count, **SLOW))
    since = str(time.time())
    load = {"count": count // 10, "octets": SPOOLED, "recipients": ["r-{id}@poison.test"], "parallel": 2, "pace_s": 1.0}
    result = stage.play("20", f"{what}, messages kept in /tmp", act=act, **load)
    if "452 4.3.1 yard: insufficient storage" not in stage.appliance.logs("postfix-pre", since):
        result.complaints.append("the filter never said 452")
    yield _unseen(result)


def forbid_writing(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 21: a queue becomes read-only under the daemons."""
    for gate in QUEUES:

        def act(gate: str = gate) -> None:
            rest(0.5)
            with read_only_queue(stage, gate):
                rest(LASTS_S)

        result = stage.play("21", f"{QUEUES[gate]} read-only {LASTS_S:g} s", act=act, count=count, **SLOW)
        yield _unseen(result) if gate == "postfix-post" else result


def fail_disk(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 21: fsync, then write, of a gate's queue files returns EIO; not one 250 is given meanwhile."""
    for gate in QUEUES:
        with failing_on_demand(stage, gate):
            for call in ("fsync", "write"):
                yield fail_call(stage, gate, call, count)


def fail_call(stage: Stage, gate: str, call: str, count: int = 200) -> Result:
    """Let one call fail for a while, under load; the gate says 4xx at once, and 250 never."""
    given: list[int] = []
    behind_it = next(hop for hop, service in SENDERS.items() if service == gate)
    before_it = "sender" if gate == "postfix-pre" else "postfix-pre"  # whoever hears the gate's replies

    def said(since: str) -> tuple[int, int]:
        """Count 250s to a dot, of this run; and deferrals since."""
        if before_it == "sender":
            return len(stage.client.sh("cat /tmp/journal", check=False).stdout.splitlines()), 0
        log = stage.appliance.logs(before_it, since)
        return log.count("status=sent"), len(re.findall("status=deferred .*451 4.3.0 .*queue file write error", log))

    def act() -> None:
        rest(0.5)
        # What was delivered and cannot be marked so is delivered again at each attempt.
        with stage.wire.striking(f"EIO of {call}", behind_it):
            with failing(stage, gate, call):
                rest(0.5)  # what was synced before is answered
                since = str(time.time())
                sent, _ = said(since)
                rest(LASTS_S)
                sent_after, deferred = said(since)
            rest(0.5)  # and the last to fail has hung up
        given.extend((sent_after - sent, deferred))

    result = stage.play("21", f"{QUEUES[gate]} EIO of {call} {LASTS_S:g} s", act=act, count=count, **SLOW)
    deferred = result.client.get("deferred", 0) if before_it == "sender" else given[1]
    if given[0] or not deferred:
        result.complaints.append(f"{given[0]} times 250 and {deferred} times 4xx while {call} failed")
    return result if before_it == "sender" else _unseen(result)


def use_up(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 30: the kernel kills for want of memory; descriptors run out."""
    for service, names in (
        ("filter", ("gateway.worker",)),
        ("postfix-post", ("smtpd", "cleanup", "qmgr")),
        ("postfix-pre", ("smtp", "cleanup", "qmgr")),
    ):
        killed: list[int] = []

        def act(service: str = service, names: tuple[str, ...] = names, killed: list[int] = killed) -> None:
            rest(0.5)
            victims = [pid for name in names for pid in named(stage.init(service), name)]
            with stage.wire.lasting(f"OOM in {service}"):
                out_of_memory(stage, service, victims)
            killed += [pid for pid in victims if not command(pid)]

        result = stage.play("30", f"OOM kill in {service}", act=act, count=count, **SLOW)
        if not killed:
            result.complaints.append("nobody was killed")
        yield result
        stage.wait_for_workers()

    def starve() -> None:
        with few_descriptors(stage, stage.workers(), 2):
            rest(LASTS_S)

    yield _unseen(stage.play("30", f"filter without descriptors {LASTS_S:g} s", act=starve, count=count, **SLOW))


def _unseen(result: Result) -> Result:
    """Complain when the client noticed a fault behind gate 1."""
    if result.client.get("deferred") or result.client.get("lost_connection"):
        result.complaints.append("the client noticed")
    return result


def _nothing_bounced(result: Result) -> Result:
    if result.verdict.bounced:
        result.complaints.append(f"{result.verdict.bounced} bounced")
    return result
