"""The hash of a canonical body: dkimpy's, whatever the slices."""

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.body_hash import BodyHash

LINES = st.lists(st.sampled_from([b"", b" ", b"\t \t", b"a", b"a b", b"a \t b  ", b"  a", b".", b"\xe9"]), max_size=12)


def hashed(body, sizes, **options):
    """Feed slices of these sizes, used in turn."""
    counter = BodyHash(**options)
    place, turn = 0, 0
    while place < len(body):
        counter.update(body[place : place + sizes[turn % len(sizes)]])
        place += sizes[turn % len(sizes)]
        turn += 1
    return counter.digest()


@given(LINES, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.booleans())
def test_digest_is_dkimpy_s_of_any_slices(lines, sizes, relaxed):
    """Whole = any split = byte by byte."""
    body = b"".join(line + b"\r\n" for line in lines)
    canonical = (Relaxed if relaxed else Simple).canonicalize_body(body)
    wanted = hashlib.sha256(canonical).digest()
    assert hashed(body, sizes, relaxed=relaxed) == wanted
    assert hashed(body, [1], relaxed=relaxed) == wanted
    assert hashed(body, [len(body) or 1], relaxed=relaxed) == wanted
    counter = BodyHash(relaxed=relaxed)
    counter.update(body)
    counter.digest()
    assert counter.octets == len(canonical)


@pytest.mark.parametrize(
    ("body", "relaxed", "canonical"),
    [
        (b"", False, b"\r\n"),
        (b"", True, b""),
        (b"\r\n\r\n", False, b"\r\n"),
        (b" \r\n\t\r\n", True, b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", False, b" C \r\nD \t E\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", True, b" C\r\nD E\r\n"),
        (b"no line end", True, b"no line end\r\n"),
        (b"no line end", False, b"no line end\r\n"),
    ],
)
def test_digest_examples_of_the_rfc(body, relaxed, canonical):
    """RFC 6376 sections 3.4.3 to 3.4.5."""
    assert hashed(body, [3], relaxed=relaxed) == hashlib.sha256(canonical).digest()


@pytest.mark.parametrize("body", [b" " * 4_000_000, b"\r\n" * 2_000_000, b" \r\n" * 1_000_000 + b"x"])
def test_digest_of_hostile_body_is_quick_and_small(body):
    """A quadratic pattern would not end; line ends held back are a number."""
    counter = BodyHash(relaxed=True)
    for place in range(0, len(body), 65_536):
        counter.update(body[place : place + 65_536])
        assert len(counter._rest) <= 2
    counter.digest()
