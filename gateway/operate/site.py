"""
How the commands about people get to the tables of the directory.

They run in a container of their own on the network `directory` (scripts/directory), with gateway.toml, the secrets and
the volume.  Passwords of the database come from secrets/, those of people from a terminal or stdin: never from the
command line, which every process of the host can read.

Exit codes: 0 done; 1 failed, the reason on stderr; 2 wrong usage; 3 mistakes in gateway.toml.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.directory import migrate
from gateway.directory.engine import connect
from gateway.directory.people import DirectoryError
from gateway.directory.reach import OfFile
from gateway.operate.options import answering, config_option
from gateway.render.logins import people
from gateway.render.postfix import own_names
from gateway.settings.grammar import DATABASE_HOST, Database
from gateway.settings.load import Configuration, SettingsError, load
from gateway.settings.models import Settings
from gateway.settings.policies import redirect_target

TABLES = "tables"  # where somebody is kept, if not in FILE

secrets_option = click.option(
    "--secrets",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("/config/secrets"),
    show_default=True,
    help="Where the files with passwords are.",
)


@dataclass(frozen=True)
class Site:
    """The file, and where its secrets and its database are."""

    configuration: Configuration
    secrets: Path

    @property
    def database(self) -> Database | None:
        """Return where the tables are, by an address of the appliance; None where the file's lists are all there is."""
        url = self.configuration.settings.directory.url
        if url is None or url.host != DATABASE_HOST:
            return url
        return replace(url, host=str(self.configuration.topology.address("database", "directory")))

    @property
    def foreign(self) -> bool:
        """Return whether the tables are somebody else's: [directory.queries] says how to ask them."""
        return self.configuration.settings.directory.queries.given

    @property
    def of_file(self) -> OfFile:
        """Return what the file has beside the tables."""
        settings = self.configuration.settings
        return OfFile(
            domains={name: domain.deliver for name, domain in settings.domains.items()},
            own_names=own_names(settings),
            mailboxes=frozenset(people(settings)),
            aliases=settings.aliases,
            others=list(_others(settings)),
            postmaster=settings.gateway.postmaster,
            delimiter=settings.gateway.recipient_delimiter,
            message_size_limit=settings.gateway.message_size_limit,
        )

    @contextmanager
    def tables(self) -> Iterator[Connection]:
        """
        Connect as the user who may change the tables, for one transaction.

        Raises:
            DirectoryError: There are no tables of ours, or they are of another version.
        """
        with self.connection() as connection:
            version = migrate.version(connection)
            if version != migrate.newest():
                what = f"the tables are at version {version}" if version else "there are no tables yet"
                raise DirectoryError(f"{what}, expected {migrate.newest()}: make apply, or gateway directory upgrade")
            yield connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Connect likewise, whatever is there."""
        database, directory = self.database, self.configuration.settings.directory
        if database is None:
            raise DirectoryError(
                "[directory] url is not set: gateway.toml itself is the directory; edit it, then make apply"
            )
        if self.foreign:
            raise DirectoryError("[directory.queries] is given: these tables are kept by the program that made them")
        password = "" if database.scheme == "sqlite" else read_secret(self.secrets / directory.admin_password)
        engine = connect(database, directory.admin, password)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()


def on_site[**P, R](command: Callable[P, R]) -> Callable[..., R]:
    """Load the file for a command, and turn the errors an operator can cause into a message and an exit code."""

    @functools.wraps(command)
    def wrapped(config: Path, folder: Path, *args: Any, **kwargs: Any) -> R:  # noqa: ANN401 - click's
        with answering("gateway", SettingsError, (SQLAlchemyError, OSError, LookupError, ValueError)):
            try:
                return command(Site(load(config), folder), *args, **kwargs)  # type: ignore[arg-type]  # what click passes is P
            except DBAPIError as error:
                raise DirectoryError(f"the database says: {error.orig}") from error

    return config_option(secrets_option(wrapped))


def of_tables(site: Site, rows: Callable[[Connection], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return rows of our tables, marked as such; none where there are no such tables."""
    if site.database is None or site.foreign:
        return []
    with site.tables() as connection:
        return [row | {"in": TABLES} for row in rows(connection)]


def _others(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the keys of the file beside [aliases] that send mail to an address, and the address."""
    yield "gateway.postmaster", settings.gateway.postmaster
    for name, policy in settings.policies.items():
        for path, outcome in policy.outcomes():
            yield ".".join(("policies", name, *path)), redirect_target(outcome)
    yield from ((f'canonical."{address}"', target) for address, target in settings.canonical.items())


def told(as_json: bool, text: str, **data: object) -> None:
    """Print what was done, for a person or for a program."""
    click.echo(json.dumps(data) if as_json else text)


def read_secret(path: Path) -> str:
    """
    Return the first line of a file.

    Raises:
        DirectoryError: It is not there, or empty.
    """
    try:
        secret = path.read_text("utf-8").partition("\n")[0].strip()
    except FileNotFoundError:
        raise DirectoryError(
            f"there is no secrets/{path.name}: make up makes it; or write the password into it"
        ) from None
    if not secret:
        raise DirectoryError(f"secrets/{path.name} is empty; expected a password on its first line")
    return secret
