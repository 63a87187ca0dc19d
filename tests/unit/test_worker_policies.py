"""The policies of the worker's settings file."""

import pytest

from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Outcome
from gateway.worker_policies import policies, strings, table, text

DEFAULT = {"default": {"checks": []}}
AWAY = "redirect:abuse@example.test"


def test_policies_short_form_has_the_defaults():
    """What is left out is as in the one file: hold from outside, reject from inside."""
    assert policies(DEFAULT) == {"default": Policy("default")}


def test_policies_all_keys():
    """Verdicts hold for both directions, those of inside go before them there."""
    strict = {
        "checks": ["gtube", "clamav"],
        "outside": "tag",
        "inside": AWAY,
        "verdicts": {"clamav": "discard", "gtube.gtube": "redirect:[192.0.2.1]:25"},
        "verdicts_inside": {"clamav": "reject"},
        "on_error": {"gtube": "pass", "clamav": "hold"},
        "tag_fields": {"X-Spam": "yes", "X-Why": ""},
        "subject_prefix": "[SPAM]",
    }
    door = Outcome(Action.REDIRECT, "[192.0.2.1]:25")
    assert policies(DEFAULT | {"strict": strict})["strict"] == Policy(
        "strict",
        ("gtube", "clamav"),
        Judgement(Outcome(Action.TAG), {"clamav": Outcome(Action.DISCARD), "gtube.gtube": door}),
        Judgement(
            Outcome(Action.REDIRECT, "abuse@example.test"), {"clamav": Outcome(Action.REJECT), "gtube.gtube": door}
        ),
        {"gtube": Action.PASS, "clamav": Action.HOLD},
        (("X-Spam", "yes"), ("X-Why", "")),
        "[SPAM]",
    )


KEYS = "checks, and of the other keys "
KEYS += "inside, on_error, outside, subject_prefix, tag_fields, verdicts, verdicts_inside"
OUTCOME = "one of pass, tag, redirect, hold, defer, reject, discard, with :TARGET behind redirect"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], "a table"),
        ({}, KEYS),
        ({"check": []}, KEYS),
        ({"checks": "gtube"}, "a list of names in checks"),
        ({"checks": [1]}, "a list of names in checks"),
        ({"checks": [""]}, "a list of names in checks"),
        ({"checks": [], "outside": "drop"}, OUTCOME),
        ({"checks": [], "outside": 1}, "text"),
        ({"checks": [], "inside": "redirect"}, OUTCOME),
        ({"checks": [], "inside": "redirect:"}, OUTCOME),
        ({"checks": [], "inside": "hold:a@x.test"}, OUTCOME),
        ({"checks": [], "inside": "redirect:a@x.test>\r\nRCPT TO:<b@x.test"}, OUTCOME),
        ({"checks": [], "inside": "redirect:a b@x.test"}, OUTCOME),
        ({"checks": [], "verdicts": {"gtube": "drop"}}, OUTCOME),
        ({"checks": [], "verdicts": []}, "a table of verdicts"),
        ({"checks": [], "on_error": {"gtube": "reject"}}, "defer, pass or hold in on_error"),
        ({"checks": [], "on_error": {"gtube": "nonesuch"}}, "defer, pass or hold in on_error"),
        ({"checks": [], "on_error": {"gtube": []}}, "text"),
        ({"checks": [], "tag_fields": {"X-A": "b\r\nBcc: c"}}, "printable ASCII in tag_fields and subject_prefix"),
        ({"checks": [], "tag_fields": {"X-A\n": "b"}}, "printable ASCII in tag_fields and subject_prefix"),
        ({"checks": [], "subject_prefix": "[Ü]"}, "printable ASCII in tag_fields and subject_prefix"),
    ],
)
def test_policies_what_does_not_fit_is_refused(keys, expected):
    """With what was expected, and in which policy."""
    with pytest.raises(ValueError, match="in policy strict") as refused:
        policies(DEFAULT | {"strict": keys})
    assert str(refused.value) == f"{expected} in policy strict"


@pytest.mark.parametrize("value", [[], "default", {}, {"strict": {"checks": []}}])
def test_policies_without_default_are_refused(value):
    """Gate 1 asks for it where it names none."""
    with pytest.raises(ValueError, match="tables, with one named default"):
        policies(value)


def test_readers_of_plain_values():
    """They give what they take, or say what they wanted."""
    assert (text("x"), strings(["x"], "names"), table({"x": 1}, "a table")) == ("x", ["x"], {"x": 1})
    for read in (lambda: text(1), lambda: strings("x", "names"), lambda: table("x", "a table")):
        with pytest.raises(ValueError, match=r"^(text|names|a table)$"):
            read()
