"""The registry of checks."""

from pathlib import Path

import pytest

import gateway.check
from gateway.check.registry import CHECKS, start


def test_checks_are_named_as_their_files():
    """File name = name in the configuration."""
    files = {path.stem for path in Path(gateway.check.__file__).parent.glob("*.py")} - {"__init__", "registry"}
    assert set(CHECKS) == files
    assert all(check.__module__ == f"gateway.check.{name}" for name, check in CHECKS.items())


def test_start_makes_one_object_for_each_message():
    """No state is shared between messages."""
    first, second = start(["gtube"]), start(["gtube"])
    assert first[0] is not second[0]
    assert start([]) == []


def test_start_unknown_name_is_an_error():
    """Settings refuse it before."""
    with pytest.raises(KeyError):
        start(["nonesuch"])
