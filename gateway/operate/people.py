"""`gateway domain` and `gateway alias`: who there is in the tables and in gateway.toml; only the tables are changed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gateway.directory import people
from gateway.directory.reach import FILE
from gateway.operate.options import Grammar, json_option
from gateway.operate.rows import show_rows
from gateway.operate.site import Site, of_tables, on_site, told
from gateway.settings import grammar

NAME = Grammar("domain", grammar.hostname)
ADDRESS = Grammar("address", grammar.address)
ALIAS = Grammar("address", grammar.address_or_domain)
NEXT_HOP = Grammar("next hop", grammar.next_hop)


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
    show_rows(as_json, rows + of_tables(site, people.all_domains))


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
        people.remove_domain(connection, site.of_file, name)
    told(as_json, f"{name} removed", domain=name, removed=True)


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
    found = of_tables(
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
        people.remove_alias(connection, site.of_file, address, targets)
    told(as_json, f"{address} {'lessened' if targets else 'removed'}", alias=address, removed=list(targets) or True)
