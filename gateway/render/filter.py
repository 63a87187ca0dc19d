"""The yard's files: supervisord.conf, and what each worker is told."""

from __future__ import annotations

from typing import Any

import tomlkit

from gateway.render import postfix
from gateway.render.routes import doors
from gateway.render.templates import fill
from gateway.settings.checks import Auth, Check, Clamav, Command, Rspamd
from gateway.settings.grammar import Network
from gateway.settings.load import Configuration
from gateway.settings.models import Settings
from gateway.settings.policies import Policy
from gateway.settings.sizes import FILTER_HEADROOM, worker_transactions

QUARANTINE = "/var/lib/sallyport/quarantine"  # in the filter's container
SECRETS = "/secrets"  # there too: config/secrets of the host, read-only
DRAIN_TIMEOUT_S = 50  # less than stop_grace_period in compose.yaml
SOCKET_FD = 100  # of the listening socket, in supervisord; its own descriptors are below, or closed at exec


def render_filter(configuration: Configuration) -> dict[str, str]:
    """Return the filter's files: name -> text."""
    settings, topology = configuration.settings, configuration.topology
    values = {
        "listen": topology.filter,
        "socket_fd": SOCKET_FD,
        "workers": settings.filter.workers,
        "worker_transactions": worker_transactions(settings),
        "post_reinject": topology.post_reinject,
        "helo_name": f"filter.{settings.gateway.hostname}",
        "max_message_octets": settings.gateway.message_size_limit + FILTER_HEADROOM,
        "recipient_limit": postfix.RECIPIENT_LIMIT,
        "reply_timeout": settings.filter.reply_timeout,
        "commit_timeout": settings.filter.commit_timeout,
        "transaction_timeout": settings.filter.transaction_timeout,
        "drain_timeout": DRAIN_TIMEOUT_S,
        "log_format": settings.log.format,
        "log_level": settings.log.level,
        "pre_scan_address": topology.address("postfix-pre", "scan"),
        "inside": [str(network) for network in inside(settings)],
        "doors": doors(settings, topology),
        "quarantine": QUARANTINE if _may_hold(settings) else "",
        "quarantine_max_octets": settings.quarantine.max_size,
        "quarantine_retention": settings.quarantine.retention,
        "checks": toml({"checks": checks(configuration)}),
        "policies": toml({"policies": {name: _policy(settings, policy) for name, policy in settings.policies.items()}}),
        "lists": toml({"lists": lists(settings)}),
        "dkim": toml({"dkim": keys(settings)}),
    }
    return {name: fill(f"filter/{name}", values) for name in ("supervisord.conf", "filter.toml")}


def toml(tables: dict[str, Any]) -> str:
    """Write tables as TOML; the line end is the template's."""
    return tomlkit.dumps(tables).rstrip("\n")


def inside(settings: Settings) -> list[Network]:
    """Return the networks whose clients may relay somewhere: their mail is from inside."""
    names = [name for listener in settings.listen.values() for name in (*listener.networks, *listener.trusted)]
    return list(dict.fromkeys(network for name in names for network in settings.networks[name]))


def checks(configuration: Configuration) -> dict[str, dict[str, Any]]:
    """Return what each check is told that a policy names: by name, durations in seconds, sizes in octets."""
    settings = configuration.settings
    names = dict.fromkeys(name for policy in settings.policies.values() for name in policy.checks)
    return {name: _check(configuration, name) for name in names}


def _check(configuration: Configuration, name: str) -> dict[str, Any]:
    check = configuration.settings.checks.named(name)
    if check is None:
        raise LookupError(f"no check {name}")  # the rules across tables have refused it
    told = check.model_dump(exclude={"on_error", "timeout"}, exclude_none=True)
    return {"timeout_s": check.timeout} | told | _derived(configuration, name, check)


def _derived(configuration: Configuration, name: str, check: Check) -> dict[str, Any]:
    """Return what a check is told beside its own table."""
    if isinstance(check, Auth):
        hostname = configuration.settings.gateway.hostname
        # RFC 7208 section 4.6.4 wants 20 s at least; the results must be there before the check's own time is up.
        return {"authserv_id": check.authserv_id or hostname, "dns_timeout_s": min(20.0, check.timeout * 2 / 3)}
    if isinstance(check, Clamav | Rspamd) and check.address is None:
        return {"address": str(configuration.topology.scanner(name))}
    if isinstance(check, Command):
        return {"max_octets": configuration.settings.gateway.message_size_limit + FILTER_HEADROOM}
    return {}


def _policy(settings: Settings, policy: Policy) -> dict[str, Any]:
    """Return what a worker is told of a policy; what is empty is left out."""
    on_error = {name: check.on_error for name in policy.checks if (check := settings.checks.named(name))}
    told = {
        "checks": policy.checks,
        "outside": policy.outside,
        "inside": policy.inside,
        "subject_prefix": policy.tag.subject_prefix,
        "verdicts": policy.verdicts,
        "verdicts_inside": policy.verdicts_inside,
        "on_error": on_error,
        "tag_fields": policy.tag.fields,
    }
    return {key: value for key, value in told.items() if value or key == "checks"}


def lists(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what a worker is told of each list, by address."""
    return {
        address: each.model_dump() | {"list_id": (each.list_id or address.replace("@", ".")).lower()}
        for address, each in settings.lists.items()
    }


def keys(settings: Settings) -> dict[str, dict[str, str]]:
    """Return where a worker finds each domain's key; what is in the file is nobody's business here."""
    return {
        domain: {"selector": key.selector, "key_file": f"{SECRETS}/{key.key_file}"}
        for domain, key in settings.dkim.items()
    }


def _may_hold(settings: Settings) -> bool:
    """Tell whether anything can be held: a policy with checks."""
    return any(policy.checks for policy in settings.policies.values())
