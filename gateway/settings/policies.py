"""[policies.*], [lists.*], [dkim.*] and [quarantine] of gateway.toml: what is done with mail, as models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings import grammar
from gateway.settings.grammar import Duration, FieldName, FileName, Identifier, Size
from gateway.settings.table import Table

NONE = "none"  # the policy that is no policy: past the filter

Outcome = Annotated[str, AfterValidator(grammar.outcome)]
CheckName = Annotated[str, AfterValidator(grammar.check_name)]
FindingName = Annotated[str, AfterValidator(grammar.finding_name)]
Printable = Annotated[str, AfterValidator(grammar.printable)]


def redirect_target(outcome: str) -> str:
    """Return the address, or the next hop in brackets, that an outcome redirects to; empty for any other outcome."""
    return outcome.removeprefix("redirect:") if outcome.startswith("redirect:") else ""


class Tag(Table):
    """[policies.<name>.tag]: how mail with the verdict tag is marked."""

    fields: dict[FieldName, Printable] = Field({}, description="Header fields to add; copies that came are removed.")
    subject_prefix: Printable = Field("", description="Put before the Subject.")


class Policy(Table):
    """[policies.<name>]: what the filter looks for, and what it does about it."""

    checks: list[CheckName] = Field([], description="Names of checks to run.")
    outside: Outcome = Field("hold", description="What follows from a finding in mail from outside.")
    inside: Outcome = Field("reject", description="The same for clients that may relay or have authenticated.")
    verdicts: dict[FindingName, Outcome] = Field({}, description='"check.reason" or "check" = what follows instead.')
    verdicts_inside: dict[FindingName, Outcome] = Field({}, description="The same, for mail from inside alone.")
    tag: Tag = Tag()

    def outcomes(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield each outcome that is named here, and below which keys."""
        yield ("outside",), self.outside
        yield ("inside",), self.inside
        yield from self.findings()

    def findings(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Yield each outcome of a finding, and below which table and name."""
        for table, verdicts in (("verdicts", self.verdicts), ("verdicts_inside", self.verdicts_inside)):
            for finding, outcome in verdicts.items():
                yield (table, finding), outcome


class MailingList(Table):
    """[lists."<address>"]: the web archive of a mailing list, linked from each of its messages."""

    archive_url: Annotated[str, AfterValidator(grammar.archive_url)] = Field(
        description="hyperkitty:https://HOST, public-inbox:https://HOST/DIR, mail-archive, or a template over {list}, "
        "{local}, {domain}, {message_id} and {message_id_hash}."
    )
    list_id: Annotated[str, AfterValidator(grammar.hostname)] | None = Field(
        None, description="List-Id by which its mail is known, beside its recipient; the address with a dot for the @."
    )
    link: Literal["header", "footer", "none"] = Field(
        "header", description="footer also puts it at the message's foot."
    )
    footer: Annotated[str, AfterValidator(grammar.footer)] = Field(
        "{url}", description="The line at the foot, with {url} in it."
    )
    posts: bool = Field(True, description="false leaves what is on its way to the list; List-Id alone counts then.")


class Dkim(Table):
    """[dkim."<domain>"]: the key that signs what leaves for a domain, after all edits."""

    selector: Identifier = Field(description="SELECTOR._domainkey.DOMAIN has the public key.")
    key_file: FileName = Field(
        description="Private key (PEM, RSA or Ed25519) in the directory secrets beside this file."
    )


class Quarantine(Table):
    """[quarantine]: mail with the verdict hold."""

    retention: Duration = Field(30 * 86400, description="How long it is kept.")
    max_size: Size = Field(2 * 2**30, description="How much is kept in all; with more, mail to be held is deferred.")
