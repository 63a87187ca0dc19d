"""Ways to spoil a configuration of the property tests: another text in the place of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.readback.files import Document

type Place = tuple[str | int, ...]  # keys and indices from the root


def places(document: Document) -> Iterator[tuple[Place, str]]:
    """Yield every string of a document, keys of free tables included (the place then ends in the key itself)."""
    todo: list[tuple[Place, Any]] = [((), document)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list):
            todo += [((*path, index), child) for index, child in enumerate(value)]
        elif isinstance(value, dict):
            todo += [((*path, key), child) for key, child in value.items()]
            yield from (((*path, key, "its key"), key) for key in value if path)


def spoilt(document: Document, place: Place, text: str) -> Document:
    """Return a copy of a document with another text at a place."""
    copy = json.loads(json.dumps(document))
    *path, last = place
    if last == "its key":
        *path, last = path
    target = copy
    for part in path:
        target = target[part]
    if place[-1] != "its key":
        target[last] = text
        return copy
    items = [(text if key == last else key, value) for key, value in target.items()]
    target.clear()
    target.update(items)
    return copy
