"""`gateway show`, and what an operator sees of plans: routes as tables, a diff in colour on a terminal."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from gateway.operate.options import answers, config_option, json_option
from gateway.render.names import outbound_hostname
from gateway.render.plan import Change
from gateway.render.postfix import recipients_of
from gateway.settings.load import Configuration, load
from gateway.settings.models import Domain, Listener, Settings
from gateway.settings.policies import NONE

DELIVERY = {"mailbox": "Maildir in volume mail", "alias": "by [aliases]"}
BY_DOVECOT = "Dovecot: scripts, then the Maildir in volume mail"
ENGINES = "image, ports, addresses or memory"  # of a container, where they differ
NOBODY = "nobody's: no network is trusted"
RECIPIENTS = {"list": "listed recipients", "verify": "recipients the next hop knows", "any": "any recipient"}


@click.command("show")
@config_option
@json_option
@answers
def show_command(config: Path, as_json: bool) -> None:
    """Show each listener, what it accepts, and where mail goes."""
    configuration = load(config)
    if as_json:
        click.echo(json.dumps(as_data(configuration)))
    else:
        table(Console(), configuration)


def as_data(configuration: Configuration) -> dict[str, Any]:
    """Return listeners and domains as plain data, for --json."""
    settings, ports = configuration.settings, configuration.topology.container_ports
    return {
        "hostname": settings.gateway.hostname,
        "outbound_hostname": outbound_hostname(settings),
        "listeners": [
            {
                "name": name,
                "addresses": [str(address) for address in listener.addresses],
                "container": f"{configuration.topology.address('postfix-pre', 'edge')}:{ports[name]}",
                "accepts": _accepts(listener),
                "goes": _goes(listener),
            }
            for name, listener in settings.listen.items()
        ],
        "domains": [
            {"name": name, "accepts": RECIPIENTS[recipients_of(domain)], "goes": _delivery(settings, domain)}
            for name, domain in settings.domains.items()
        ],
        "mailstore": {
            name: [str(address) for address in getattr(settings.mailstore, name)] for name in ("imaps", "managesieve")
        },
        "outbound": settings.gateway.relayhost or "by MX",
    }


def table(console: Console, configuration: Configuration) -> None:
    """Print listeners and domains."""
    data = as_data(configuration)
    listeners = [
        (row["name"], "\n".join(row["addresses"]) or "not published", row["accepts"], row["goes"])
        for row in data["listeners"]
    ]
    domains = [(row["name"], row["accepts"], row["goes"]) for row in data["domains"]]
    domains.append(("any other", _relayed(configuration.settings.listen.values()), data["outbound"]))
    console.print(_table(f"{data['hostname']} takes mail at", ("listener", "address", "accepts", "then"), listeners))
    console.print(_table(f"{data['outbound_hostname']} sends it on", ("domain", "accepts", "goes to"), domains))
    if read := [(name, "\n".join(addresses)) for name, addresses in data["mailstore"].items() if addresses]:
        console.print(_table("People read it at", ("protocol", "address"), read))


def plan(console: Console, diff: str, changes: list[Change], stopped: list[str]) -> None:
    """Print a plan: the diff, then a line per service."""
    if diff and console.is_terminal:
        console.print(Syntax(diff, "diff", background_color="default"))
    elif diff:
        console.out(diff, highlight=False, end="")
    if not changes:
        console.print("Nothing that runs would change.", highlight=False)
    else:
        rows = [(change.service, change.action, ", ".join(_reasons(change))) for change in changes]
        console.print(_table("make apply would", ("service", "do", "for"), rows))
    if stopped:
        console.out(f"Not running, takes the new files when it starts: {', '.join(stopped)}", highlight=False)


def _reasons(change: Change) -> list[str]:
    return [ENGINES, *change.files] if change.action == "recreate" else change.files


def _table(title: str, headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Make a table of plain text: [aliases] or a next hop such as [mail] would be markup otherwise."""
    made = Table(*headings, title=title, title_justify="left")
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def _relayed(listeners: Collection[Listener]) -> str:
    """Say whose mail to other sites is taken."""
    networks = "trusted networks" if any(listener.networks or listener.trusted for listener in listeners) else ""
    people = "people who log in" if any(listener.auth for listener in listeners) else ""
    return f"from {' and '.join(filter(None, (networks, people)))}" if networks or people else NOBODY


def _accepts(listener: Listener) -> str:
    if listener.auth:
        return "people who log in: mail to anywhere, as themselves"
    if listener.networks:
        return f"clients in {', '.join(listener.networks)}: mail to anywhere"
    relayed = f"; clients in {', '.join(listener.trusted)}: to anywhere" if listener.trusted else ""
    return f"anyone: mail to our domains{relayed}"


def _goes(listener: Listener) -> str:
    if listener.forced == NONE:
        return "gate 1, gate 2 (not filtered)"
    return "gate 1, filter" + (f" ({listener.forced})" if listener.forced else "") + ", gate 2"


def _delivery(settings: Settings, domain: Domain) -> str:
    if domain.deliver == "mailbox" and settings.mailstore.enabled:
        return BY_DOVECOT
    return DELIVERY.get(domain.deliver) or str(domain.next_hop)
