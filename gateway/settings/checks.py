"""
[checks.*] of gateway.toml: one frozen model per kind of check.

A check has one set of patterns, extensions and limits for the whole site; what differs between policies is what they
make of its findings ([policies.*.verdicts]).  Every key has a default but what cannot have one.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings import grammar
from gateway.settings.grammar import Dnsbl, Duration, FieldName, FileName, Hostname, Identifier, Regex, Size
from gateway.settings.table import Table

OnError = Literal["defer", "pass", "hold"]
Extension = Annotated[str, AfterValidator(grammar.extension)]


class Check(Table):
    """What every check has."""

    on_error: OnError = Field("defer", description="What follows when the check cannot do its work.")
    timeout: Duration = Field(30, description="How long it may take for one message.")


class Gtube(Check):
    """[checks.gtube]: the line spam filters are tested with."""


class HeaderPattern(Table):
    """[[checks.headers.patterns]]: a pattern for the decoded text of header fields."""

    name: Identifier = Field(description='The finding is "headers.NAME".')
    field: FieldName | None = Field(None, description="Name of the header field; all of them unless given.")
    pattern: Regex = Field(description="RE2, found anywhere in the field's body; case-insensitive.")


class Headers(Check):
    """[checks.headers]: patterns in the header section."""

    patterns: list[HeaderPattern] = Field([], description="In their order; each is a finding of its own.")


class BodyPattern(Table):
    """[[checks.body.patterns]]: a pattern for the decoded text of text parts."""

    name: Identifier = Field(description='The finding is "body.NAME".')
    pattern: Regex = Field(description="RE2, found anywhere in a text part; case-insensitive.")


class Body(Check):
    """[checks.body]: patterns in text parts, transfer encoding and charset undone."""

    patterns: list[BodyPattern] = Field([], description="In their order; each is a finding of its own.")
    max_text: Size = Field(2 * 2**20, description="How much of a message's decoded text is looked at.")
    incomplete: bool = Field(False, description="Report a message with more text than max_text as a finding.")


_GROUPS = {
    "executable": "bat chm cmd com cpl dll exe hta jar jse lnk msi msp pif ps1 reg scr vbe vbs wsf wsh",
    "script": "js mjs py sh",
    "macro": "docm dotm pptm xlam xlsm xltm",
    "image": "img iso vhd vhdx",
}


class Attachments(Check):
    """[checks.attachments]: names, types and archives."""

    groups: dict[Identifier, list[Extension]] = Field(
        {name: extensions.split() for name, extensions in _GROUPS.items()},
        description="group = extensions; the finding is attachments.GROUP.",
    )
    mismatch: bool = Field(True, description="Report a type that the first octets do not bear out.")
    encrypted: bool = Field(True, description="Report archives that cannot be looked into for a password.")
    archives: bool = Field(True, description="Look at the names inside zip, tar, gz, bz2, xz and 7z.")
    max_depth: int = Field(3, ge=1, le=10, description="Archives within archives.")
    max_entries: int = Field(10_000, ge=1, le=1_000_000, description="Names in all archives of a message.")
    max_ratio: int = Field(100, ge=1, le=10_000, description="Octets that may come out of one octet.")
    max_unpacked: Size = Field(200 * 2**20, description="Octets that may come out of all archives of a message.")


class Structure(Check):
    """[checks.structure]: MIME that software reads in different ways."""

    max_depth: int = Field(30, ge=1, le=100, description="Levels of parts within parts.")
    max_parts: int = Field(500, ge=1, le=1000, description="Parts of a message.")
    ignore: list[Identifier] = Field(
        ["bad-parameter", "unclosed"],  # each in one of 4,150 ordinary messages; of the other findings there was none
        description="Findings not to report, by name.",
    )


class Auth(Check):
    """[checks.auth]: SPF, DKIM, DMARC and ARC of mail from outside."""

    authserv_id: Hostname | None = Field(
        None, description="Name in Authentication-Results; gateway.hostname unless set."
    )
    trusted_sealers: list[Hostname] = Field([], description="Domains whose ARC seals may vouch for failed DMARC.")


class Clamav(Check):
    """[checks.clamav]: viruses, by clamd."""

    address: Annotated[str, AfterValidator(grammar.scanner)] | None = Field(
        None, description="host:port of clamd; the appliance's own (profile clamav) unless set."
    )
    encrypted: bool = Field(False, description="Report what clamd calls Heuristics.Encrypted as a finding of its own.")


class Rspamd(Check):
    """[checks.rspamd]: spam, by rspamd."""

    address: Annotated[str, AfterValidator(grammar.scanner)] | None = Field(
        None, description="host:port of its normal worker; the appliance's own (profile rspamd) unless set."
    )
    spam_score: float = Field(6.0, ge=0, le=1000, description='From here on the finding is "rspamd.probable".')
    reject_score: float = Field(15.0, ge=0, le=1000, description='From here on the finding is "rspamd.spam".')
    add_fields: bool = Field(False, description="Add X-Spam-Score and X-Spam-Status to what passes.")


class Command(Check):
    """[checks.command.<name>]: a program of your own, by the conventions of FILTER_README's simple filter."""

    program: FileName = Field(description="File in the directory commands beside this file, executable.")
    edits: bool = Field(False, description="What it writes to stdout replaces the message.")
    memory: Size = Field(256 * 2**20, description="Address space it may use.")
    cpu: Duration = Field(10, description="Processor time it may use.")
    files: Size = Field(64 * 2**20, description="Size of a file it may write, in its own temporary directory.")
    processes: int = Field(32, ge=1, le=512, description="Processes it may have at once.")


class Urls(Check):
    """[checks.urls]: host names in text and HTML, looked up in domain blocklists."""

    lists: list[Dnsbl] = Field([], description="zone or zone=answers, such as dbl.spamhaus.org=127.0.1.[2..99].")
    max_names: int = Field(100, ge=1, le=1000, description="Names of one message that are asked about.")
    ignore: list[Hostname] = Field([], description="Domains never to ask about, with their sub-domains.")


class Checks(Table):
    """[checks]: what the checks look for, and what follows when they cannot."""

    gtube: Gtube = Gtube()
    headers: Headers = Headers()
    body: Body = Body()
    attachments: Attachments = Attachments()
    structure: Structure = Structure()
    auth: Auth = Auth()
    clamav: Clamav = Clamav()
    rspamd: Rspamd = Rspamd()
    urls: Urls = Urls()
    command: dict[Identifier, Command] = Field({}, description='Programs by name; policies say "command:NAME".')

    def named(self, name: str) -> Check | None:
        """Return the check that a policy names, or None where there is none."""
        kind, _, instance = name.partition(":")
        if kind == "command":
            return self.command.get(instance)
        found = getattr(self, kind, None) if not instance else None
        return found if isinstance(found, Check) else None

    def names(self) -> list[str]:
        """Return all names that a policy may use."""
        kinds = [name for name in type(self).model_fields if name != "command"]
        return [*kinds, *(f"command:{name}" for name in self.command)]
