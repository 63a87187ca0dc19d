"""`gateway schema` and `gateway reference`: what gateway.toml may hold, for editors and for people."""

from __future__ import annotations

import json

import click

from gateway.settings.reference import reference as reference_page
from gateway.settings.schema import json_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of gateway.toml, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


@click.command()
def reference() -> None:
    """Print docs/config.md: every table and key of gateway.toml."""
    click.echo(reference_page(), nl=False)
