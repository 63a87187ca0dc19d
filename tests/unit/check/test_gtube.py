"""GTUBE is found wherever it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.check.gtube import GTUBE, Gtube
from gateway.message.verdict import Finding

from ..hop import splits


def findings(slices):
    """Feed slices and finish."""
    check = Gtube()
    for data in slices:
        check.feed(data)
    return check.finish()


@pytest.mark.parametrize("size", [*range(1, len(GTUBE) + 2), 1000])
def test_feed_string_is_found_across_any_cut(size):
    """Slices shorter than the string, as long, longer."""
    assert findings(splits(b"a\r\n" + GTUBE + b"\r\n", [size])) == [Finding("gtube", "gtube")]


@given(st.integers(0, 200), st.lists(st.integers(1, 90), min_size=1, max_size=10), st.booleans())
def test_feed_any_split_equals_the_whole(padding, sizes, broken):
    """Found if and only if it is there."""
    data = b"X" * padding + (GTUBE[:-1] if broken else GTUBE) + b"y"
    assert findings(splits(data, sizes)) == findings([data])
    assert bool(findings([data])) is not broken


def test_feed_large_content_keeps_little():
    """Bounded, whatever passes by."""
    check = Gtube()
    for _ in range(100):
        check.feed(b"x" * 65_536)
    assert len(check._tail) < len(GTUBE)
    assert check.finish() == []
