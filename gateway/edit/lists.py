"""
lists: the link to the archive, in the header section and at the foot of what a list sends.

List mail is what names the list in List-Id, or has it among its recipients.  The former is what a list manager sends
to the members; the latter is on its way to the list, which matters where the list is an alias that gate 2 expands, or
its manager sends past this gateway.  Where both pass, the link is made on the way in and found on the way out:

    a message that has our Archived-At, or the footer, is left alone, however often it passes.

Archived-At of other archives stay: a message that went through two lists is in both (RFC 5064 section 2.2).

A footer breaks the signatures that others made of the body, and with them DMARC of the author's domain.  So where
there is one (DKIM-Signature, or the message signature of ARC) the link is in the header section alone, unless the
message gets a signature of its author's domain here, after all edits.  A signature whose h= has Archived-At or
Message-ID-Hash breaks already by that field, which then is left out.

Log levels: INFO a message that gets no link, or none at its foot, with the reason.
"""

import logging
import re
from collections.abc import Sequence

from gateway.edit.archive import MailingList, archive_url, message_id, message_id_hash
from gateway.edit.footer import Present, Unfit, footer
from gateway.message.edit import Splice
from gateway.message.envelope import Envelope
from gateway.message.header import Header
from gateway.message.mail import MailObject

log = logging.getLogger(__name__)

_LIST_ID = re.compile(rb"<[ \t]*([^<>\s]{1,255})[ \t]*>[ \t]*\Z")  # RFC 2919 section 2; what stands before is a phrase
_SIGNED = re.compile(rb"(?:\A|;)\s*h\s*=([^;]*)")
_SIGNATURES = (b"DKIM-Signature", b"ARC-Message-Signature")


def lists_of(envelope: Envelope, header: Header, lists: Sequence[MailingList]) -> list[MailingList]:
    """Give the lists that a message is mail of."""
    named = {match[1].lower() for field in header.all(b"List-Id") if (match := _LIST_ID.search(field.value))}
    recipients = {recipient.path.lower() for recipient in envelope.recipients}
    return [
        each
        for each in lists
        if each.list_id.encode("ascii") in named or (each.posts and each.address.encode("ascii") in recipients)
    ]


def link(mail: MailObject, lists: Sequence[MailingList], *, signed_after: bool) -> list[Splice]:
    """
    Give the splices that link a message to the archives of its lists.

    Args:
        mail: The message.
        lists: All lists there are.
        signed_after: The author's domain signs the message here.
    """
    mine = lists_of(mail.envelope, mail.header, lists)
    if not mine:
        return []
    identifier = message_id(mail.header)
    if identifier is None or mail.content[mail.header.stop - 1 : mail.header.stop] != b"\n":
        _tell(mail, "no link", "no Message-ID, or not a good one")
        return []
    links = [(each, url) for each in mine if (url := archive_url(each, identifier))]
    new = [(each, url) for each, url in links if not _has(mail.header, url)]
    if not new:
        return []
    try:
        splices = _foot(mail, new, signed_after=signed_after)
    except Present:
        return []
    kept = frozenset[bytes]() if signed_after else _in_signatures(mail.header)
    if b"archived-at" not in kept:
        splices += _archived_at(mail.header, new)
    if b"message-id-hash" not in kept:
        splices += _hash(mail.header, message_id_hash(identifier).encode("ascii"))
    return splices


def _tell(mail: MailObject, what: str, cause: str) -> None:
    log.info(what, extra={"fields": {"pre": mail.client.queue_id_pre, "cause": cause}})


def _has(header: Header, url: str) -> bool:
    """Tell whether a message is linked to already; the address may be folded anywhere (RFC 5064 section 2.1)."""
    wanted = b"<" + url.encode("ascii") + b">"
    return any(b"".join(field.value.split()) == wanted for field in header.all(b"Archived-At"))


def _foot(mail: MailObject, links: Sequence[tuple[MailingList, str]], *, signed_after: bool) -> list[Splice]:
    """
    Give the splices of the footer; none where it does not fit.

    Raises:
        Present: the message has it.
    """
    lines = [(each.footer, url) for each, url in links if each.link == "footer"]
    if not lines:
        return []
    if not signed_after and any(mail.header.first(name) for name in _SIGNATURES):
        _tell(mail, "no footer", "signed by others")
        return []
    try:
        return footer(mail, lines)
    except Present:
        raise
    except Unfit as unfit:
        _tell(mail, "no footer", str(unfit))
        return []


def _in_signatures(header: Header) -> frozenset[bytes]:
    """Give the names of header fields that a signature covers, in lower case (RFC 6376 section 3.5, h=)."""
    values = [match[1] for name in _SIGNATURES for field in header.all(name) if (match := _SIGNED.search(field.value))]
    return frozenset(name.strip().lower() for value in values for name in value.split(b":"))


def _archived_at(header: Header, links: Sequence[tuple[MailingList, str]]) -> list[Splice]:
    fields = [b"Archived-At: <" + url.encode("ascii") + b">\r\n" for each, url in links if each.link != "none"]
    return [Splice(header.stop, header.stop, b"".join(fields))] if fields else []


def _hash(header: Header, value: bytes) -> list[Splice]:
    """Give the splices that make one Message-ID-Hash of whatever there is; none when it is there."""
    found = list(header.all(b"Message-ID-Hash"))
    if found and all(field.value == value for field in found):
        return []
    removed = [Splice(field.start, field.stop, b"") for field in found]
    return [*removed, Splice(header.stop, header.stop, b"Message-ID-Hash: " + value + b"\r\n")]
