"""Comments in fields."""

import pytest

from gateway.message.comments import without_comments


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plain", "plain"),
        ("a(b)c", "ac"),
        ("(a (nested) one)b", "b"),
        ("a(\\) still)b", "ab"),
        ('a(")b', "ab"),
        ('"(a)"(b)', '"(a)"'),
        ('"\\"(a)"(b)', '"\\"(a)"'),
        ("a)b(c)", "a)b"),
        ("a(b", "a"),
        ("a(b(c)", "a"),
        ("", ""),
    ],
)
def test_without_comments_leaves_what_means_something(text, left):
    """Nested, with quoted pairs, never closed; in quotes parentheses are none."""
    assert without_comments(text) == left


def test_without_comments_something_may_stand_instead():
    """So that what stands on either side does not become one word."""
    assert without_comments("a(b(c))d(e)", " ") == "a d "


@pytest.mark.parametrize("value", ["(" * 16_000, ")" * 16_000, "\\" * 16_000, '"(' * 8_000])
def test_without_comments_is_linear(value):
    """Nesting costs nothing."""
    assert set(without_comments(value * 50)) <= set(value)
