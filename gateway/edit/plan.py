"""
All edits of a message that is to leave, as splices of the content the checks saw.

Order at one place: what the checks add, then the policy's tags, then the links of lists.  The signature is made last,
of the content as these leave it, and stands first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.edit.archive import MailingList
from gateway.edit.dkim import Key, Signer, sign
from gateway.edit.lists import link, lists_of
from gateway.edit.tag import tag
from gateway.message.edit import Splice, apply
from gateway.message.envelope import Envelope
from gateway.message.header import Header
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.verdict import Report


@dataclass(frozen=True, slots=True)
class Standing:
    """The edits that are made whatever the policy says."""

    lists: tuple[MailingList, ...] = ()
    signer: Signer | None = None

    def __bool__(self) -> bool:
        return bool(self.lists or self.signer is not None)

    def key_for(self, header: Header, *, inside: bool) -> Key | None:
        """Give the key that a message is to be signed with, if any."""
        return self.signer.key_for(header, inside=inside) if self.signer is not None else None

    def concern(self, envelope: Envelope, header: Header, *, inside: bool) -> bool:
        """Tell whether a message may get one of them, by what is known before its body."""
        return bool(lists_of(envelope, header, self.lists)) or self.key_for(header, inside=inside) is not None


NOTHING_STANDING = Standing()


def plan(
    mail: MailObject, policy: Policy, reports: Sequence[Report], standing: Standing, *, tagged: bool
) -> list[Splice]:
    """
    Collect the splices.

    Args:
        mail: As the editing checks left it.
        policy: Whose tag fields are meant.
        reports: Of all checks.
        standing: Lists and keys.
        tagged: The verdict asks for the tag fields.

    Raises:
        Deferral: the message could not be signed.
    """
    key = standing.key_for(mail.header, inside=mail.inside)
    splices = [splice for report in reports for splice in report.splices]
    if tagged:
        splices += tag(mail, policy)
    splices += link(mail, standing.lists, signed_after=key is not None)
    if key is not None and key.private is not None:
        splices.append(sign(key, mail, apply(mail.content, splices)))
    return splices
