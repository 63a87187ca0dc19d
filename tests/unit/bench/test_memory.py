"""tests/bench/memory.py: flat or growing."""

from tests.bench.memory import GROWTH_MIB, growth


def samples(*values: float) -> list[dict[str, float]]:
    """Make up samples."""
    return [{"messages": 1.0 * number, "rss_mib": value} for number, value in enumerate(values)]


def test_growth_leaves_the_first_quarter_out():
    """Until every pool and buffer is there, memory rises."""
    assert growth(samples(20, 30, 36, 37, 36, 37, 36, 37)) == 0


def test_growth_of_a_leak_is_more_than_is_allowed():
    """A kilobyte per message is 37 MiB from the second quarter to the last."""
    assert growth(samples(*(30 + 2.4 * number for number in range(20)))) > GROWTH_MIB
