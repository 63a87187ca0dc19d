"""How Postfix looks an address up in the tables we render.  Source: virtual(5), TABLE SEARCH ORDER."""

from __future__ import annotations


def without_extension(address: str, delimiter: str) -> str:
    """Return an address without its extension (recipient_delimiter), or as it is."""
    local, at, domain = address.rpartition("@")
    cut = local.find(delimiter, 1) if delimiter else -1
    return f"{local[:cut]}{at}{domain}" if cut > 0 else address
