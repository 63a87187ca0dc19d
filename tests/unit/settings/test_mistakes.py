"""How paths and values are shown."""

import pytest

from gateway.settings.mistakes import Mistake, SettingsError, did_you_mean, dotted, shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", '"a"'),
        ("a\x1b[2J\x7f\n\u202e", '"a\\u001b[2J\\u007f\\n\\u202e"'),
        ("x" * 70, '"' + "x" * 60 + '..."'),
        ("mysql://gateway:hunter2@db.test/mail", '"mysql://gateway:...@db.test/mail"'),
        (True, "true"),
        (7, "7"),
        (10**4000, "that number"),
        (1.5, "1.5"),
        ([1], "a list"),
        ({}, "a table"),
    ],
)
def test_shown_is_short_and_printable(value, expected):
    """A hostile value cannot write control sequences to a terminal."""
    assert shown(value) == expected


def test_dotted_quotes_what_toml_quotes():
    """The key is shown as it can be searched for."""
    assert dotted(("domains", "corp.test", "recipient_list", 3)) == 'domains."corp.test".recipient_list'


def test_did_you_mean_stays_silent_without_a_close_name():
    """A wild guess is worse than none."""
    assert did_you_mean("hostnam", ["hostname", "subnet"]) == " (did you mean hostname?)"
    assert did_you_mean("zebra", ["hostname", "subnet"]) == ""


def test_settings_error_prints_one_line_per_mistake():
    """In the form that editors jump to."""
    error = SettingsError([Mistake("f", 1, 2, "a"), Mistake("g", 3, 4, "b")])
    assert str(error) == "f:1:2: a\ng:3:4: b"
