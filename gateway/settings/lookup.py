"""
How Postfix looks an address up in the tables we render.  Source: virtual(5), TABLE SEARCH ORDER.

It cuts at the first delimiter, and neither where nothing would be left nor in names of its own; where the delimiter is
"-", nor in those of list managers (recipient_delimiter, owner_request_special).
"""

from __future__ import annotations

_POSTFIX = frozenset({"mailer-daemon", "double-bounce"})


def without_extension(address: str, delimiter: str) -> str:
    """Return an address without its extension (recipient_delimiter), or as it is."""
    local, at, domain = address.rpartition("@")
    head, found, _ = local.partition(delimiter) if delimiter else (local, "", "")
    return f"{head}{at}{domain}" if head and found and not _whole(local.lower(), delimiter) else address


def _whole(local: str, delimiter: str) -> bool:
    of_a_list = delimiter == "-" and (local.startswith("owner-") or local.endswith("-request"))
    return of_a_list or local in _POSTFIX


def lookup_keys(address: str, delimiter: str) -> tuple[str, str, str]:
    """Return the keys under which an address is looked up, in order: itself, without its extension, @domain."""
    return address, without_extension(address, delimiter), "@" + address.rpartition("@")[2]
