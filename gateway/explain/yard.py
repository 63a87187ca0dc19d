"""
What the filter would do: the worker's own code on the worker's own settings file, without a connection to anybody but
the scanners.

`make check` asks nobody: checks that ask others report what the case assumes of them, nothing unless it says so.
Nothing is signed, for the private keys of [dkim] are the running filter's alone; which one would sign is told.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.check.registry import Configured, kind_of
from gateway.edit.dkim import Key, Signer
from gateway.edit.plan import Standing
from gateway.explain.steps import Sent
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.judge import Judged, Means, judge
from gateway.message.envelope import UNAVAILABLE, Client, Envelope, Recipient, ReversePath
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.verdict import Finding, Report
from gateway.render.filter import render_filter
from gateway.settings.load import Configuration
from gateway.worker_settings import WorkerSettings, load

ASK_OTHERS = frozenset({"auth", "clamav", "rspamd", "urls", "command"})


class Yard:
    """The filter under a configuration."""

    def __init__(self, configuration: Configuration, assumed: Mapping[str, Sequence[str]] | None = None) -> None:
        """
        Prepare within a running loop.

        Args:
            configuration: The loaded file.
            assumed: Check -> reasons it reports, for those that ask others; None lets them ask.
        """
        self._settings = worker_settings(configuration)
        checks = self._settings.checks
        if assumed is not None:
            checks = {name: _assume(check, assumed.get(name, ())) for name, check in checks.items()}
        told = self._settings
        self._listen = configuration.settings.listen
        nowhere = Pool(told.next_hops, told.helo_name, Timeouts(1, 1, 1))  # never asked for a connection
        standing = Standing(told.lists, _signer(configuration))
        self._means = Means(
            nowhere, told.search_timeout_s, told.policies, checks, inside=told.inside, standing=standing
        )

    def policy(self, name: str) -> Policy:
        """Return a policy as the worker has it."""
        return self._settings.policies[name]

    async def judge(self, sent: Sent, recipients: Sequence[str], policy: str) -> Judged:
        """Let the filter look at the message, for the recipients that share a policy."""
        client = Client(
            {
                "NAME": _xtext(sent.client_name),
                "ADDR": _xtext(f"IPv6:{sent.client}" if sent.client.version == 6 else str(sent.client)),
                "HELO": _xtext(sent.helo),
                "SOURCE": b"LOCAL" if self._asks_for_login(sent) else b"REMOTE",
            }
        )
        envelope = Envelope(ReversePath(sent.reverse_path.encode()), [Recipient(path.encode()) for path in recipients])
        mail = MailObject(envelope, client, sent.content, self._means.from_inside(client), policy)
        return await judge(mail, self._settings.policies[policy], self._means)

    def key(self, mail: MailObject) -> Key | None:
        """Return the key that a message would be signed with, without what is private."""
        return self._means.standing.key_for(mail.header, inside=mail.inside)

    def _asks_for_login(self, sent: Sent) -> bool:
        return self._listen[sent.listener or next(iter(self._listen))].auth


def worker_settings(configuration: Configuration) -> WorkerSettings:
    """Return what a worker would read from its rendered file, but for keys."""
    settings = configuration.settings.model_copy(update={"dkim": {}})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filter.toml"
        path.write_text(render_filter(replace(configuration, settings=settings))["filter.toml"], encoding="utf-8")
        return load(path)


def _signer(configuration: Configuration) -> Signer | None:
    keys = {
        domain: Key(domain.encode("ascii"), told.selector.encode("ascii"), b"", None)
        for domain, told in configuration.settings.dkim.items()
    }
    return Signer(keys) if keys else None


class _Assumed:
    """A check that reports what it is told to."""

    def __init__(self, name: str, reasons: Sequence[str]) -> None:
        self._report = Report([Finding(name, reason, "assumed") for reason in reasons])

    async def examine(self, mail: MailObject) -> Report:
        del mail
        return self._report


def _assume(check: Configured, reasons: Sequence[str]) -> Configured:
    if kind_of(check.name) not in ASK_OTHERS and not reasons:
        return check
    return replace(check, check=_Assumed(check.name, reasons), edits=False)


def _xtext(text: str) -> bytes:
    """Encode as XFORWARD does (RFC 3461 section 4)."""
    octets = text.encode()
    return b"".join(b"%c" % o if 33 <= o <= 126 and o not in b"+=" else b"+%02X" % o for o in octets) or UNAVAILABLE
