"""`gateway mailbox`: mailboxes of the tables and of gateway.toml; only tables are changed, and passwords of both."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO, cast

import click
from rich.console import Console
from rich.progress import Progress

from gateway.directory import bulk, people
from gateway.directory.passwords import hashed, is_hash, ready, with_password, write_password
from gateway.directory.reach import FILE
from gateway.operate.options import Grammar, json_option
from gateway.operate.rows import show_rows
from gateway.operate.site import Site, of_tables, on_site, told
from gateway.render import logins
from gateway.settings import grammar
from gateway.settings.accounts import PASSWORDS

SLOW_HASHES = 1000  # from so many plain passwords on it is worth saying that they take time
DOMAIN = Grammar("domain", grammar.hostname)
ADDRESS = Grammar("address", grammar.address)
SIZE = Grammar("size", grammar.size)


@click.group()
def mailbox() -> None:
    """Mailboxes that are rows of the directory, beside [mailboxes] list of gateway.toml; and the passwords of both."""


@mailbox.command("add")
@click.argument("address", type=ADDRESS)
@click.option("--quota", type=SIZE, help="Of this mailbox, such as 2GiB; that of [mailstore] unless given.")
@json_option
@on_site
def add_mailbox(site: Site, address: str, quota: int | None, as_json: bool) -> None:
    """
    Add a mailbox. It takes mail at once; to log in it needs a password.

    Example: scripts/directory mailbox add anna@example.test --quota 2GiB
    """
    with site.tables() as connection:
        new = people.add_mailbox(connection, site.of_file, address, quota)
    told(as_json, f"{address} {'added' if new else 'was there already'}", mailbox=address, added=new)


@mailbox.command("list")
@click.option("--domain", "of", type=DOMAIN, help="Only those of a domain.")
@json_option
@on_site
def list_mailboxes(site: Site, of: str | None, as_json: bool) -> None:
    """
    List the mailboxes, those of gateway.toml first.

    Example: scripts/directory mailbox list --domain example.test
    """
    addresses = site.configuration.settings.mailboxes.addresses
    known = with_password(site.secrets / PASSWORDS)
    rows = [
        {"address": address, "quota": None, "has_password": address in known, "in": FILE}
        for address in addresses
        if of is None or address.endswith(f"@{of}")
    ]
    show_rows(as_json, rows + of_tables(site, lambda connection: people.all_mailboxes(connection, of)))


@mailbox.command("quota")
@click.argument("address", type=ADDRESS)
@click.argument("size", metavar="SIZE|default")
@json_option
@on_site
def change_quota(site: Site, address: str, size: str, as_json: bool) -> None:
    """
    Change the quota of a mailbox; `default` is that of [mailstore]. It holds for the next message.

    Examples: scripts/directory mailbox quota anna@example.test 2GiB;
    scripts/directory mailbox quota anna@example.test default
    """
    quota = None if size == "default" else SIZE.convert(size, None, None)
    with site.tables() as connection:
        people.set_quota(connection, site.of_file, address, quota)
    told(as_json, f"{address}: quota {size}", mailbox=address, quota=quota)


@mailbox.command("remove")
@click.argument("address", type=ADDRESS)
@json_option
@on_site
def remove_mailbox(site: Site, address: str, as_json: bool) -> None:
    """
    Remove a mailbox; its Maildir stays, mail for it is refused from then on.

    Example: scripts/directory mailbox remove anna@example.test
    """
    with site.tables() as connection:
        people.remove_mailbox(connection, site.of_file, address)
    told(as_json, f"{address} removed; its Maildir stays", mailbox=address, removed=True)


@mailbox.command()
@click.argument("address", type=ADDRESS)
@json_option
@on_site
def password(site: Site, address: str, as_json: bool) -> None:
    """
    Give a mailbox, or a listed recipient of a relay domain, a password.

    It is asked for on a terminal or read from the first line of stdin, and kept as a hash (argon2id). A line that is a
    hash already is kept as it is.

    Examples: scripts/directory mailbox password anna@example.test;
    scripts/directory mailbox password anna@example.test <file
    """
    if address in logins.people(site.configuration.settings):
        write_password(site.secrets / PASSWORDS, address, _asked_for(address))
    else:
        with site.tables() as connection:
            people.set_password(connection, address, _asked_for(address))
    told(as_json, f"{address}: password set", mailbox=address, password_set=True)


@mailbox.command("import")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Of the file in messages, where it is stdin.")
@click.option(
    "--progress/--no-progress",
    default=None,
    help="A bar on stderr; by default where that is a terminal.",
    show_default=False,
)
@json_option
@on_site
def import_mailboxes(site: Site, file: Path, name: str | None, progress: bool | None, as_json: bool) -> None:
    """
    Add mailboxes from a CSV file: all of them, or none and every reason with its line.

    Its first line names the columns: address, and if you like password and quota. A password may be a hash that
    Dovecot knows, such as {ARGON2ID}$argon2id$… or {BLF-CRYPT}$2y$…; hashing one in plain text takes 30 ms of a
    processor.

    Example: scripts/directory mailbox import people.csv
    """
    with cast(TextIO, click.open_file(str(file), encoding="utf-8-sig")) as opened:
        rows, problems = bulk.read(opened)
    plain = sum(row.plain is not None for row in rows)
    if plain >= SLOW_HASHES:
        click.echo(f"{plain} passwords to hash, 30 ms of a processor each", err=True)
    console = Console(stderr=True, force_terminal=progress)
    with site.tables() as connection, Progress(console=console, disable=not console.is_terminal) as bar:
        bulk.refuse(problems + bulk.check(connection, site.of_file, rows), name or file.name)
        task = bar.add_task("mailboxes", total=len(rows))
        count = bulk.put(connection, bulk.hashes(rows, lambda more: bar.advance(task, more)))
    told(as_json, f"{count} mailboxes added", mailboxes=count, hashed=plain)


def _asked_for(address: str) -> str:
    """Return the hash of a password that somebody types or pipes."""
    if sys.stdin.isatty():
        given = str(click.prompt(f"Password of {address}", hide_input=True, confirmation_prompt=True))
    else:
        given = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    return ready(given) if is_hash(given) else hashed(given)
