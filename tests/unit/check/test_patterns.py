"""The operator's patterns."""

import pytest

from gateway.check.patterns import MAX_PIECE, Patterns, anchored


def found(patterns, text):
    """Give what is found."""
    return dict(Patterns(patterns).search(text))


def test_search_gives_each_pattern_that_is_there_and_what_matched():
    """Case-insensitive, anywhere."""
    patterns = [("one", "v[i1]agra"), ("two", "casino"), ("three", "$million")]
    assert found(patterns, b"buy V1AGRA at the Casino") == {"one": "V1AGRA", "two": "Casino"}


def test_search_text_is_utf_8():
    """A dot is a character."""
    assert found([("umlaut", "m.nchen")], "München".encode()) == {"umlaut": "München"}


def test_search_piece_is_short():
    """What matched may be a whole message."""
    assert found([("all", ".*")], "ä".encode() * 1_000) == {"all": "ä" * MAX_PIECE}


@pytest.mark.parametrize("pattern", ["(", r"\1", "(?=a)", "a**"])
def test_patterns_unknown_to_re2_are_refused(pattern):
    """With the name of the one that is bad."""
    with pytest.raises(ValueError, match=r"a pattern that RE2 knows: bad: "):
        Patterns([("good", "a"), ("bad", pattern)])


def test_patterns_too_large_together_are_searched_one_by_one():
    """Each fits its limit, all of them do not."""
    large = [(f"n{number}", f"{number}.{{1000}}") for number in range(100)]
    patterns = Patterns([*large, ("small", "abc")])
    assert patterns._any is None
    assert dict(patterns.search(b"abc")) == {"small": "abc"}


@pytest.mark.parametrize("bomb", ["(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*a){20}b", "(a{1,100}){1,9}b"])
def test_search_regex_bomb_is_over_at_once(bomb):
    """What takes a backtracking engine longer than the universe: a megabyte, with the match just not there."""
    assert found([("bomb", bomb)], b"a" * 1_000_000 + b"!") == {}


def test_no_patterns_are_false():
    """So that nothing is decoded for them."""
    assert not Patterns([])
    assert Patterns([("a", "a")])


@pytest.mark.parametrize(
    ("pattern", "is_anchored"),
    [("^re:", True), ("x$", True), (r"\Ax", True), (r"x\z", True), ("[^a]", False), (r"\$5", False), (r"\^", False)],
)
def test_anchored_knows_what_looks_at_the_ends(pattern, is_anchored):
    """Not a negated class, not an escaped sign."""
    assert anchored(pattern) is is_anchored
