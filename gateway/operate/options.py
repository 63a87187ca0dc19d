"""Options, exit codes and what becomes of errors: what several commands share."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
rendered_option = click.option(
    "--rendered",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("/rendered"),
    show_default=True,
    help="Where generations are kept.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Grammar(click.ParamType[Any]):
    """A value as gateway.toml would have it."""

    def __init__(self, name: str, parse: Any) -> None:  # noqa: ANN401 - any grammar function
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's
        """Fold and check a value."""
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


@contextlib.contextmanager
def answering(who: str, mistakes: type[Exception] | tuple[()], failures: tuple[type[Exception], ...]) -> Iterator[None]:
    """
    Turn the errors an operator can cause into a message and an exit code.

    Args:
        who: Whose message it is.
        mistakes: Raised for a file that was to be read; says itself where. () where there is none.
        failures: Raised for what failed.
    """
    try:
        yield
    except mistakes as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_MISTAKES)
    except failures as error:
        click.echo(f"{who}: {error}", err=True)
        sys.exit(EXIT_FAILED)


def answers[**P, R](command: Callable[P, R]) -> Callable[P, R]:
    """Answer what goes wrong in a command that reads gateway.toml."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with answering("gateway", SettingsError, (OSError, LookupError, ValueError)):
            return command(*args, **kwargs)

    return wrapped
