"""The registry of checks."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import gateway.check
from gateway.check import registry
from gateway.check.registry import KINDS, Kind, kind_of, make
from gateway.settings.checks import Checks, Command

BESIDE_CHECKS = {"__init__", "registry", "base", "run"}


def test_checks_are_named_as_their_files():
    """File name = name in the configuration; a module may have helpers in modules named after it."""
    files = {path.stem for path in Path(gateway.check.__file__).parent.glob("*.py")} - BESIDE_CHECKS
    assert set(KINDS) <= files
    assert all(kind.options.__module__ == f"gateway.check.{name}" for name, kind in KINDS.items())


def test_options_are_frozen_dataclasses():
    """One check serves all messages, so nothing of it changes."""
    for kind in KINDS.values():
        assert is_dataclass(kind.options)
        assert kind.options.__dataclass_params__.frozen
        assert "timeout_s" not in {field.name for field in fields(kind.options)}


def test_make_gives_the_check_with_its_time():
    """And takes its name from the policy."""
    made = make("gtube", {"timeout_s": 2})
    assert (made.name, made.timeout_s, made.edits) == ("gtube", 2.0, False)


# Settings under which a check reports all it knows.
ALL = {
    "attachments": {"groups": {"office": ["docm"]}, "mismatch": True, "encrypted": True, "archives": True},
    "body": {"patterns": [{"name": "casino", "pattern": "x"}], "incomplete": True},
    "clamav": {"encrypted": True},
    "headers": {"patterns": [{"name": "casino", "pattern": "x"}, {"name": "other", "pattern": "y"}]},
    "structure": {"ignore": ()},
}
DOCS = Path(__file__).parents[3] / "docs" / "checks"
OF_SETTINGS = {"attachments": {"office"}, "body": {"casino"}, "headers": {"casino", "other"}}


def quoted(text):
    """Give the names in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("kind", KINDS)
def test_reported_is_what_the_page_of_the_check_explains(kind):
    """Each reason that is not of the settings stands there, and the table of findings has no other."""
    page = DOCS / ("README.md" if kind == "gtube" else f"{kind}.md")
    own = KINDS[kind].reported(ALL.get(kind, {})) - OF_SETTINGS.get(kind, set())
    told = quoted(page.read_text("utf-8"))
    assert own <= {name.rpartition(".")[2] for name in told}
    rows = re.findall(r"^\| (`[^|]*`) \|", page.read_text("utf-8"), re.MULTILINE)
    assert {name.removeprefix(f"{kind}.") for name in quoted(" ".join(rows)) if "<" not in name} <= own


@pytest.mark.parametrize(
    ("kind", "keys", "reasons"),
    [
        ("attachments", ALL["attachments"] | {"mismatch": False}, {"mismatch"}),
        ("attachments", ALL["attachments"] | {"encrypted": False}, {"encrypted"}),
        ("attachments", ALL["attachments"] | {"archives": False}, {"encrypted", "bomb", "unreadable", "traversal"}),
        ("attachments", ALL["attachments"] | {"groups": {}}, {"office"}),
        ("body", ALL["body"] | {"patterns": []}, {"casino"}),
        ("body", ALL["body"] | {"incomplete": False}, {"incomplete"}),
        ("clamav", {"encrypted": False}, {"encrypted"}),
        ("headers", {"patterns": ALL["headers"]["patterns"][:1]}, {"other"}),
        ("structure", {"ignore": ["unclosed"]}, {"unclosed"}),
    ],
)
def test_reported_leaves_out_what_the_settings_switch_off(kind, keys, reasons):
    """A verdict about it would never be asked for."""
    assert KINDS[kind].reported(ALL[kind]) - KINDS[kind].reported(keys) == reasons


@pytest.mark.parametrize("kind", KINDS)
def test_reported_understands_the_settings(kind):
    """Of each check as it is by default, and as gateway.toml has it."""
    model = {"command": Command(program="own")}.get(kind) or Checks().named(kind)
    assert KINDS[kind].reported(model.model_dump()) or kind in ("headers", "body")


@pytest.mark.parametrize(("name", "kind"), [("gtube", "gtube"), ("command:my-own", "command")])
def test_kind_of_several_programs_is_one(name, kind):
    """Only command has instances."""
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("name", "table", "expected"),
    [
        ("nonesuch", {"timeout_s": 1}, f"one of {', '.join(KINDS)}"),
        ("gtube", {}, "timeout_s in seconds, above 0 and below a day"),
        ("gtube", {"timeout_s": 0}, "timeout_s in seconds, above 0 and below a day"),
        ("gtube", {"timeout_s": "1"}, "timeout_s in seconds, above 0 and below a day"),
        ("gtube", {"timeout_s": float("nan")}, "timeout_s in seconds, above 0 and below a day"),
        ("gtube", {"timeout_s": 1, "size": 2}, "the keys of gtube (Options.__init__() got an unexpected keyword"),
    ],
)
def test_make_what_does_not_fit_is_refused(name, table, expected):
    """With what was expected."""
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}"):
        make(name, table)


def test_make_edits_is_told_by_the_options(monkeypatch):
    """Such a check runs before the others."""

    class Options:
        def __init__(self, *, edits):
            self.edits = edits

    monkeypatch.setitem(registry.KINDS, "command", Kind(Options, lambda name, options: (name, options.edits), set))
    made = make("command:x", {"timeout_s": 1, "edits": True})
    assert (made.name, made.check, made.edits) == ("command:x", ("command:x", True), True)
