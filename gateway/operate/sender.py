"""`gateway block` and `gateway unblock`: the sender blacklist of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from gateway.operate.options import answers, config_option
from gateway.settings import edit
from gateway.settings.load import load


@click.command()
@click.argument("sender")
@config_option
@answers
def block(sender: str, config: Path) -> None:
    """
    Add SENDER to [senders] reject, keeping the file's comments.

    SENDER is a domain (spam.example), its sub-domains (.spam.example) or an address (pest@example.net).
    """
    _edit(config, edit.block, sender, done="blocked", already="was blocked already")


@click.command()
@click.argument("sender")
@config_option
@answers
def unblock(sender: str, config: Path) -> None:
    """Take SENDER out of [senders] reject, keeping the file's comments."""
    _edit(config, edit.unblock, sender, done="unblocked", already="was not blocked")


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
