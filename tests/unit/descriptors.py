"""The descriptors a test's process has."""

import gc
from pathlib import Path

_OPEN = Path("/proc/self/fd")


def count() -> int:
    """Give how many there are."""
    gc.collect()
    return sum(1 for _ in _OPEN.iterdir())


def below(directory: Path | str) -> list[str]:
    """Give those that are files of a directory, with a name still or not."""
    gc.collect()
    found = []
    for link in _OPEN.iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:  # the one that the directory itself is read by
            continue
        if target.startswith(f"{directory}/"):
            found.append(target)
    return found
