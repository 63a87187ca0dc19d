"""These tests are never skipped: where a daemon's parser is missing, they fail and say where to run them."""

from __future__ import annotations

import shutil

import pytest

from tests.golden.cases import HERE
from tests.readback.meaning_directory import put

TOOLS = ("postconf", "postmap", "named-checkconf", "named-checkzone", "rndc-confgen", "docker")


@pytest.fixture(autouse=True, scope="session")
def directory_tables():
    """Put the tables of a directory where postconf looks for them, as a gate's start does."""
    for service in ("postfix-pre", "postfix-post"):
        put(HERE / "directory/expected" / service)


@pytest.fixture(autouse=True, scope="session")
def tools():
    """Want every tool before the first test."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.fail(f"tests/readback needs {', '.join(missing)}: run them in images/test, as `make test` does")
