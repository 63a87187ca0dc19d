"""Text to TOML document."""

import pytest

from gateway.settings.document import control_characters, folded_twice, parse
from gateway.settings.mistakes import SettingsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = \n", "f:1:5: invalid value; expected text in quotes, true, false, a number or a list"),
        ("a = yes\n", "f:1:5: invalid value; expected text in quotes, true, false, a number or a list"),
        ("a\n", "f:1:2: expected '=' after a key in a key/value pair; expected key = value or [table]"),
        ('a = "b\n', "f:1:7: illegal character '\\n'; expected text in quotes on one line"),
        ('a = "b', "f:1:7: unterminated string; expected the closing quote"),
        ("a = 1\n  a = 2\n", "f:2:3: this key is given twice; expected it once"),
        ("[a]\n[a]\n", "f:2:3: this table is given twice; expected it once"),
        ("a = [1\n", "f:2:1: unclosed array; expected a comma or ] before this"),
        ("a = " + "[" * 17 + "]" * 17, "f:1:1: nested too deeply; expected plain tables and lists"),
        ("a" + ".a" * 2000 + " = 1", "f:1:1: nested too deeply; expected plain tables and lists"),
        ("a = " + "9" * 5000, "f:1:5005: a number of thousands of digits; expected a small one"),
    ],
)
def test_parse_of_what_is_not_toml_says_where(text, expected):
    """One mistake, with what would be right there."""
    with pytest.raises(SettingsError) as caught:
        parse("f", text)
    assert str(caught.value) == expected


def test_control_characters_are_found_in_keys_and_values_at_any_depth():
    """However they are escaped, they would reach a daemon's file as they are."""
    document = {"a\n": 1, "b": [{"c": "x\u202e"}, ["\x85"]], "d": "fine ü", "e": {"": "\u00a0"}}
    assert sorted((problem.path, problem.text.partition(" (")[0]) for problem in control_characters(document)) == [
        (("a\n",), "the key holds U+000A"),
        (("b", 0, "c"), "the value holds U+202E"),
        (("b", 1, 0), "the value holds U+0085"),
        (("e", ""), "the value holds U+00A0"),
    ]


def test_folded_twice_finds_keys_that_differ_in_case():
    """The later would silently replace the earlier."""
    document = {"domains": {"A.test": {}, "a.test": {}}, "dns": {"zones": {"b.test": "", "B.test": ""}}, "aliases": 3}
    assert [(problem.path, problem.other) for problem in folded_twice(document)] == [
        (("domains", "a.test"), ("domains", "A.test")),
        (("dns", "zones", "B.test"), ("dns", "zones", "b.test")),
    ]
