"""Configurations for tests: a small gateway.toml to add to, and a parser for the main.cf that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.settings.load import Configuration, load

GATEWAY = 'hostname = "mx.example.test"\npostmaster = "postmaster@example.test"\n'
LAN = '[networks]\nlan = ["10.20.0.0/24", "fd00:20::/64"]\n'
OUTSIDE = 'addresses = ["127.0.0.1:2525"]\n'
RELAY = 'deliver = "relay"\nnext_hop = "[192.0.2.25]:25"\n'  # the keys of a domain


def minimal(extra: str = "", *, gateway: str = "", outside: str = OUTSIDE, domain: str = "") -> str:
    """
    Return a gateway.toml that loads.

    Args:
        extra: More tables.
        gateway: More keys of [gateway].
        outside: The keys of [listen.outside].
        domain: More keys of [domains."example.test"], a mailbox domain whose one mailbox is the postmaster's.
    """
    return (
        f"schema = 1\n[gateway]\n{GATEWAY}{gateway}\n[listen.outside]\n{outside}\n"
        f'[domains."example.test"]\ndeliver = "mailbox"\n{domain}\n'
        f'[mailboxes]\nlist = ["postmaster@example.test"]\n{extra}\n'
    )


def configure(folder: Path, text: str, files: Mapping[str, str] | None = None) -> Configuration:
    """Write gateway.toml and the files beside it, and load them."""
    for name, content in (files or {}).items():
        (folder / name).write_text(content, encoding="utf-8")
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def parameters(main_cf: str) -> dict[str, str]:
    """Return the parameters of a main.cf, continuation lines joined by one blank."""
    found: dict[str, str] = {}
    name = ""
    for line in main_cf.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            found[name] = f"{found[name]} {line.strip()}".strip()
        else:
            name, equals, value = line.partition("=")
            name = name.strip()
            assert equals and name not in found, line
            found[name] = value.strip()
    return found


def entries(table: str) -> list[str]:
    """Return the lines of a table that are not comments."""
    return [line for line in table.splitlines() if line and not line.startswith("#")]
