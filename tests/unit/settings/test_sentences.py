"""What pydantic refuses, in plain words: the sentences are in tests/golden; here is that none is missing."""

import pytest
from pydantic import ValidationError

from gateway.settings.models import Settings
from gateway.settings.sentences import field_at, problem

VALUES = [True, 7, -1, 2**70, 1.5, float("nan"), "", "x", [], [7], ["x"], {}, {"x": 7}, {"x": {}}, [[]], [{}]]


@pytest.mark.parametrize("table", [field.alias or name for name, field in Settings.model_fields.items()])
def test_every_error_of_every_table_has_a_sentence(table):
    """No message speaks of validators, instances or Python types."""
    for value in VALUES:
        for inner in (value, {"default": value}, {"a.test": value}, [value], *({name: value} for name in NAMES)):
            try:
                Settings.model_validate({table: inner})
            except ValidationError as error:
                for details in error.errors():
                    text = problem(details).text
                    assert "expected" in text
                    assert not any(
                        word in text for word in ("nput should", "instance of", "validator", "Python", "None")
                    )


NAMES = [
    "headers",
    "groups",
    "patterns",
    "spam_score",
    "command",
    "tag",
    "verdicts",
    "archive_url",
    "selector",
    "hostname",
    "addresses",
    "reject",
    "lists",
    "hosts",
    "zones",
    "list",
    "workers",
    "reply_timeout",
    "format",
]


@pytest.mark.parametrize(
    ("path", "beginning"),
    [
        (("gateway", "hostname"), "Name of gate 1"),
        (("listen", "x", "filter"), "false hands"),
        (("patterns", 0, "action"), "reject, hold"),
        (("checks", "headers", "timeout"), "How long"),
        (("checks", "headers", "patterns", 3, "pattern"), "RE2"),
        (("checks", "command", "own", "program"), "File in"),
        (("policies", "x", "tag", "subject_prefix"), "Put before"),
        (("lists", "talk@x.test", "link"), "footer also"),
        (("mailboxes", "list"), "Each gets"),
        (("domains", "a.test", "recipient_list"), "For recipients"),
    ],
)
def test_field_at_finds_the_description(path, beginning):
    """The model is the one place that says what a key means."""
    assert field_at(path).description.startswith(beginning)


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("x",),
        ("gateway", "x"),
        ("listen", "x", "y"),
        ("schema", "x", "y"),
        ("checks", "headers", "patterns", 0, "x"),
    ],
)
def test_field_at_an_unknown_path_is_none(path):
    """An unknown key has no description."""
    assert field_at(path) is None
