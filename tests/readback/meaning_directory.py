"""What a directory means to both gates: the tables that each parameter asks, in order, behind those of the file."""

from __future__ import annotations

from pathlib import Path

from gateway.settings.load import Configuration

FOLDER = Path("/run/directory")  # where a gate's start puts the tables; postconf looks into each
PRE = {
    "relay_domains": ["domains"],
    "relay_recipient_maps": ["mailboxes", "aliases", "postmasters", "relayed"],
}
POST = {
    "virtual_mailbox_domains": ["mailbox-domains"],
    "virtual_mailbox_maps": ["mailboxes"],
    "virtual_alias_domains": ["alias-domains"],
    "virtual_alias_maps": ["aliases", "kept", "postmasters"],
    "relay_domains": ["relay-domains"],
    "transport_maps": ["transport"],
}
PROXYMAP = {"proxymap/unix": {"daemon_timeout": "15s"}}
VERIFIED = f"check_recipient_access proxy:mysql:{FOLDER}/verified"


def with_tables(configuration: Configuration, parameters: dict[str, str], of: dict[str, list[str]]) -> dict[str, str]:
    """Return parameters with the tables of a MariaDB directory behind, where there is one."""
    if configuration.settings.directory.url is None:
        return parameters
    asked = {name: " ".join(f"proxy:mysql:{FOLDER}/{table}" for table in tables) for name, tables in of.items()}
    return parameters | {name: f"{parameters[name]} {tables}".strip() for name, tables in asked.items()}


def put(directory: Path) -> None:
    """Put a gate's tables where main.cf names them."""
    FOLDER.mkdir(exist_ok=True)
    for table in directory.glob("directory-*"):
        made = FOLDER / f".{table.name}.{id(table)}"
        made.write_text(table.read_text(encoding="utf-8"), encoding="utf-8")
        made.replace(FOLDER / table.name.removeprefix("directory-"))
