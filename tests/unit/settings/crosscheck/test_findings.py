"""Rules about findings: where they begin to object; the whole messages are in tests/golden/bad-verdicts."""

import pytest

FINE = {
    "a prefix and another field": {"policies__default__tag": {"fields": {"X-Subject": "s"}, "subject_prefix": "[S]"}},
    "a Subject and no prefix": {"policies__default__tag": {"fields": {"Subject": "s"}}},
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
