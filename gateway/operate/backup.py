"""
`gateway backup`: a volume as an archive on stdout, and back from stdin.

scripts/backup and scripts/restore run it in a container without a network that sees this one volume; checksums, order,
and what belongs to a backup are theirs.

Exit codes: 0 done; 1 failed, the reason on stderr; 2 wrong usage.
"""

from __future__ import annotations

import functools
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import click

from gateway.backup import unpack as unpack_
from gateway.backup.kinds import KINDS
from gateway.backup.pack import Count, pack
from gateway.operate.options import answering

NAMED = 5  # files that are in the way
PROGRESS_S = 0.5

kind_argument = click.argument("kind", type=click.Choice(sorted(KINDS)))
root_argument = click.argument("root", type=click.Path(exists=True, file_okay=False, path_type=Path))
progress_option = click.option("--progress", is_flag=True, help="Say on stderr how far it is, on one line.")


def _answers[**P](command: Callable[P, None]) -> Callable[P, None]:
    """Answer what goes wrong with disks and archives."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        with answering("backup", (), (OSError, ValueError)):
            command(*args, **kwargs)

    return wrapped


@click.group()
def backup() -> None:
    """
    Copy a volume to an archive and back; what `make backup` and `make restore` are made of.

    On the host: scripts/backup, scripts/restore
    """


@backup.command("pack")
@kind_argument
@root_argument
@progress_option
@_answers
def pack_command(kind: str, root: Path, progress: bool) -> None:
    """Write what ROOT holds as a tar archive to stdout, and how much it was to stderr."""
    count = pack(root, KINDS[kind], _stdout(), _progress(progress))
    sys.stdout.buffer.flush()
    _tell(count, progress)


@backup.command("unpack")
@kind_argument
@root_argument
@click.option("--replace", is_flag=True, help="Remove what is there first.")
@progress_option
@_answers
def unpack_command(kind: str, root: Path, replace: bool, progress: bool) -> None:
    """Write the archive on stdin into ROOT, with owners, modes and times, and how much it was to stderr."""
    _tell(unpack_.unpack(sys.stdin.buffer, root, KINDS[kind], _progress(progress), replace=replace), progress)


@backup.command("in-the-way")
@kind_argument
@root_argument
@_answers
def in_the_way_command(kind: str, root: Path) -> None:
    """Name some files of ROOT that the archive on stdin would overwrite or mix with; nothing where there are none."""
    for parts in itertools.islice(unpack_.in_the_way(root, KINDS[kind], sys.stdin.buffer), NAMED):
        click.echo("/".join(parts))


def _stdout() -> IO[bytes]:
    if sys.stdout.isatty():
        raise click.UsageError("an archive is not for a terminal: send it to a file")
    return sys.stdout.buffer


def _progress(wanted: bool) -> Callable[[Count], None]:
    """Return what rewrites the line of progress, now and then."""
    last = time.monotonic()

    def report(count: Count) -> None:
        nonlocal last
        if wanted and time.monotonic() - last > PROGRESS_S:
            last = time.monotonic()
            click.echo(f"\r    {_words(count)} ", err=True, nl=False)

    return report


def _tell(count: Count, rewrite: bool) -> None:
    click.echo(f"{'\r' if rewrite else ''}    {_words(count)} ", err=True)


def _words(count: Count) -> str:
    return f"{count.files:,} files, {count.octets / 1e6:,.1f} MB"
