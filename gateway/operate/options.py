"""Options and exit codes that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

EXIT_FAILED = 1
EXIT_MISTAKES = 3  # in the file that was to be read

config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("/config/gateway.toml"),
    show_default=True,
    help="The one file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
