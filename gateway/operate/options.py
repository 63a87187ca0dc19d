"""Options, exit codes and what becomes of errors: what several commands share."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import click

from gateway.settings.load import SettingsError

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


def answers[**P, R](command: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors an operator can cause into a message and an exit code."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            click.echo(str(error), err=True)
            sys.exit(EXIT_MISTAKES)
        except (OSError, LookupError, ValueError) as error:
            click.echo(f"gateway: {error}", err=True)
            sys.exit(EXIT_FAILED)

    return wrapped
