"""
docs/config.md: every table and key of gateway.toml with its form, default and meaning.

Written from the JSON Schema and so from the models, that what the page says is what the file may say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.settings.schema import json_schema

HEAD = """\
# gateway.toml

All an operator edits is one file. `make check` reports every mistake in it at once, as
`gateway.toml:LINE:COL: key: what is wrong; what is expected`; unknown keys are mistakes.
Editors that read `#:schema ./gateway.schema.json` complete and check the keys while you type.

Sizes have a unit (`"50MiB"`), and so have times (`"540s"`, `"5m"`, `"2d"`). Names are written without a trailing
dot, internationalised ones as A-labels (`xn--…`).

This page is generated: `gateway reference`.
"""


def reference() -> str:
    """Return the page as Markdown."""
    schema = json_schema()
    sections = [HEAD]
    for name, value in schema["properties"].items():
        sections += ["\n".join(section) for section in _sections(name, value, schema["definitions"])]
    return "\n".join(sections).rstrip() + "\n"


def _sections(name: str, value: dict[str, Any], definitions: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the lines of a key's section, then the sections of the tables below it."""
    table = _table(value, definitions)
    if table is None:
        yield [f"## {name}\n\n{value.get('description', '')} Form: {_form(value, definitions)}.\n"]
        return
    title, properties, required = table
    heading, _, text = title.partition(": ")
    lines = [f"## `{heading}`\n\n{text[:1].upper()}{text[1:]}\n"]
    lines.append("| key | form | default | meaning |\n|---|---|---|---|")
    for key, field in properties.items():
        default = "required" if key in required else _default(field)
        meaning = field.get("description", "").replace("|", "\\|") or _meaning(field, definitions)
        lines.append(f"| `{key}` | {_form(field, definitions)} | {default} | {meaning} |")
    yield [*lines, ""]
    for key, field in properties.items():
        if _table(field, definitions):
            yield from _sections(key, field, definitions)


def _meaning(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Give the meaning of a table that has a section of its own."""
    table = _table(field, definitions)
    text = table[0].partition(": ")[2] if table else ""
    return text[:1].upper() + text[1:]


def _table(value: dict[str, Any], definitions: dict[str, Any]) -> tuple[str, dict[str, Any], list[str]] | None:
    """Find the table a key holds: itself, each of its named tables, or each element of an array of tables."""
    for candidate in (value, value.get("additionalProperties"), value.get("items")):
        if isinstance(candidate, dict) and "$ref" in candidate:
            found = definitions[candidate["$ref"].rpartition("/")[2]]
            if "properties" in found:
                return found["description"], found["properties"], found.get("required", [])
    return None


def _form(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    if _table(field, definitions):
        return {"array": "tables", "object": "tables by name"}.get(field.get("type", ""), "table")
    if "$ref" in field:
        return _form(definitions[field["$ref"].rpartition("/")[2]], definitions)
    if "enum" in field:
        return " or ".join(f'`"{choice}"`' for choice in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_form(field['items'], definitions)}"
    if field.get("type") == "object":
        return f"table of {_form(field.get('additionalProperties', {}), definitions)}"
    words = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false"}
    return words.get(field.get("type", ""), "text")


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default in (None, "", [], {}):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, dict):
        return "; ".join(f"`{name}`: {' '.join(values)}" for name, values in default.items())
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"
