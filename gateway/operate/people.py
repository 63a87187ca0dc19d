"""
`gateway domain`, `gateway mailbox`, `gateway alias`: who there is, in the tables and in gateway.toml.

Only the tables are changed here; the lists of gateway.toml are for an editor.  Passwords are for both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

import click
from rich.console import Console
from rich.progress import Progress

from gateway.directory import bulk, people
from gateway.directory.passwords import hashed, is_hash, ready, write_password
from gateway.operate.directory import Site, json_option, on_site, told
from gateway.operate.rows import show_rows
from gateway.settings import grammar

PASSWORDS = "passwords"  # in secrets/: of the mailboxes in gateway.toml
TABLES, FILE = "tables", "gateway.toml"
SLOW_HASHES = 1000  # from so many plain passwords on it is worth saying that they take time


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


NAME = Grammar("domain", grammar.hostname)
ADDRESS = Grammar("address", grammar.address)
ALIAS = Grammar("address", grammar.address_or_domain)
NEXT_HOP = Grammar("next hop", grammar.next_hop)
SIZE = Grammar("size", grammar.size)


@click.group()
def domain() -> None:
    """Domains that are rows of the directory, beside [domains.*] of gateway.toml."""


@domain.command("add")
@click.argument("name", type=NAME)
@click.option("--deliver", type=click.Choice(["mailbox", "alias", "relay"]), default="mailbox", show_default=True)
@click.option("--next-hop", type=NEXT_HOP, help="For relay: the server that takes over.")
@click.option("--recipients", type=click.Choice(["verify", "any"]), help="For relay: whether gate 1 asks it. [verify]")
@json_option
@on_site
def add_domain(
    site: Site, name: str, deliver: str, next_hop: str | None, recipients: str | None, as_json: bool
) -> None:
    """
    Add a domain.

    Examples: scripts/directory domain add example.test;
    scripts/directory domain add corp.test --deliver relay --next-hop '[192.0.2.25]:25'
    """
    with site.tables() as connection:
        new = people.add_domain(connection, site.of_file, name, deliver, next_hop, recipients)
    told(as_json, f"{name} {'added' if new else 'was there already'}", domain=name, added=new)


@domain.command("list")
@json_option
@on_site
def list_domains(site: Site, as_json: bool) -> None:
    """
    List the domains, those of gateway.toml first.

    Example: scripts/directory domain list --json
    """
    rows = [
        {"name": name, "deliver": of.deliver, "next_hop": of.next_hop, "recipients": of.recipients, "in": FILE}
        for name, of in site.configuration.settings.domains.items()
    ]
    show_rows(as_json, rows + _of_tables(site, people.all_domains))


@domain.command("remove")
@click.argument("name", type=NAME)
@json_option
@on_site
def remove_domain(site: Site, name: str, as_json: bool) -> None:
    """
    Remove a domain without mailboxes and aliases; mail for it is refused from then on.

    Example: scripts/directory domain remove example.test
    """
    with site.tables() as connection:
        people.remove_domain(connection, name)
    told(as_json, f"{name} removed", domain=name, removed=True)


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
@click.option("--domain", "of", type=NAME, help="Only those of a domain.")
@json_option
@on_site
def list_mailboxes(site: Site, of: str | None, as_json: bool) -> None:
    """
    List the mailboxes, those of gateway.toml first.

    Example: scripts/directory mailbox list --domain example.test
    """
    addresses = site.configuration.settings.mailboxes.addresses
    known = _with_password(site.secrets / PASSWORDS)
    rows = [
        {"address": address, "quota": None, "has_password": address in known, "in": FILE}
        for address in addresses
        if of is None or address.endswith(f"@{of}")
    ]
    show_rows(as_json, rows + _of_tables(site, lambda connection: people.all_mailboxes(connection, of)))


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
        people.remove_mailbox(connection, address)
    told(as_json, f"{address} removed; its Maildir stays", mailbox=address, removed=True)


@mailbox.command()
@click.argument("address", type=ADDRESS)
@json_option
@on_site
def password(site: Site, address: str, as_json: bool) -> None:
    """
    Give a mailbox a password, asked for on a terminal or read from the first line of stdin.

    It is kept as a hash (argon2id). A line that is a hash already is kept as it is.

    Examples: scripts/directory mailbox password anna@example.test;
    scripts/directory mailbox password anna@example.test <file
    """
    in_file = address in site.configuration.settings.mailboxes.addresses
    if in_file:
        write_password(site.secrets / PASSWORDS, address, _asked_for(address))
    else:
        with site.tables() as connection:
            people.set_password(connection, address, _asked_for(address))
    told(as_json, f"{address}: password set", mailbox=address, password_set=True)


@mailbox.command("import")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Of the file in messages, where it is stdin.")
@json_option
@on_site
def import_mailboxes(site: Site, file: Path, name: str | None, as_json: bool) -> None:
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
    console = Console(stderr=True)
    with site.tables() as connection, Progress(console=console, disable=not console.is_terminal) as progress:
        bulk.refuse(problems + bulk.check(connection, site.of_file, rows), name or file.name)
        task = progress.add_task("mailboxes", total=len(rows))
        count = bulk.put(connection, bulk.hashes(rows, lambda more: progress.advance(task, more)))
    told(as_json, f"{count} mailboxes added", mailboxes=count, hashed=plain)


@click.group()
def alias() -> None:
    """Aliases that are rows of the directory, beside [aliases] of gateway.toml."""


@alias.command("add")
@click.argument("address", type=ALIAS)
@click.argument("targets", metavar="TARGET...", type=ADDRESS, nargs=-1, required=True)
@json_option
@on_site
def add_alias(site: Site, address: str, targets: Sequence[str], as_json: bool) -> None:
    """
    Add targets to an alias; to one that is @domain, for whoever is not a mailbox or alias there.

    Examples: scripts/directory alias add sales@example.test anna@example.test bob@elsewhere.test;
    scripts/directory alias add @example.test anna@example.test
    """
    with site.tables() as connection:
        new = people.add_alias(connection, site.of_file, address, targets)
    told(
        as_json, f"{address} → {', '.join(new)} added" if new else f"{address} was so already", alias=address, added=new
    )


@alias.command("list")
@json_option
@on_site
def list_aliases(site: Site, as_json: bool) -> None:
    """
    List the aliases, those of gateway.toml first.

    Example: scripts/directory alias list
    """
    rows = [{"address": name, "targets": to, "in": FILE} for name, to in site.configuration.settings.aliases.items()]
    found = _of_tables(
        site,
        lambda connection: [{"address": name, "targets": to} for name, to in people.all_aliases(connection).items()],
    )
    show_rows(as_json, rows + found)


@alias.command("remove")
@click.argument("address", type=ALIAS)
@click.argument("targets", metavar="[TARGET...]", type=ADDRESS, nargs=-1)
@json_option
@on_site
def remove_alias(site: Site, address: str, targets: Sequence[str], as_json: bool) -> None:
    """
    Take targets out of an alias; without any, remove it.

    Example: scripts/directory alias remove sales@example.test bob@elsewhere.test
    """
    with site.tables() as connection:
        people.remove_alias(connection, address, targets)
    told(as_json, f"{address} {'lessened' if targets else 'removed'}", alias=address, removed=list(targets) or True)


def _of_tables(site: Site, rows: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - connection -> rows
    if site.database is None or site.foreign:
        return []
    with site.tables() as connection:
        return [row | {"in": TABLES} for row in rows(connection)]


def _with_password(path: Path) -> set[str]:
    try:
        return {line.partition(":")[0] for line in path.read_text("utf-8").splitlines()}
    except FileNotFoundError:
        return set()


def _asked_for(address: str) -> str:
    """Return the hash of a password that somebody types or pipes."""
    if sys.stdin.isatty():
        given = str(click.prompt(f"Password of {address}", hide_input=True, confirmation_prompt=True))
    else:
        given = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    return ready(given) if is_hash(given) else hashed(given)


def commands() -> Iterable[click.Group]:
    """Return the groups of this file."""
    return (domain, mailbox, alias)
