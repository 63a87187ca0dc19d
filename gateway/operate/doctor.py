"""
`gateway doctor`: what is no mistake in gateway.toml, and an operator should know all the same.

It looks at the file, at the directory secrets beside it and at the rendered volume, and asks nobody: what needs the
daemons is for `make status`, and what they would refuse is for `make apply`.

Exit codes: 0 nothing that needs doing, though there may be notes; 1 failed, the reason on stderr; 2 wrong usage;
3 mistakes in gateway.toml; 4 at least one problem.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.directory.passwords import ready
from gateway.operate.options import answers, config_option, json_option, rendered_option
from gateway.render import dovecot
from gateway.render.logins import sender_logins
from gateway.render.tls import self_signed_name
from gateway.settings.accounts import PASSWORDS
from gateway.settings.certificates import FOLDER, Certificate, facts
from gateway.settings.load import Configuration, load

EXIT_PROBLEM = 4
SOON = timedelta(days=21)  # before a certificate expires: time to get another
_SMTP = 25
_PASSWORD = re.compile(r"(?P<login>[^:\s]+@[^:\s]+):(?P<hash>\{[^:\s]+)(?::.*)?")


@dataclass(frozen=True)
class Remark:
    """Something to know, and what to do about it."""

    level: Literal["problem", "note"]  # a problem needs doing
    about: str
    what: str
    do: str


def examine(configuration: Configuration, folder: Path, rendered: Path, now: datetime) -> Iterator[Remark]:
    """
    Look at everything.

    Args:
        configuration: The loaded file.
        folder: Where it is; secrets lie beside it.
        rendered: The rendered volume.
        now: For what expires.

    Raises:
        OSError: Something that is there cannot be read.
    """
    yield from _certificate(configuration, rendered, now)
    yield from _passwords(configuration, folder / FOLDER)
    yield from _modes(folder / FOLDER)
    yield from _listeners(configuration)
    yield from _blocklists(configuration)


def _certificate(configuration: Configuration, rendered: Path, now: datetime) -> Iterator[Remark]:
    """Yield what clients would find wrong with our certificate; only people's programs look at who has signed."""
    level: Literal["problem", "note"] = "problem" if dovecot.wanted(configuration.settings) else "note"
    hostname = configuration.settings.gateway.hostname
    certificate = configuration.certificate or _made(rendered / self_signed_name(hostname))
    if certificate is None:
        yield Remark("note", "certificate", "none has been made yet", "make up makes one")
        return
    if certificate.self_signed:
        what = f"signed by itself: mail programs warn of it; SHA-256 {certificate.fingerprint}"
        yield Remark(level, "certificate", what, "name one in [tls] certificate and key")
    if hostname not in certificate.names and f"*.{hostname.partition('.')[2]}" not in certificate.names:
        what = f"for {', '.join(certificate.names) or 'no name'}, not for {hostname}"
        yield Remark(level, "certificate", what, "get one for [gateway] hostname")
    if certificate.not_after <= now:
        yield Remark("problem", "certificate", f"expired {certificate.not_after:%Y-%m-%d}", "renew it, then make apply")
    elif certificate.not_after <= now + SOON:
        what = f"expires {certificate.not_after:%Y-%m-%d}"
        yield Remark("problem", "certificate", what, "renew it, then make apply")


def _made(path: Path) -> Certificate | None:
    return facts(path.read_bytes()) if path.exists() else None


def _passwords(configuration: Configuration, secrets: Path) -> Iterator[Remark]:
    """Yield why people could not log in; nothing of a line is shown but its number."""
    settings = configuration.settings
    if not dovecot.wanted(settings) or settings.directory.url is not None:
        return
    path = secrets / PASSWORDS
    about = f"{FOLDER}/{PASSWORDS}"
    if not path.exists():
        yield Remark("problem", about, "not there: every login is refused", "write it; docs/submission.md says how")
        return
    known = {entry.key for entry in sender_logins(settings)}
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        login = _login(line)
        if login is None:
            yield Remark("problem", about, f"line {number} is no ADDRESS:{{SCHEME}}HASH", "docs/submission.md says how")
        elif login.lower() not in known:
            what = f"line {number}: {login} is no address of ours, and could send as nobody"
            yield Remark("note", about, what, "list it in [mailboxes], or take it out")


def _login(line: str) -> str | None:
    """Return whose password a line of secrets/passwords has; None if it is no such line, or no hash slow to guess."""
    match = _PASSWORD.fullmatch(line)
    if match is None:
        return None
    with contextlib.suppress(ValueError):
        ready(match["hash"])
        return match["login"]
    return None


def _modes(secrets: Path) -> Iterator[Remark]:
    """Yield the secrets that others on this machine could read; no key can name a file that begins with a dot."""
    for path in sorted(secrets.glob("[!.]*")) if secrets.is_dir() else []:
        if path.is_file() and path.stat().st_mode & 0o077:
            about = f"{FOLDER}/{path.name}"
            yield Remark("problem", about, "may be read by others on this machine", f"chmod 400 {about}")


def _listeners(configuration: Configuration) -> Iterator[Remark]:
    """Yield why other sites could not send here."""
    addresses = [
        address
        for listener in configuration.settings.listen.values()
        if not listener.networks and not listener.auth
        for address in listener.addresses
    ]
    if configuration.settings.domains and not any(a.port == _SMTP and not a.ip.is_loopback for a in addresses):
        what = "none that everybody may use is at port 25 of a public address: other sites cannot send here"
        yield Remark("note", "listen", what, 'addresses = ["ADDRESS:25"], once this is the MX')


def _blocklists(configuration: Configuration) -> Iterator[Remark]:
    """Yield why blocklists may not answer: they know public resolvers, and refuse them."""
    settings = configuration.settings
    if settings.dnsbl.lists and settings.dns.forwarders:
        what = "asked through [dns] forwarders: lists refuse resolvers that many share, and then list nobody"
        yield Remark("problem", "dnsbl", what, "leave out forwarders, or forward to a resolver of your own")


@click.command("doctor")
@config_option
@rendered_option
@json_option
@answers
def doctor_command(config: Path, rendered: Path, *, as_json: bool) -> None:
    """
    Say what is no mistake and should be known all the same: certificates, passwords, modes, listeners.

    Exit code 4 when something needs doing.
    """
    remarks = list(examine(load(config), config.parent, rendered, datetime.now(UTC)))
    if as_json:
        click.echo(json.dumps([asdict(remark) for remark in remarks]))
    else:
        _print(remarks)
    if any(remark.level == "problem" for remark in remarks):
        sys.exit(EXIT_PROBLEM)


def _print(remarks: list[Remark]) -> None:
    if not remarks:
        click.echo("nothing to say")
        return
    table = Table("", "about", "what", "to do")
    for remark in sorted(remarks, key=lambda remark: remark.level != "problem"):
        style = "red" if remark.level == "problem" else ""
        table.add_row(Text(remark.level, style), *map(Text, (remark.about, remark.what, remark.do)))
    Console().print(table)
