"""Rows of a list of people, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.settings import grammar

PIPED_WIDTH = 160  # columns of a table that goes to no terminal


def show_rows(as_json: bool, rows: Sequence[dict[str, Any]]) -> None:
    """Print rows, all with the same keys: a table, or a list for a program."""
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo("there are none")
        return
    table = Table(*(column.replace("_", " ") for column in rows[0]))
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    console = Console()
    (console if console.is_terminal else Console(width=PIPED_WIDTH)).print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, int):
        return grammar.size_text(value)
    return "" if value is None else str(value)
