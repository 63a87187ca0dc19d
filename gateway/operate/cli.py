"""
The `gateway` command, as it runs in the render container: it reads the one file and writes the rendered volume.
`gateway quarantine` runs in the filter's container, and `gateway filter` is for a Postfix outside the appliance.

What needs the engine (reload, restart, health) is done by scripts/ on the host, which call these commands; no
container holds the engine's socket.

Exit codes: 0 done; 1 failed, the reason on stderr; 2 wrong usage; 3 mistakes in gateway.toml, all of them on
stderr as FILE:LINE:COL: key: what is wrong; what is expected.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from gateway.explain import cases
from gateway.operate import show as show_
from gateway.operate.backup import backup
from gateway.operate.directory import directory
from gateway.operate.doctor import doctor_command
from gateway.operate.explain import explain_command
from gateway.operate.mailboxes import mailbox
from gateway.operate.options import EXIT_FAILED, answers, config_option, json_option, rendered_option
from gateway.operate.people import alias, domain
from gateway.operate.quarantine import quarantine
from gateway.render import plan as plan_
from gateway.render import self_signed
from gateway.render.compose import render_compose
from gateway.render.generations import Generations
from gateway.render.tree import SERVICES, Tree, of_service, render
from gateway.settings import edit
from gateway.settings.certificates import refuse_expired
from gateway.settings.load import Configuration, load
from gateway.settings.reference import reference as reference_page
from gateway.settings.schema import json_schema
from gateway.stdio import serve


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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sallyport")
def main() -> None:
    """Render, check and change the appliance that gateway.toml describes."""


@main.command("render")
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


@main.command()
@config_option
@rendered_option
@answers
def stage(config: Path, rendered: Path) -> None:
    """Render the file as a new generation that nobody takes yet, and print its id."""
    configuration = load(config)
    refuse_expired(configuration.certificate, datetime.now(UTC))
    click.echo(_write(configuration, rendered))


@main.command()
@click.argument("generation")
@rendered_option
@running_option
@answers
def flip(generation: str, rendered: Path, running: dict[str, str]) -> None:
    """Make GENERATION what starting services take; drop old ones that no service runs."""
    generations = Generations(rendered)
    generations.flip(generation)
    generations.prune(keep=set(running.values()))


@main.command()
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
    trees = _trees(generations, running)
    found = plan_.changes(trees, new, recreated)
    if as_json:
        click.echo(json.dumps({"changes": [vars(change) for change in found], "diff": plan_.diff(trees, new)}))
        return
    stopped = [name for name in SERVICES if name not in trees and of_service(new, name)]
    show_.plan(Console(), plan_.diff(trees, new), found, stopped=stopped)


@main.command()
@click.argument("generation")
@rendered_option
@running_option
@answers
def changes(generation: str, rendered: Path, running: dict[str, str]) -> None:
    """Print `SERVICE reload` or `SERVICE restart` for each running service that GENERATION changes."""
    generations = Generations(rendered)
    for change in plan_.changes(_trees(generations, running), generations.read(generation)):
        click.echo(f"{change.service} {change.action}")


@main.command()
@config_option
@json_option
@answers
def check(config: Path, as_json: bool) -> None:
    """
    Load the file, check it across components, render it in memory, run the cases in tests/ beside it; change nothing.

    Exit code 1 when a case does not come out as expected.
    """
    configuration = load(config)
    files = render(configuration, {}, int(time.time()))
    outcomes = dict(cases.run(configuration, config.parent / "tests"))
    failed = {name: differences for name, differences in outcomes.items() if differences}
    if as_json:
        data = {"source": configuration.source, "files": sorted(files), "cases": outcomes}
        click.echo(json.dumps(data))
    else:
        click.echo(
            f"{configuration.source}: no mistakes; {len(files)} files to render{_cases(len(outcomes), len(failed))}"
        )
        for name, differences in failed.items():
            click.echo("\n".join(f"tests/{name}: {difference}" for difference in differences), err=True)
    if failed:
        sys.exit(EXIT_FAILED)


def _cases(count: int, failed: int) -> str:
    if not count:
        return ""
    return f"; {count} cases as expected" if not failed else f"; {failed} of {count} cases not as expected"


@main.command()
@config_option
@answers
def compose(config: Path) -> None:
    """Print the Compose override: the addresses and ports that the file decides."""
    click.echo(render_compose(load(config)), nl=False)


@main.command()
@config_option
@json_option
@answers
def show(config: Path, as_json: bool) -> None:
    """Show each listener, what it accepts, and where mail goes."""
    configuration = load(config)
    if as_json:
        click.echo(json.dumps(show_.as_data(configuration)))
    else:
        show_.table(Console(), configuration)


@main.command()
def schema() -> None:
    """Print the JSON Schema of gateway.toml, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


@main.command()
def reference() -> None:
    """Print docs/config.md: every table and key of gateway.toml."""
    click.echo(reference_page(), nl=False)


@main.command()
@click.argument("sender")
@config_option
@answers
def block(sender: str, config: Path) -> None:
    """
    Add SENDER to [senders] reject, keeping the file's comments.

    SENDER is a domain (spam.example), its sub-domains (.spam.example) or an address (pest@example.net).
    """
    _edit(config, edit.block, sender, done="blocked", already="was blocked already")


@main.command()
@click.argument("sender")
@config_option
@answers
def unblock(sender: str, config: Path) -> None:
    """Take SENDER out of [senders] reject, keeping the file's comments."""
    _edit(config, edit.unblock, sender, done="unblocked", already="was not blocked")


for command in (backup, quarantine, explain_command, doctor_command, directory, domain, mailbox, alias):
    main.add_command(command)


@main.command("filter")
@click.option("--stdio", is_flag=True, help="One session on stdin and stdout, as spawn(8) starts it.")
@click.option("--settings", type=click.Path(path_type=Path), help="A filter.toml; else re-inject at 127.0.0.1:10026.")
@click.option("--log", "log_file", type=click.Path(path_type=Path), help="Append the log here, not to syslog.")
def filter_command(stdio: bool, settings: Path | None, log_file: Path | None) -> None:
    """
    Filter for a Postfix that has no appliance around it, as its FILTER_README describes; see docs/filter.md.

    In master.cf: 127.0.0.1:10025 inet n n n - 10 spawn user=filter argv=/opt/venv/bin/gateway filter --stdio
    """
    if not stdio:
        raise click.UsageError("expected --stdio; the workers of the appliance are started by supervisor")
    sys.exit(serve(settings, log_file))


def _edit(config: Path, change: Callable[[str, str], str], sender: str, *, done: str, already: str) -> None:
    """Change the file in place, unless that would leave it with mistakes."""
    load(config)
    before = config.read_text(encoding="utf-8")
    after = change(before, sender)
    if after == before:
        click.echo(f"{sender} {already}")
        return
    edit.replace_file(config, after)
    click.echo(f"{sender} {done}")


def _write(configuration: Configuration, rendered: Path) -> str:
    self_signed.keep(configuration, rendered)
    generations = Generations(rendered)
    return generations.write(render(configuration, generations.read_current(), int(time.time())))


def _trees(generations: Generations, running: dict[str, str]) -> dict[str, Tree]:
    return {service: generations.read(generation) for service, generation in running.items()}
