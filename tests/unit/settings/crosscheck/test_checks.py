"""Rules about checks: where they begin to object; the whole messages are in tests/golden/bad-verdicts."""

import pytest

from gateway.message.verdict import ERROR, TEMPFAIL
from gateway.settings import checks as models
from gateway.settings.crosscheck import checks as rules

PATTERN = {"pattern": "x"}
FINE = {
    "two patterns for one finding": {"checks__body__patterns": [PATTERN | {"name": "a"}] * 2},
    "one name in two checks": {
        "checks__headers__patterns": [PATTERN | {"name": "a"}],
        "checks__body__patterns": [PATTERN | {"name": "a"}],
    },
    "a name that begins so": {"checks__body__patterns": [PATTERN | {"name": "errors"}]},
    "a prefix and another field": {"policies__default__tag": {"fields": {"X-Subject": "s"}, "subject_prefix": "[S]"}},
    "a Subject and no prefix": {"policies__default__tag": {"fields": {"Subject": "s"}}},
}
BAD = {
    "a pattern called error": (
        {"checks__headers__patterns": [PATTERN | {"name": "a"}, PATTERN | {"name": "error"}]},
        "checks.headers.patterns.1.name",
    ),
    "a group called tempfail": (
        {"checks__attachments__groups": {"tempfail": ["exe"]}},
        "checks.attachments.groups.tempfail",
    ),
    "a group called error": ({"checks__attachments__groups": {"error": ["exe"]}}, "checks.attachments.groups.error"),
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


def test_every_name_of_the_file_is_looked_at():
    """A check with patterns of its own joins _names()."""
    named = {name for name, field in models.Checks.model_fields.items() if hasattr(field.default, "patterns")}
    assert named == {"headers", "body"}
    assert set(rules.KEPT) == {ERROR, TEMPFAIL}


@pytest.mark.parametrize("address", ["scanner:3310", "198.18.25.208:3310", "198.18.25.223:1", "my-clamd.lan.test:3310"])
def test_scanner_on_the_scanners_network_is_fine(found, address):
    """By the alias of a container, or an address that Docker hands out there."""
    assert found(checks__clamav__address=address) == []


@pytest.mark.parametrize(
    "address",
    ["192.0.2.7:3310", "[2001:db8::7]:3310", "198.18.25.176:3310", "198.18.25.207:3310", "198.18.25.224:3310"],
)
def test_scanner_elsewhere_is_out_of_reach(found, address):
    """The filter has no route out: each message would be deferred until it expires."""
    expected = (
        f'"{address}" is out of the filter\'s reach; expected a container on the network scanners, by its alias or '
        "an address of 198.18.25.208/28"
    )
    assert found(checks__clamav__address=address) == [("checks.clamav.address", expected)]


@pytest.mark.parametrize("name", ["error", "tempfail"])
def test_pattern_named_as_a_failure_is_refused(found, name):
    """Its findings would be taken for the check's own."""
    expected = f'"{name}" has a meaning of its own for every check; expected another name'
    for kind in ("headers", "body"):
        path = f"checks.{kind}.patterns.1.name"
        patterns = [{"name": "fine", "pattern": "x"}, {"name": name, "pattern": "x"}]
        assert found(**{f"checks__{kind}": {"patterns": patterns}}) == [(path, expected)]
    groups = {"groups": {name: ["exe"]}}
    assert found(checks__attachments=groups) == [(f"checks.attachments.groups.{name}", expected)]
