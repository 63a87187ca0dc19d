"""The fuzz targets with their seeds, and for a moment with seeds changed at random; `make fuzz` takes longer."""

import random
from pathlib import Path

import pytest

from tests.fuzz.mutation import mutate
from tests.fuzz.targets import TARGETS

SEEDS = Path(__file__).parents[1] / "fuzz" / "seeds"
RUNS = 150


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_break_no_target(target):
    """Each input that was ever worth keeping."""
    for path in sorted((SEEDS / target).iterdir()):
        TARGETS[target](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_changed_seeds_break_no_target(target):
    """The same ones every time."""
    rng = random.Random(25)
    seeds = [path.read_bytes() for path in sorted((SEEDS / target).iterdir())]
    for _ in range(RUNS):
        data = mutate(rng, seeds)
        try:
            TARGETS[target](data)
        except Exception as error:
            error.add_note(f"input: {data!r}")
            raise
