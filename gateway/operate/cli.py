"""
The `gateway` command.  Each command is where COMMANDS says, and is imported when it is asked for: most run in a
container of their own that starts for nothing else, and waits for all that is imported.

What needs the engine (reload, restart, health) is done by scripts/ on the host, which call these commands; no
container holds the engine's socket.

Exit codes: 0 done; 1 failed, the reason on stderr; 2 wrong usage; 3 mistakes in gateway.toml, all of them on
stderr as FILE:LINE:COL: key: what is wrong; what is expected.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {  # name -> module of gateway.operate, and what it is there
    "alias": "people:alias",
    "backup": "backup:backup",
    "block": "sender:block",
    "changes": "generation:changes",
    "check": "check:check",
    "compose": "generation:compose",
    "directory": "directory:directory",
    "doctor": "doctor:doctor_command",
    "domain": "people:domain",
    "explain": "explain:explain_command",
    "filter": "filter:filter_command",
    "flip": "generation:flip",
    "mailbox": "mailboxes:mailbox",
    "plan": "plan:plan",
    "quarantine": "quarantine:quarantine",
    "reference": "reference:reference",
    "render": "generation:render_command",
    "schema": "reference:schema",
    "show": "show:show_command",
    "stage": "generation:stage",
    "unblock": "sender:unblock",
}


class Commands(click.Group):
    """Finds its commands when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        module, _, name = COMMANDS.get(cmd_name, "").partition(":")
        command: click.Command | None = getattr(import_module(f"gateway.operate.{module}"), name) if module else None
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sallyport")
def main() -> None:
    """Render, check and change the appliance that gateway.toml describes."""
