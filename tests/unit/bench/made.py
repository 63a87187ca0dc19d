"""Measurements made up for the tests."""

from tests.bench.figures import LARGE, SMALL, Measurement


def one(number: int, variant: str, rate: float, *, octets: int = SMALL, filter_ms: float = 0.3) -> Measurement:
    """Make up a measurement of 1000 messages at a rate per second."""
    inner = {"gate 1": 2.0, "filter": filter_ms, "gate 2": 1.5}
    cpu_ms = inner if variant in "bcdfg" else {"server": 2.0}
    return Measurement(number, variant, octets, 1000, 1000 / rate, 500 / rate, 0.5, cpu_ms)


ROUNDS = [
    one(number, variant, rate * slow, octets=octets)
    for number, slow in ((1, 1.0), (2, 0.5), (3, 0.8))
    for variant, rate in (("a", 400.0), ("b", 200.0), ("c", 190.0), ("f", 160.0), ("d", 25.0), ("e", 90.0))
    for octets in (SMALL, LARGE)
] + [one(number, "g", rate) for number, rate in ((1, 240.0), (2, 190.0), (3, 230.0))]
