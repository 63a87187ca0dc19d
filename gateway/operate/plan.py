"""`gateway plan`: what `make apply` would do."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
from rich.console import Console

from gateway.operate.generation import running_option, trees
from gateway.operate.options import answers, config_option, json_option, rendered_option
from gateway.operate.show import plan as show_plan
from gateway.render.generations import Generations
from gateway.render.plan import changes, diff
from gateway.render.tree import SERVICES, of_service, render
from gateway.settings.load import load


@click.command()
@config_option
@rendered_option
@running_option
@click.option(
    "--recreated",
    multiple=True,
    type=click.Choice(SERVICES),
    help="A service whose container Compose would replace; once per service.",
)
@json_option
@answers
def plan(config: Path, rendered: Path, running: dict[str, str], recreated: tuple[str, ...], as_json: bool) -> None:
    """
    Show what `make apply` would do: a diff of every file against what runs, and who reloads, restarts or is recreated.

    Example: gateway plan --running bind=000003 --running filter=000003
    """
    generations = Generations(rendered)
    new = render(load(config), generations.read_current(), int(time.time()))
    running_now = trees(generations, running)
    found = changes(running_now, new, recreated)
    if as_json:
        click.echo(json.dumps({"changes": [vars(change) for change in found], "diff": diff(running_now, new)}))
        return
    stopped = [name for name in SERVICES if name not in running_now and of_service(new, name)]
    show_plan(Console(), diff(running_now, new), found, stopped=stopped)
