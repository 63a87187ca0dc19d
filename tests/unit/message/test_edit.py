"""Splices change what they name and nothing else."""

import mmap
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.content import MAX_CHUNK
from gateway.message.edit import Overlap, Splice, apply, in_order


@st.composite
def apart(draw):
    """Draw a content and splices that do not overlap, in any order."""
    content = draw(st.binary(max_size=60))
    places = sorted(
        draw(st.lists(st.integers(0, len(content)), max_size=8).filter(lambda places: len(places) % 2 == 0))
    )
    splices = [
        Splice(start, stop, draw(st.binary(max_size=5))) for start, stop in zip(places[::2], places[1::2], strict=True)
    ]
    return content, draw(st.permutations(splices))


def naive(content, splices):
    """Make the splices one by one, from the last to the first; of those at one place the last given goes first."""
    numbered = sorted(enumerate(splices), key=lambda pair: (pair[1].start, pair[1].stop, pair[0]), reverse=True)
    for _, splice in numbered:
        content = content[: splice.start] + splice.octets + content[splice.stop :]
    return content


@given(apart())
def test_apply_equals_a_naive_reference(drawn):
    """For any splices apart from each other, in whatever order they are given."""
    content, splices = drawn
    assert b"".join(apply(content, splices)) == naive(content, splices)


@given(apart())
def test_apply_changes_nothing_outside_the_splices(drawn):
    """What lies between two of them is there, in order, to the octet."""
    content, splices = drawn
    made, place, at = b"".join(apply(content, splices)), 0, 0
    for splice in in_order(splices):
        kept = content[place : splice.start]
        assert made[at : at + len(kept)] == kept
        at += len(kept)
        assert made[at : at + len(splice.octets)] == splice.octets
        at += len(splice.octets)
        place = splice.stop
    assert made[at:] == content[place:]


@given(st.binary(max_size=40))
def test_apply_without_splices_is_the_content(content):
    """P3: what no policy asked to change."""
    assert b"".join(apply(content, [])) == content


def test_apply_inserts_at_one_place_in_the_order_given():
    """Before what is replaced there."""
    splices = [Splice(2, 2, b"A"), Splice(2, 4, b"X"), Splice(2, 2, b"B")]
    assert b"".join(apply(b"012345", splices)) == b"01ABX45"


def test_apply_gives_slices_of_bounded_size():
    """Whatever is large: what stays, and what is put in; none is empty."""
    slices = list(apply(b"x" * 200_000, [Splice(0, 0, b"y" * 200_000), Splice(100_000, 100_001, b"")]))
    assert b"".join(slices) == b"y" * 200_000 + b"x" * 199_999
    assert all(0 < len(octets) <= MAX_CHUNK for octets in slices)


def test_apply_on_a_file_is_the_same():
    """A large message is a map of one."""
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789")
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            assert b"".join(apply(content, [Splice(3, 5, b"x")])) == b"012x56789"


@pytest.mark.parametrize(
    "splices",
    [
        [Splice(0, 5, b"a"), Splice(4, 6, b"b")],
        [Splice(0, 5, b"a"), Splice(0, 5, b"a")],
        [Splice(0, 5, b""), Splice(2, 2, b"b")],
        [Splice(2, 3, b"a"), Splice(0, 9, b"")],
        [Splice(0, 5, b""), Splice(0, 5, b"a")],
    ],
)
def test_apply_two_that_change_the_same_octets_are_refused(splices):
    """Before anything is given, in either order."""
    for order in (splices, splices[::-1]):
        with pytest.raises(Overlap):
            apply(b"0123456789", order)


@pytest.mark.parametrize(
    ("splices", "left"),
    [
        ([Splice(2, 5, b""), Splice(2, 5, b"")], b"0156789"),
        ([Splice(2, 5, b""), Splice(4, 7, b"")], b"01789"),
        ([Splice(2, 9, b""), Splice(3, 4, b""), Splice(8, 9, b"")], b"019"),
        ([Splice(2, 5, b""), Splice(5, 7, b""), Splice(5, 5, b"x")], b"01x789"),
        ([Splice(3, 3, b""), Splice(2, 5, b"x")], b"01x56789"),
    ],
)
def test_apply_what_two_remove_is_removed_once(splices, left):
    """Two checks that drop forged copies of one field must not stop the message."""
    for order in (splices, splices[::-1]):
        assert b"".join(apply(b"0123456789", order)) == left


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2)])
def test_splice_that_runs_backwards_is_refused(start, stop):
    """It would give octets twice."""
    with pytest.raises(ValueError, match="splice from"):
        Splice(start, stop, b"")


def test_apply_splice_beyond_the_end_is_refused():
    """Made for another content."""
    with pytest.raises(ValueError, match="beyond the 10 octets"):
        apply(b"0123456789", [Splice(9, 11, b"")])
    assert b"".join(apply(b"0123456789", [Splice(10, 10, b"x")])) == b"0123456789x"
