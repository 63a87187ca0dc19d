"""Rules about findings: where they begin to object; the whole messages are in tests/golden/bad-verdicts."""

import pytest


def verdict(check: str, reason: str) -> dict:
    """Set a policy with one check and one verdict about it."""
    return {"policies__default": {"checks": [check], "verdicts": {f"{check}.{reason}".rstrip("."): "hold"}}}


FINE = {
    "a prefix and another field": {"policies__default__tag": {"fields": {"X-Subject": "s"}, "subject_prefix": "[S]"}},
    "a Subject and no prefix": {"policies__default__tag": {"fields": {"Subject": "s"}}},
    "a pattern of our own": {
        "checks__headers": {"patterns": [{"name": "casino", "pattern": "x"}]},
        **verdict("headers", "casino"),
    },
    "a group of our own": {"checks__attachments": {"groups": {"office": ["docm"]}}, **verdict("attachments", "office")},
    "a group there is by default": verdict("attachments", "macro"),
    "what clamd cannot look into, where it is asked for": {
        "checks__clamav__encrypted": True,
        **verdict("clamav", "encrypted"),
    },
    "a finding that is no longer ignored": {"checks__structure__ignore": [], **verdict("structure", "unclosed")},
    "a program by name": {"checks__command": {"own": {"program": "own"}}, **verdict("command:own", "rejected")},
    "all findings of a check": verdict("rspamd", ""),
}
BAD = {
    "a verdict about an error": (
        {"policies__default": {"checks": ["gtube"], "verdicts": {"gtube.error": "hold"}}},
        "policies.default.verdicts.gtube.error",
    ),
    "inside as well": (
        {"policies__default": {"checks": ["gtube"], "verdicts_inside": {"gtube.error": "hold"}}},
        "policies.default.verdicts_inside.gtube.error",
    ),
    "a verdict about what always defers": (
        {"checks__command": {"own": {"program": "own"}}, **verdict("command:own", "tempfail")},
        "policies.default.verdicts.command:own.tempfail",
    ),
    "a misspelt reason inside": (
        {"policies__default": {"checks": ["gtube"], "verdicts_inside": {"gtube.gtub": "hold"}}},
        "policies.default.verdicts_inside.gtube.gtub",
    ),
    "a reason of a check that the policy does not have": (
        {"policies__default": {"checks": ["gtube"], "verdicts": {"urls.listened": "hold"}}},
        "policies.default.verdicts.urls.listened",
    ),
    "a reason of a check that is not there": (
        {"policies__default": {"checks": ["gtub"], "verdicts": {"gtub.gtube": "hold"}}},
        "policies.default.checks.0",
    ),
    "what is switched off": (
        {"checks__attachments__mismatch": False, **verdict("attachments", "mismatch")},
        "policies.default.verdicts.attachments.mismatch",
    ),
    "what only archives have, where none is looked into": (
        {"checks__attachments__archives": False, **verdict("attachments", "encrypted")},
        "policies.default.verdicts.attachments.encrypted",
    ),
    "what is ignored": (verdict("structure", "unclosed"), "policies.default.verdicts.structure.unclosed"),
    "nothing there is, to be ignored": (
        {"checks__structure__ignore": ["unclosed", "unopened"]},
        "checks.structure.ignore.1",
    ),
    "Subject replaced and prefixed": (
        {"policies__default__tag": {"fields": {"SUBJECT": "s"}, "subject_prefix": "[S]"}},
        "policies.default.tag.fields.SUBJECT",
    ),
}


@pytest.mark.parametrize("changes", FINE.values(), ids=FINE)
def test_rules_have_nothing_against(found, changes):
    """What a file may well say."""
    assert found(**changes) == []


@pytest.mark.parametrize(("changes", "path"), BAD.values(), ids=BAD)
def test_rules_object_to(found, changes, path):
    """One mistake is one problem, at the key that has to change."""
    assert [where for where, _text in found(**changes)] == [path]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            verdict("clamav", "virsu"),
            'clamav reports no "virsu", as [checks.clamav] has it; expected one of limits, virus (did you mean virus?)',
        ),
        (
            {"checks__command": {"own": {"program": "own"}}, **verdict("command:own", "failed")},
            'command:own reports no "failed", as [checks.command.own] has it; expected one of rejected',
        ),
        (
            verdict("body", "casino"),
            'body reports no "casino", as [checks.body] has it; expected a name that is given there',
        ),
    ],
)
def test_reason_that_is_not_reported_is_told_with_those_that_are(found, changes, text):
    """As the check's settings have them, and with the one that was probably meant."""
    assert [what for _where, what in found(**changes)] == [text]
