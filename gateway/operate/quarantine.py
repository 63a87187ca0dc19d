"""
`gateway quarantine`: what is held, and what becomes of it.

It runs in the filter's container, where the quarantine and the way to gate 2 are: scripts/quarantine on the host calls
it there.  What strangers wrote is escaped wherever it is printed; the content itself goes out only to a file or a pipe.

Exit codes: 0 done; 1 failed or only in part, said on stderr; 2 wrong usage; 3 filter.toml cannot be used.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.explain.diff import difference
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.message.mail import MailObject
from gateway.operate.options import EXIT_FAILED, answering, json_option
from gateway.operate.release import Released, release
from gateway.quarantine.record import BadRecord, Record
from gateway.quarantine.store import NotHeld, Quarantine
from gateway.trace.escape import escape
from gateway.worker_settings import SettingsError, WorkerSettings, load

PIPED_WIDTH = 160  # columns of a table that goes to no terminal
SHOWN = 200  # messages in a table; --all lists the rest, --json lists all

settings_option = click.option(
    "--settings",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("/run/config/filter.toml"),
    show_default=True,
    help="What the filter's workers are told.",
)
ids_argument = click.argument("ids", metavar="ID...", nargs=-1, required=True)


def _opens[**P, R](command: Callable[P, R]) -> Callable[..., R]:
    """Open the quarantine for a command, and turn errors an operator can cause into a message and an exit code."""

    @functools.wraps(command)
    def wrapped(settings: Path, *args: Any, **kwargs: Any) -> R:  # noqa: ANN401 - click's
        with answering("quarantine", SettingsError, (NotHeld, BadRecord, OSError)):
            told = load(settings)
            if not told.quarantine:
                raise click.ClickException("no policy has checks, so nothing can be held")
            return command(told, Quarantine(Path(told.quarantine), told.quarantine_max_octets), *args, **kwargs)  # type: ignore[arg-type]  # what click passes is P

    return wrapped


@click.group()
def quarantine() -> None:
    """
    Look at what the verdict hold has kept, send it on, or delete it.

    On the host: scripts/quarantine list
    """


@quarantine.command("list")
@click.option("--all", "everything", is_flag=True, help=f"More than the newest {SHOWN}, and what was released.")
@json_option
@settings_option
@_opens
def list_command(told: WorkerSettings, store: Quarantine, everything: bool, as_json: bool) -> None:
    """List what is held, the newest last."""
    del told
    rows = [(record, store.released(record.id)) for record in store.records()]
    if as_json:
        click.echo(json.dumps([as_data(record, released) for record, released in rows]))
        return
    if not everything:
        rows = [row for row in rows if not row[1]][-SHOWN:]
    whole = [Column(heading, no_wrap=True) for heading in ("id", "held at (UTC)")]
    table = Table(*whole, "from", "to", "octets", "findings", "released")
    for record, released in rows:
        data = as_data(record, released)
        to = data["recipients"]
        more = f" and {len(to) - 1} more" if len(to) > 1 else ""
        cells = (record.id, data["held_at"], f"<{data['reverse_path']}>", f"<{to[0]}>{more}" if to else "")
        findings = ", ".join(dict.fromkeys(finding.key for finding in record.findings))
        table.add_row(
            *map(Text, (*cells, str(record.octets), findings, f"{len(released)} of {len(to)}" if released else ""))
        )
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    console.print(table if rows else "Nothing is held.")


@quarantine.command()
@click.argument("id_", metavar="ID")
@click.option("--content", is_flag=True, help="Only the message itself, to a file or pipe, with CRLF line ends.")
@json_option
@settings_option
@_opens
def show(told: WorkerSettings, store: Quarantine, id_: str, content: bool, as_json: bool) -> None:
    """
    Show envelope, findings and header of a message, and the edits it would leave with, as a diff.

    With --content the message itself: gateway quarantine show --content ID >message.eml
    """
    del told
    record, octets = store.record(id_), store.content(id_)
    if content:
        if sys.stdout.isatty():
            raise click.UsageError("a held message is not for a terminal: send it to a file or a pipe")
        sys.stdout.buffer.write(octets)
        return
    mail = MailObject(record.envelope, record.client, octets)
    data = as_data(record, store.released(id_)) | {
        "header": [escape(f.raw.rstrip(b"\r\n")) for f in mail.header.fields],
        "edits": difference(octets, mail, record.edits),
    }
    if as_json:
        click.echo(json.dumps(data))
        return
    for key, value in data.items():
        values = value if isinstance(value, list) else [value]
        for item in values or ["-"]:
            click.echo(f"{key:<13} {item if isinstance(item, str | int) else json.dumps(item)}")


@quarantine.command("release")
@ids_argument
@json_option
@settings_option
@_opens
def release_command(told: WorkerSettings, store: Quarantine, ids: tuple[str, ...], as_json: bool) -> None:
    """
    Send messages on to the recipients they were for; who has a message already does not get it again.

    They leave with the edits they would have left with, and without another search: look at a message before you
    release it.
    """
    outcomes = asyncio.run(_release(told, store, ids))
    if as_json:
        click.echo(
            json.dumps([{"id": o.id, "sent": o.sent, "before": o.before, "refused": o.refused} for o in outcomes])
        )
    else:
        for outcome in outcomes:
            _tell(outcome)
    if any(outcome.refused for outcome in outcomes):
        sys.exit(EXIT_FAILED)


@quarantine.command()
@ids_argument
@settings_option
@_opens
def delete(told: WorkerSettings, store: Quarantine, ids: tuple[str, ...]) -> None:
    """Delete messages for good; nobody is told."""
    del told
    for id_ in ids:
        store.delete(id_)
        click.echo(f"{id_} deleted")


@quarantine.command()
@click.option("--days", type=click.FloatRange(min=0), help="Older than this; [quarantine] retention unless given.")
@json_option
@settings_option
@_opens
def expire(told: WorkerSettings, store: Quarantine, days: float | None, as_json: bool) -> None:
    """Delete what was held for longer than the retention; the filter does so by itself every hour."""
    gone = store.expire(told.quarantine_retention_s if days is None else days * 86_400, time.time())
    click.echo(json.dumps(gone) if as_json else f"{len(gone)} messages deleted")


async def _release(told: WorkerSettings, store: Quarantine, ids: tuple[str, ...]) -> list[Released]:
    pool = Pool(
        told.next_hops,
        told.helo_name,
        Timeouts(told.connect_timeout_s, told.reply_timeout_s, told.commit_timeout_s),
    )
    try:
        return [await release(store, pool, id_) for id_ in ids]
    finally:
        pool.close()


def _tell(outcome: Released) -> None:
    for recipient, reply in outcome.sent.items():
        click.echo(f"{outcome.id} <{escape(recipient)}> sent: {escape(reply)}")
    for recipient, reply in outcome.before.items():
        click.echo(f"{outcome.id} <{escape(recipient)}> had it before: {escape(reply)}")
    for recipient, reply in outcome.refused.items():
        click.echo(f"{outcome.id} <{escape(recipient)}> not sent: {escape(reply)}", err=True)


def as_data(record: Record, released: dict[str, str]) -> dict[str, Any]:
    """Give a message as plain data, everything that strangers wrote escaped."""
    told = record.client.told
    return {
        "id": record.id,
        "held_at": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.held_at)),
        "policy": record.policy,
        "queue_id_pre": escape(record.client.queue_id_pre),
        "client": escape(f"{told('NAME') or 'unknown'}[{told('ADDR') or 'unknown'}]"),
        "reverse_path": escape(record.envelope.reverse_path.path),
        "recipients": [escape(recipient.path) for recipient in record.envelope.recipients],
        "octets": record.octets,
        "findings": [f"{finding.key} {escape(finding.detail)}".rstrip() for finding in record.findings],
        "released": [f"<{escape(recipient)}> {escape(reply)}" for recipient, reply in released.items()],
    }
