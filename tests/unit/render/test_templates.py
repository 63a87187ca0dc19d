"""How templates are filled."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest

import gateway.render
from gateway.render.templates import fill

TEMPLATES = sorted((Path(gateway.render.__file__).parent / "templates").rglob("*.j2"))


def test_fill_writes_values_as_they_are():
    """Nothing is escaped, and the line end at the end of the file stays."""
    text = fill("verified_domains", {"verified": ["a.test", "b.test"]})
    assert text.endswith("\na.test reject_unverified_recipient\nb.test reject_unverified_recipient\n")


def test_fill_does_not_fill_a_value():
    """A value that looks like a template is text."""
    assert "\n{{7*7}} reject" in fill("verified_domains", {"verified": ["{{7*7}}"]})


def test_fill_without_a_value_is_an_error():
    """A name that a template uses and nobody gives is a bug, never an empty string in a daemon's file."""
    with pytest.raises(jinja2.UndefinedError, match="'verified' is undefined"):
        fill("verified_domains", {})


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_templates_hold_no_logic(template):
    """Only `for` and `if`: no macros, filters that compute, or includes."""
    text = template.read_text(encoding="utf-8")
    assert set(re.findall(r"{%-? *(\w+)", text)) <= {"for", "endfor", "if", "else", "elif", "endif"}
    assert set(re.findall(r"\| *(\w+)", "".join(re.findall(r"{{.*?}}", text)))) <= {"join"}
