"""tests/bench/figures.py: medians with their range, ratios in pairs."""

import pytest

from tests.bench.figures import LARGE, SMALL, Figure, cpu, rate, ratio, wishes
from tests.unit.bench.made import ROUNDS, one


def test_figure_is_median_with_range():
    """One slow round moves the range and not the median."""
    assert Figure.of([3.0, 1.0, 2.5]) == Figure(2.5, 1.0, 3.0, 3)


def test_figure_of_nothing_is_refused():
    """No measurement is not zero."""
    with pytest.raises(ValueError, match="no measurement"):
        Figure.of([])


def test_rate_is_messages_by_seconds_to_the_sink():
    """Not to the last 250, which comes before."""
    assert rate([one(1, "c", 200.0)], "c", SMALL).median == pytest.approx(200.0)


def test_ratio_is_taken_within_each_round():
    """A round at half speed slows both of a pair; quotients of its extremes would say 0.475 to 1.9."""
    figure = ratio(ROUNDS, ("c", "b"), SMALL)
    assert (figure.low, figure.median, figure.high) == pytest.approx((0.95, 0.95, 0.95))


def test_ratio_leaves_out_a_round_with_one_of_the_pair():
    """A run that was cut off has such a round."""
    figure = ratio([*ROUNDS, one(4, "c", 1.0)], ("c", "b"), SMALL)
    assert figure.rounds == 3


def test_cpu_is_of_a_part_or_of_all():
    """The filter's own, and with both gates."""
    assert cpu(ROUNDS, "c", LARGE, "filter").median == pytest.approx(0.3)
    assert cpu(ROUNDS, "c", LARGE).median == pytest.approx(3.8)


def test_wishes_say_what_is_granted():
    """At least for speed, at most for processor time."""
    granted = {(wish.what, wish.octets): wish.granted for wish in wishes(ROUNDS)}
    assert granted[("c / b", SMALL)] and granted[("c / d", SMALL)] and granted[("c / e", LARGE)]
    assert not granted[("c / a", SMALL)]  # 0.475
    assert granted[("filter CPU, ms per message", SMALL)]
    assert granted[("f / c", SMALL)] and granted[("f / c", LARGE)]  # 0.84
    assert granted[("g, messages/s", SMALL)] and ("g, messages/s", LARGE) not in granted


def test_wishes_are_not_granted_to_a_filter_that_serialises():
    """One message at a time behind a scanner of 200 ms are five a second."""
    found = {wish.what: wish.granted for wish in wishes([one(1, "g", 5.0), one(1, "c", 200.0), one(1, "f", 150.0)])}
    assert not found["g, messages/s"] and not found["f / c"]


def test_wishes_of_a_run_without_a_variant_leave_it_out():
    """Nothing is said of what was not measured."""
    assert {wish.what for wish in wishes([one(1, "c", 200.0), one(1, "b", 200.0)])} == {
        "c / b",
        "filter CPU, ms per message",
    }
