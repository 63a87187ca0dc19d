"""Names that are derived from others, for all that is rendered."""

from __future__ import annotations

from gateway.settings.models import Settings


def outbound_hostname(settings: Settings) -> str:
    """Return gate 2's name."""
    return settings.gateway.outbound_hostname or f"out.{settings.gateway.hostname}"
