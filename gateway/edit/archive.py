"""
archive: where a message of a list is in the list's web archive, known before the archive has it.

An archive whose addresses come of the Message-ID can be linked to in the message itself; Mailman 2's own (pipermail)
counts messages instead, so nobody knows the address in advance.  Presets, each after the archive's own code:

    hyperkitty:BASE     BASE/list/ADDRESS/message/HASH/     Mailman 3's; BASE ends in /hyperkitty or /archives
    public-inbox:BASE   BASE/MESSAGE-ID/                    escaped as PublicInbox/MID.pm does: / and % are
    mail-archive        www.mail-archive.com/search?l=mid&q=MESSAGE-ID      over all lists it archives

HASH is Mailman 3's Message-ID-Hash: base32 of the SHA-1 of the Message-ID without its brackets.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote

from gateway.message.header import Header

MAX_URL = 900  # octets: field name and brackets around it stay below the 998 of a line (RFC 5322 section 2.1.1)
_PCHAR = "!$&'()*+,;=:@"  # what a path segment may hold beside unreserved characters, RFC 3986 section 3.3
_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]"
# Dots may stand together, as some programs make them; nothing quoted, no comment, no blank: nothing to be escaped.
_MESSAGE_ID = re.compile(rb"<(%b{1,500}@(?:%b{1,250}|\[[!-Z^-~]{1,250}\]))>" % (_ATEXT, _ATEXT))


@dataclass(frozen=True, slots=True)
class MailingList:
    """A list whose mail gets a link."""

    address: str  # in lower case
    list_id: str  # in lower case; what stands in the brackets of List-Id
    archive_url: str  # preset or template, as in the settings
    link: str = "header"  # header, footer or none; none gives Message-ID-Hash alone
    footer: str = "{url}"
    posts: bool = True  # also what is on its way to the list


def message_id(header: Header) -> bytes | None:
    """Give the Message-ID without its brackets; None when there is none, several, or it is no msg-id."""
    found = list(header.all(b"Message-ID"))
    match = _MESSAGE_ID.fullmatch(found[0].value) if len(found) == 1 else None
    return match[1] if match else None


def message_id_hash(identifier: bytes) -> str:
    """Give the hash of a Message-ID without brackets, as mailman.utilities.email.add_message_hash has it."""
    return base64.b32encode(hashlib.sha1(identifier, usedforsecurity=False).digest()).decode("ascii")


def archive_url(mailing_list: MailingList, identifier: bytes) -> str | None:
    """Give the address of a message in a list's archive: printable ASCII; None when it would be over MAX_URL."""
    address, text = mailing_list.address, identifier.decode("ascii")
    preset, _, base = mailing_list.archive_url.partition(":")
    if preset == "hyperkitty":
        url = f"{base.rstrip('/')}/list/{quote(address, safe='@')}/message/{message_id_hash(identifier)}/"
    elif preset == "public-inbox":
        url = f"{base.rstrip('/')}/{quote(text, safe=_PCHAR)}/"
    elif mailing_list.archive_url == "mail-archive":
        url = f"https://www.mail-archive.com/search?l=mid&q={quote(text, safe='')}"
    else:
        url = _fill(mailing_list.archive_url, address, identifier)
    return url if len(url) <= MAX_URL else None


def _fill(template: str, address: str, identifier: bytes) -> str:
    """Put values into a template, each percent-encoded, so that none is more than a part of a path or a query."""
    local, _, domain = address.rpartition("@")
    values = {
        "list": quote(address, safe="@"),
        "local": quote(local, safe=""),
        "domain": domain,
        "message_id": quote(identifier.decode("ascii"), safe=""),
        "message_id_hash": message_id_hash(identifier),
    }
    return re.sub(r"\{([a-z_]+)\}", lambda match: values[match[1]], template)
