"""
The containers that checks ask: which of them the file wants to run, and what each is told by its environment.

They take no generation of rendered files: the little they need comes with the container, which is recreated when
that changes, as for a new port.  Sizes are those of the filter, so that none of them refuses what it takes.
"""

from __future__ import annotations

from gateway.settings.load import Configuration
from gateway.settings.models import Settings
from gateway.settings.sizes import FILTER_HEADROOM


def wanted(settings: Settings) -> set[str]:
    """Return the services that a policy needs: those whose check it names, and whose address is not given."""
    named = {name.partition(":")[0] for policy in settings.policies.values() for name in policy.checks}
    addresses = {"clamav": settings.checks.clamav.address, "rspamd": settings.checks.rspamd.address}
    services = {name for name, address in addresses.items() if name in named and address is None}
    return services | ({"runner"} if "command" in named else set())


def environment(configuration: Configuration) -> dict[str, dict[str, str]]:
    """Return what each service is told, whether it is wanted or not: service -> variables."""
    settings, topology = configuration.settings, configuration.topology
    slots = str(settings.filter.max_transactions)
    max_message = str(settings.gateway.message_size_limit + FILTER_HEADROOM)
    return {
        "clamav": {
            "LISTEN": str(topology.address("clamav", "scanners")),
            "MAX_MESSAGE": max_message,
            "THREADS": slots,
            "ENCRYPTED": "yes" if settings.checks.clamav.encrypted else "no",
        },
        "rspamd": {"LISTEN": str(topology.address("rspamd", "scanners")), "MAX_MESSAGE": max_message},
        "runner": {"SLOTS": slots},
    }
