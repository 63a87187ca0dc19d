"""
[directory], [mailstore] and [tls] of gateway.toml: where the people are kept, where their mail is, and the keys.

Without [directory] url the lists of the file itself are the directory, and their passwords stand in
secrets/passwords; with it domains, aliases and mailboxes are rows of a database, which the gates ask for each message.
Secrets are files beside gateway.toml, in secrets/, and never values of it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from gateway.settings import grammar
from gateway.settings.grammar import FileName, Size
from gateway.settings.table import Table

PASSWORDS = "passwords"  # in secrets/: of the mailboxes of this file
FILES = "/var/lib/sallyport/directory"  # where the volume `directory` is, with the files of sqlite:///NAME

Query = Annotated[str, AfterValidator(grammar.query)]
DirectoryUrl = Annotated[
    grammar.Database, grammar.text(grammar.database), WithJsonSchema({"type": "string", "pattern": "^[a-z]+://"})
]
_LISTEN = Annotated[grammar.SocketAddress, grammar.text(grammar.socket_address), WithJsonSchema({"type": "string"})]


class Queries(Table):
    """[directory.queries]: the questions to tables that are not ours; the first three, or none."""

    domains: Query | None = Field(None, description="A row for the domain %s, if mailboxes of it are here.")
    aliases: Query | None = Field(None, description="Targets of the address or @domain %s, separated by commas.")
    mailboxes: Query | None = Field(None, description="A row for the address %s, if it is a mailbox.")
    passwords: Query | None = Field(None, description="The columns user and password of the login %s.")
    quotas: Query | None = Field(None, description="The column quota of the mailbox %s: octets, 0 for no limit.")

    @property
    def given(self) -> bool:
        """Return whether the tables are somebody else's."""
        return bool(self.domains and self.aliases and self.mailboxes)


class Directory(Table):
    """[directory]: domains, aliases and mailboxes in a database, beside those of this file."""

    url: DirectoryUrl | None = Field(
        None,
        description="sqlite:///NAME, mysql://USER@HOST/DATABASE or postgresql://USER@HOST/DATABASE; HOST may be "
        '"database", the container of the appliance. The lists of this file are all there is unless set.',
    )
    password: FileName = Field("directory-password", description="File in secrets/ with the password of the gates.")
    admin: grammar.Identifier = Field("admin", description="User of the database who may change the tables.")
    admin_password: FileName = Field("directory-admin-password", description="File in secrets/ with that password.")
    queries: Queries = Queries()


class Mailstore(Table):
    """[mailstore]: Dovecot delivers into the Maildirs, with Sieve, and people read them by IMAP."""

    enabled: bool = Field(False, description="false: Postfix delivers; Maildirs stay what they are when this changes.")
    imaps: list[_LISTEN] = Field([], description="Addresses of the host for IMAP over TLS, such as 192.0.2.1:993.")
    managesieve: list[_LISTEN] = Field([], description="Addresses of the host for ManageSieve, such as 192.0.2.1:4190.")
    quota: Size | None = Field(None, description="Of each mailbox; none unless set.")
    over_quota: Literal["defer", "reject"] = Field("defer", description="452, or 552 that bounces.")
    sieve: FileName | None = Field(None, description="Site-wide script beside this file, run before each user's own.")


class Tls(Table):
    """[tls]: certificate and key of the listeners, and how mail leaves."""

    certificate: FileName | None = Field(
        None, description="PEM in secrets/: ours, then intermediates. One signed by itself is made unless set."
    )
    key: FileName | None = Field(None, description="PEM in secrets/, its private key.")
    authorities: FileName | None = Field(
        None,
        description="PEM in secrets/: who may sign next hops' certificates for secure; the public ones unless set.",
    )
    policies: dict[grammar.NextHop, Literal["none", "may", "encrypt", "dane", "secure"]] = Field(
        {}, description='domain or "[next hop]" = how mail to it is protected; may for all others.'
    )
