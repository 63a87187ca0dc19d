"""tests/bench/machine.py: how busy the processors are."""

import pytest

from tests.bench.machine import busy_share


def test_busy_share_counts_all_but_idle_and_iowait():
    """Of 100 ticks, 50 idle and 25 waiting for a disk: a quarter was used."""
    before = "cpu  100 0 100 1000 200 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    after = "cpu  115 0 110 1050 225 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert busy_share(before, after) == pytest.approx(0.25)


def test_busy_share_of_no_time_is_nothing():
    """Two readings in the same tick."""
    line = "cpu  1 2 3 4 5 6 7 8 0 0\n"
    assert busy_share(line, line) == 0.0
