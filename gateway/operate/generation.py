"""
`gateway render`, `stage`, `flip`, `changes`, `compose`: from the one file to generations in the rendered volume.

They run in the render container and, for scripts/, in containers like it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.operate.options import answers, config_option, rendered_option
from gateway.render import self_signed
from gateway.render.compose import render_compose
from gateway.render.generations import Generations
from gateway.render.plan import changes as changes_of
from gateway.render.tree import SERVICES, Tree, render
from gateway.settings.certificates import refuse_expired
from gateway.settings.load import Configuration, load


def _running(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Parse --running SERVICE=GENERATION."""
    pairs = dict(value.partition("=")[::2] for value in values)
    for service, generation in pairs.items():
        if service not in SERVICES or not generation:
            raise click.BadParameter(f"{service}={generation}: expected one of {', '.join(SERVICES)}, =, a generation")
    return pairs


running_option = click.option(
    "--running",
    multiple=True,
    metavar="SERVICE=GENERATION",
    callback=_running,
    help="What a service runs; once per service that runs.",
)


@click.command("render")
@config_option
@rendered_option
@answers
def render_command(config: Path, rendered: Path) -> None:
    """
    Render the file and make the result what starting services take.

    This is what the render container does when the appliance starts. It disturbs no service that runs: use
    `make apply` for these.
    """
    generations = Generations(rendered)
    generation = _write(load(config), rendered)
    if generation == generations.current():
        click.echo(f"generation {generation}: nothing changed")
    else:
        generations.flip(generation)
        click.echo(f"generation {generation}: rendered")


@click.command()
@config_option
@rendered_option
@answers
def stage(config: Path, rendered: Path) -> None:
    """Render the file as a new generation that nobody takes yet, and print its id."""
    configuration = load(config)
    refuse_expired(configuration.certificate, datetime.now(UTC))
    click.echo(_write(configuration, rendered))


@click.command()
@click.argument("generation")
@rendered_option
@running_option
@answers
def flip(generation: str, rendered: Path, running: dict[str, str]) -> None:
    """Make GENERATION what starting services take; drop old ones that no service runs."""
    generations = Generations(rendered)
    generations.flip(generation)
    generations.prune(keep=set(running.values()))


@click.command()
@click.argument("generation")
@rendered_option
@running_option
@answers
def changes(generation: str, rendered: Path, running: dict[str, str]) -> None:
    """Print `SERVICE reload` or `SERVICE restart` for each running service that GENERATION changes."""
    generations = Generations(rendered)
    for change in changes_of(trees(generations, running), generations.read(generation)):
        click.echo(f"{change.service} {change.action}")


@click.command()
@config_option
@answers
def compose(config: Path) -> None:
    """Print the Compose override: the addresses and ports that the file decides."""
    click.echo(render_compose(load(config)), nl=False)


def _write(configuration: Configuration, rendered: Path) -> str:
    self_signed.keep(configuration, rendered)
    generations = Generations(rendered)
    return generations.write(render(configuration, generations.read_current(), int(time.time())))


def trees(generations: Generations, running: dict[str, str]) -> dict[str, Tree]:
    """Return what each running service runs."""
    return {service: generations.read(generation) for service, generation in running.items()}
