"""Change seeds at random: for runs without atheris, and for the short one among the unit tests."""

from __future__ import annotations

import random
from collections.abc import Sequence

TOKENS = (
    b"\r\n",
    b"\n",
    b"\r",
    b".",
    b"\0",
    b"\r\n.\r\n",
    b"DATA\r\n",
    b"RSET\r\n",
    b"<",
    b">",
    b"\xff",
    b"250 ",
    b"421 ",
)


def mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Take a seed and change, drop, insert or exchange a few pieces."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(data))
        stop = min(len(data), start + rng.choice((0, 0, 1, 5, 40)))
        other = rng.choice(seeds)
        cut = rng.randint(0, len(other))
        piece = rng.choice((b"", rng.choice(TOKENS), rng.randbytes(2), other[cut : cut + rng.randint(1, 60)]))
        data[start:stop] = piece
    return bytes(data)
