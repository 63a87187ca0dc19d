"""
Say in plain words what a model refused.

pydantic's messages speak of validators and instances.  An operator needs to know what is wrong with the key and
what would be right, so each kind of error gets its own sentence, and the rest of the schema supplies suggestions.
"""

from __future__ import annotations

import datetime
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.settings.mistakes import Path, Problem, did_you_mean, shown
from gateway.settings.models import Settings
from gateway.settings.table import Table

_KINDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    list: "a list",
    dict: "a table",
    datetime.datetime: "a date",
    datetime.date: "a date",
    datetime.time: "a time",
}
_EXPECTED = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def problem(error: ErrorDetails) -> Problem:
    """Turn one error of pydantic into a problem: path without pydantic's own markers, sentence with a suggestion."""
    path = tuple(part for part in error["loc"] if part != "[key]")
    kind = error["type"]
    if kind in _EXPECTED:
        return Problem(path, f"is {_KINDS.get(type(error['input']), 'something else')}; expected {_EXPECTED[kind]}")
    if kind == "value_error" and error["loc"][-1] == "[key]":
        return Problem(path, str(error["ctx"]["error"]))  # the path shows the key
    say = _SENTENCES.get(kind)
    text = (
        say(path, error["input"], error.get("ctx", {}))
        if say
        else f"{shown(error['input'])} is not understood; expected another value"
    )
    return Problem(path, text)


def field_at(path: Path) -> FieldInfo | None:
    """Return the model's field that a path names, or None where the model has none."""
    table = _table_at(path)
    return fields(table).get(str(path[-1])) if table and path else None


def fields(model: type[Table]) -> dict[str, FieldInfo]:
    """Return a table's fields by the names used in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _table_at(path: Path) -> type[Table] | None:
    """Return the table model that the last part of a path is a key of, or None for a table of one's own naming."""
    model: Any = Settings
    for part in path[:-1]:
        if isinstance(model, type) and issubclass(model, Table):
            field = fields(model).get(str(part))
            model = _plain(field.annotation) if field else None
        else:
            model = _plain(typing.get_args(model)[-1]) if typing.get_args(model) else None
    return model if isinstance(model, type) and issubclass(model, Table) else None


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - any type form
    """Take Annotated and `| None` off a type."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if origin in {types.UnionType, typing.Union}:
        return _plain(next(part for part in typing.get_args(annotation) if part is not type(None)))
    return annotation


def _is_table(annotation: Any) -> bool:  # noqa: ANN401 - any type form
    return typing.get_origin(annotation) is dict or (isinstance(annotation, type) and issubclass(annotation, Table))


def _missing(path: Path, _value: object, _context: Mapping[str, Any]) -> str:
    field = field_at(path)
    table = field is None or _is_table(_plain(field.annotation))
    meaning = field.description if field else None
    return f"missing; expected this {'table' if table else 'key'}" + (f" ({meaning.rstrip('.')})" if meaning else "")


def _unknown(path: Path, value: object, _context: Mapping[str, Any]) -> str:
    table = _table_at(path)
    names = sorted(fields(table)) if table else []
    what = "unknown table" if isinstance(value, dict) else "unknown key"
    return f"{what}; expected one of {', '.join(names)}{did_you_mean(str(path[-1]), names)}"


def _refused(_path: Path, value: object, context: Mapping[str, Any]) -> str:
    reason = str(context["error"])
    if not reason.startswith("expected"):
        return f"{shown(value)}: {reason}"
    words = re.match(r"expected one of ([^;]+)", reason)
    known = words[1].split(", ") if words else []
    word = value.partition(":")[0] if isinstance(value, str) else ""
    return f"{shown(value)} is not understood; {reason}{did_you_mean(word, known) if word not in known else ''}"


def _literal(_path: Path, value: object, context: Mapping[str, Any]) -> str:
    expected = context["expected"].replace("'", '"')
    names = re.findall(r'"([^"]+)"', expected)
    suggestion = did_you_mean(value, names) if isinstance(value, str) else ""
    return f"{shown(value)} is unknown; expected {expected}{suggestion}"


def _whole(limit: float) -> float:
    """Leave out a fraction of nothing."""
    return int(limit) if limit == int(limit) else limit


def _too_small(_path: Path, value: object, context: Mapping[str, Any]) -> str:
    return f"{shown(value)} is too small; expected at least {_whole(context['ge'])}"


def _too_large(_path: Path, value: object, context: Mapping[str, Any]) -> str:
    return f"{shown(value)} is too large; expected at most {_whole(context['le'])}"


def _too_short(_path: Path, _value: object, _context: Mapping[str, Any]) -> str:
    return "empty; expected at least one entry"


_SENTENCES: dict[str, Callable[[Path, object, Mapping[str, Any]], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "value_error": _refused,
    "literal_error": _literal,
    "greater_than_equal": _too_small,
    "less_than_equal": _too_large,
    "too_short": _too_short,
}
