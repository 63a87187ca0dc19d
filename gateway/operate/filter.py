"""`gateway filter`: the filter without an appliance."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.stdio import serve


@click.command("filter")
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
