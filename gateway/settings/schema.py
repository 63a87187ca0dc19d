"""
The JSON Schema of gateway.toml, for editors that complete and check TOML (Taplo, Even Better TOML).

It is exported from the models, so it knows names, types and defaults.  The grammars of single values and the rules
across tables are not in it: `make check` applies those.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gateway.settings import grammar
from gateway.settings.models import Settings

_DIALECT = "http://json-schema.org/draft-07/schema#"  # the one that Taplo reads


def json_schema() -> dict[str, Any]:
    """Return the schema of the whole file."""
    schema = Settings.model_json_schema(
        by_alias=True, schema_generator=_Generator, ref_template="#/definitions/{model}"
    )
    schema["definitions"] = schema.pop("$defs")
    return {"$schema": _DIALECT} | schema


class _Generator(GenerateJsonSchema):
    """What pydantic generates, less what says nothing in TOML."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's signature
        """Leave out titles, which only repeat the names."""
        del schema
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """TOML has no null: an optional key is left out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Give the default as it would be written; none for a table of ours or an absent key."""
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        if default is None or isinstance(default, BaseModel):
            return inner
        if isinstance(default, dict):  # of the file's own names; tables of ours are named by their models
            plain = not any(isinstance(value, BaseModel) for value in default.values())
            return inner | {"default": default} if default and plain else inner
        if not isinstance(default, str | int | float | list):
            return inner if inner.get("type") != "string" else inner | {"default": str(default)}
        if isinstance(default, int) and inner.get("type") == "string":
            unit = grammar.size_text if "KiB" in inner["pattern"] else grammar.duration_text
            return inner | {"default": unit(default)}
        return inner | {"default": default}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))  # noqa: T201 - for config/gateway.schema.json
