"""
No loss under SIGKILL, at each phase of the hop: the short form of `make test-faults` (docs/faults.md).

Each blow is struck in the middle of a batch of 200 messages; the verdict is that of tests/faults/oracle.py.  Beside
it, shorter, a connection that is cut behind the dot, a disk that fails and a next hop that refuses everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.disk import failing_on_demand
from tests.faults.rows_phases import FILTER_PHASES, cut_scan, kill_filter_at, kill_gate_1_at_c10
from tests.faults.rows_places import fail_call
from tests.faults.rows_storms import SENDERS, refuse_all
from tests.faults.stage import Result, Stage
from tests.stack.appliance import Appliance

GAP = ("c7", "c8", "c9", "c10")  # where the sender cannot know whether the dot was heard


@pytest.fixture(scope="module")
def stage(make_appliance: Callable[..., Appliance]) -> Iterator[Stage]:
    """Return an appliance with a proxy on each hop."""
    stage = Stage(make_appliance("under-fault"))
    stage.prepare()
    yield stage
    stage.close()


def assert_kept(result: Result) -> None:
    """Nothing lost, nothing altered, and no copy but those that the blow explains."""
    assert not result.complaints, result
    verdict = result.verdict
    assert verdict.acked == verdict.delivered == 200
    assert (verdict.lost, verdict.unmatched, verdict.altered) == ([], [], [])
    assert (verdict.bounced, verdict.queued) == (0, 0)


@pytest.mark.parametrize("phase", sorted(FILTER_PHASES))
def test_killed_worker_loses_nothing(stage: Stage, phase: str) -> None:
    """Every message arrives; one that the blow met past its dot arrives twice, which RFC 1047 calls unavoidable."""
    result = kill_filter_at(stage, phase, 200)
    assert_kept(result)
    assert (phase in result.verdict.duplicates) == (phase in GAP)


def test_killed_gate_1_delivers_again_what_it_had_not_noted(stage: Stage) -> None:
    """At c10 gate 1's client has read the 250 and dies before it says so: one copy more, no loss."""
    result = kill_gate_1_at_c10(stage, 200)
    assert_kept(result)
    assert "c10" in result.verdict.duplicates


def test_nothing_cancels_behind_the_dot(stage: Stage) -> None:
    """Gate 1 is cut off while gate 2 has the dot, or its 250 is on its way: gate 2 keeps the message all the same."""
    result = cut_scan(stage, "reset", ["c7", "c8"], 100)
    assert_kept(result)
    assert result.verdict.duplicates == {"c7": 1, "c8": 1}


def test_failed_fsync_is_never_answered_250(stage: Stage) -> None:
    """Gate 1's disk returns EIO for a while: its client hears 4xx at once, and what it was told 250 for arrives."""
    with failing_on_demand(stage, "postfix-pre"):
        result = fail_call(stage, "postfix-pre", "fsync")
    assert_kept(result)
    assert result.client["deferred"] > 0
    assert result.verdict.duplicates == {}


@pytest.mark.parametrize("who", SENDERS)
def test_refused_mail_makes_one_dsn_or_none(stage: Stage, who: str) -> None:
    """Everything ends, nothing loops: one DSN for a sender that takes it, none for <>, none that anybody refuses."""
    sender, dsns = SENDERS[who]
    result = refuse_all(stage, who, sender, dsns, 50)
    assert not result.complaints, result
    assert (result.verdict.lost, result.verdict.queued, result.verdict.bounced) == ([], 0, 50 * dsns)
