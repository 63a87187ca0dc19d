"""
The golden cases: a gateway.toml, and every file that must come of it, character by character.

    config/gateway.toml                      -> default/expected/
    config/examples/<name>/gateway.toml      -> <name>/expected/
    <name>/gateway.toml, here                -> <name>/expected/

After a change that is meant: UPDATE_GOLDEN=1 pytest tests/golden, then read `git diff tests/golden`.
"""

from __future__ import annotations

import os
from pathlib import Path

from gateway.render.compose import render_compose
from gateway.render.tree import Tree, render
from gateway.settings.load import load

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NOW = 1_700_000_000  # epoch seconds; the serial of every zone

CASES: dict[str, Path] = {"default": ROOT / "config/gateway.toml"} | {
    path.parent.name: path
    for folder in (ROOT / "config/examples", HERE)
    for path in sorted(folder.glob("*/gateway.toml"))
    if not path.parent.name.startswith("bad-")  # these are refused: tests/golden/test_mistakes.py
}


def rendered(case: str) -> Tree:
    """Return all that is generated for a case."""
    configuration = load(CASES[case])
    return render(configuration, {}, NOW) | {"compose.override.yaml": render_compose(configuration)}


def write(folder: Path, tree: Tree) -> None:
    """Write a tree of files, dated back: Postfix waits until a file is a second old before it reads it."""
    for name, text in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (NOW, NOW))
