"""`gateway directory`: the tables themselves, and the passwords of the database in the container."""

from __future__ import annotations

import os
import secrets

import click

from gateway.directory import migrate
from gateway.operate.options import json_option
from gateway.operate.site import Site, on_site, read_secret, told
from gateway.settings.grammar import DATABASE_HOST

SECRET_OCTETS = 24  # of a password made here
DATABASE_UID = 106  # of images/database, which reads both passwords


@click.group()
def directory() -> None:
    """
    Make the tables of [directory] url, and bring them to this version.

    On the host: scripts/directory directory upgrade
    """


@directory.command()
@json_option
@on_site
def upgrade(site: Site, as_json: bool) -> None:
    """
    Run the migrations that are missing; `make up` and `make apply` do it by themselves.

    Example: scripts/directory directory upgrade
    """
    if site.foreign or site.database is None:
        told(as_json, "no tables of ours to upgrade", before=None, after=None)
        return
    with site.connection() as connection:
        before, after = migrate.upgrade(connection)
    done = "nothing to do" if before == after else f"upgraded from {before}" if before else "made"
    told(as_json, f"directory: tables at version {after}: {done}", before=before, after=after)


@directory.command()
@on_site
def kind(site: Site) -> None:
    """Print none, file (sqlite), database (the container) or elsewhere: what scripts/ have to start and wait for."""
    url = site.configuration.settings.directory.url
    if url is None:
        click.echo("none")
    elif url.scheme == "sqlite":
        click.echo("file")
    else:
        click.echo("database" if url.host == DATABASE_HOST else "elsewhere")


@directory.command("secrets")
@on_site
def secrets_command(site: Site) -> None:
    """
    Make the passwords of the database container that are not there yet, and say which.

    They are random, and readable to the container's user and to root alone.
    """
    settings = site.configuration.settings.directory
    if settings.url is None or settings.url.host != DATABASE_HOST:
        return
    for name in (settings.password, settings.admin_password):
        path = site.secrets / name
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                os.fchown(descriptor, DATABASE_UID, DATABASE_UID)
                file.write(secrets.token_urlsafe(SECRET_OCTETS) + "\n")
            click.echo(f"made secrets/{name}, a random password of the database")
        read_secret(path)
