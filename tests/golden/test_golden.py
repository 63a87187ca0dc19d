"""Every generated file, as it stands in the repository."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.golden.cases import CASES, HERE, rendered, write


@pytest.mark.parametrize("case", CASES)
def test_rendered_tree_equals_expected(case):
    """The tree is the one expected, file by file; nothing is missing and nothing more is there."""
    expected = HERE / case / "expected"
    tree = rendered(case)
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.rmtree(expected, ignore_errors=True)
        write(expected, tree)
    known = {str(path.relative_to(expected)): path for path in expected.rglob("*") if path.is_file()}
    assert sorted(tree) == sorted(known)
    for name, text in tree.items():
        assert text == known[name].read_text(encoding="utf-8"), name


def test_every_expected_tree_has_a_case():
    """No expected tree is left over from a case that is gone."""
    assert {path.parent.name for path in HERE.glob("*/expected")} == set(CASES)
