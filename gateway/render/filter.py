"""The yard's files: supervisord.conf, and what each worker is told."""

from __future__ import annotations

from gateway.render import postfix
from gateway.render.templates import fill
from gateway.settings.load import Configuration

DRAIN_TIMEOUT_S = 50  # less than stop_grace_period in compose.yaml
SOCKET_FD = 100  # of the listening socket, in supervisord; its own descriptors are below, or closed at exec


def render_filter(configuration: Configuration) -> dict[str, str]:
    """Return the filter's files: name -> text."""
    settings, topology = configuration.settings, configuration.topology
    values = {
        "listen": topology.filter,
        "socket_fd": SOCKET_FD,
        "workers": settings.filter.workers,
        "worker_transactions": postfix.worker_transactions(settings),
        "post_reinject": topology.post_reinject,
        "helo_name": f"filter.{settings.gateway.hostname}",
        "max_message_octets": settings.gateway.message_size_limit + postfix.FILTER_HEADROOM,
        "recipient_limit": postfix.RECIPIENT_LIMIT,
        "reply_timeout": settings.filter.reply_timeout,
        "commit_timeout": settings.filter.commit_timeout,
        "transaction_timeout": settings.filter.transaction_timeout,
        "drain_timeout": DRAIN_TIMEOUT_S,
        "log_format": settings.log.format,
        "log_level": settings.log.level,
        "pre_scan_address": topology.address("postfix-pre", "scan"),
        "policies": [{"name": name, "checks": policy.checks} for name, policy in settings.policies.items()],
    }
    return {name: fill(f"filter/{name}", values) for name in ("supervisord.conf", "filter.toml")}
