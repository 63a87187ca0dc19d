"""
The containers that are asked, scanners and the directory's database: which of them the file wants to run, and what each
is told by its environment and in secrets.

They take no generation of rendered files: the little they need comes with the container, which is recreated when
that changes, as for a new port.  Sizes are those of the filter, so that none of them refuses what it takes.
"""

from __future__ import annotations

from gateway.render import dovecot
from gateway.settings.grammar import DATABASE_HOST
from gateway.settings.load import Configuration
from gateway.settings.models import Settings
from gateway.settings.sizes import FILTER_HEADROOM


def wanted(settings: Settings) -> set[str]:
    """Return the services that are needed: those whose check a policy names without an address, and the database."""
    named = {name.partition(":")[0] for policy in settings.policies.values() for name in policy.checks}
    addresses = {"clamav": settings.checks.clamav.address, "rspamd": settings.checks.rspamd.address}
    services = {name for name, address in addresses.items() if name in named and address is None}
    services |= {"database"} if has_database(settings) else set()
    return services | ({"runner"} if "command" in named else set())


def has_database(settings: Settings) -> bool:
    """Return whether the directory is in the appliance's own database."""
    url = settings.directory.url
    return url is not None and url.host == DATABASE_HOST


def secrets(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the secrets that services are given: service -> name -> file in secrets/."""
    url, directory = settings.directory.url, settings.directory
    if url is None or url.scheme == "sqlite":
        return {}
    reading = {"directory-password": directory.password}
    both = reading | {"directory-admin-password": directory.admin_password}
    asking = ["postfix-pre", "postfix-post", *(["dovecot"] if dovecot.wanted(settings) else [])]
    return dict.fromkeys(asking, reading) | ({"database": both} if has_database(settings) else {})


def environment(configuration: Configuration) -> dict[str, dict[str, str]]:
    """Return what each service is told, the scanners whether they are wanted or not: service -> variables."""
    settings, topology = configuration.settings, configuration.topology
    slots = str(settings.filter.max_transactions)
    max_message = str(settings.gateway.message_size_limit + FILTER_HEADROOM)
    told = {
        "clamav": {
            "LISTEN": str(topology.address("clamav", "scanners")),
            "MAX_MESSAGE": max_message,
            "THREADS": slots,
            "ENCRYPTED": "yes" if settings.checks.clamav.encrypted else "no",
        },
        "rspamd": {"LISTEN": str(topology.address("rspamd", "scanners")), "MAX_MESSAGE": max_message},
        "runner": {"SLOTS": slots},
    }
    url = settings.directory.url
    if url is None or not has_database(settings):
        return told
    listen = str(topology.address("database", "directory"))
    names = {"DATABASE": url.name, "READER": url.user, "ADMIN": settings.directory.admin}
    return told | {"database": {"LISTEN": listen, **names}}
