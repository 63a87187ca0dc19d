"""A gateway.toml as data: written as text, each string in it found, and one of them spoilt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

type Document = dict[str, Any]
type Place = tuple[str | int, ...]  # keys and indices from the root


def toml(document: Document) -> str:
    """Write a document as TOML: one line per top-level key, everything below inline."""
    return "".join(f"{_text(key)} = {_inline(value)}\n" for key, value in document.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)} = {_inline(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


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
