"""`gateway check`: every mistake of the file, and the operator's own cases."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from gateway.explain import cases
from gateway.operate.options import EXIT_FAILED, answers, config_option, json_option
from gateway.render.tree import render
from gateway.settings.load import load


@click.command()
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
