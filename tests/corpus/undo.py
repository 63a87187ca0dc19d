"""
The edits of edits.py undone by other means than they were made by: what is left must be the message that came.

Nothing of the gateway is asked.  Header fields are counted off line by line.  In the body, whatever was not there
before must be the line with the link, or a part that is nothing else; and what is gone can be one group of base64 at
most, which must be there again among what was put in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

PREFIX = b"[SEARCHED]"  # of the Subject
TAGS = (b"X-Searched: yes\r\n", b"X-Mailer: removed\r\n")  # half of all old mail has an X-Mailer of its own
ARCHIVE = b"https://l.test/"  # the hash follows
LINE = b"Archived: "  # the link follows
NO_LINK, HEADER_ALONE, TEXT, OWN_PART = "no link", "link in the header alone", "link in the text", "link as a new part"

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_NEW_PART = re.compile(
    rb"--([^\r\n]+)\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Disposition: inline\r\n\r\n(.*)\r\n",
    re.DOTALL,
)
_ANCHOR = 24  # octets by which a place behind what was put in is known again
_MOST = 2000  # octets that one edit puts in
_REACH = 8  # octets around an edit within which its groups of base64 begin and end


class NotUndoneError(Exception):
    """Something is not as it came; the text says what."""


def undo(before: bytes, after: bytes) -> str:
    """
    Compare a message with what the edits made of it.

    Returns:
        Where the link is: NO_LINK, HEADER_ALONE, TEXT or OWN_PART.

    Raises:
        NotUndoneError: an octet differs that no edit names, or an edit is missing.
    """
    came, body = _split(before)
    left, new_body = _split(after)
    expected = [_prefixed(field) for field in came if _name(field) not in (b"x-searched", b"x-mailer")]
    expected += TAGS
    if b"subject" not in map(_name, came):
        expected.append(b"Subject: " + PREFIX + b"\r\n")
    for number, field in enumerate(expected):
        if left[number : number + 1] != [field]:
            raise NotUndoneError(f"header field {number + 1} of {len(expected)} differs")
    digest = _hash(came)
    links = [b"Archived-At: <" + ARCHIVE + digest + b">\r\n", b"Message-ID-Hash: " + digest + b"\r\n"] if digest else []
    if (more := left[len(expected) :]) not in ([], links):
        raise NotUndoneError(f"{len(more)} header fields more than expected")
    kinds = {_judge(body, new_body, change, ARCHIVE + digest) for change in _changes(body, new_body)}
    if kinds and not more:
        raise NotUndoneError("a link at the foot, and none in the header")
    return max(kinds, default=HEADER_ALONE if more else NO_LINK)


# -- header


def _split(content: bytes) -> tuple[list[bytes], bytes]:
    """Give the fields, each with its folded lines, and all that follows."""
    fields: list[bytearray] = []
    taken = 0
    for line in (line + b"\n" for line in content.split(b"\n")[:-1]):
        if fields and line[:1] in (b" ", b"\t"):
            fields[-1] += line
        elif _FIELD.match(line):
            fields.append(bytearray(line))
        else:
            break
        taken += len(line)
    return list(map(bytes, fields)), content[taken:]


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].rstrip().lower()


def _prefixed(field: bytes) -> bytes:
    """Give a field as it must leave: a Subject gets the prefix before whatever it has."""
    if _name(field) != b"subject":
        return field
    name, colon, rest = field.partition(b":")
    return name + colon + b" " + PREFIX + (b"" if rest[:1] in b" \t\r" else b" ") + rest


def _hash(fields: list[bytes]) -> bytes:
    """Give the hash of the Message-ID as Mailman 3 has it; empty when there is not just one."""
    found = [re.search(rb"<([^<>]+)>", field) for field in fields if _name(field) == b"message-id"]
    if len(found) != 1 or found[0] is None:
        return b""
    return base64.b32encode(hashlib.sha1(found[0][1]).digest())


# -- body


@dataclass(frozen=True)
class Change:
    """Octets of the old body that became octets of the new one."""

    old: int
    removed: int
    new: int
    added: int


def _changes(before: bytes, after: bytes) -> Iterator[Change]:
    """Go through both bodies side by side, and find each place where they part until they meet again."""
    old = new = 0
    while True:
        same = _same(before, old, after, new)
        old, new = old + same, new + same
        if old == len(before) and new == len(after):
            return
        change = _meet(before, old, after, new)
        yield change
        old, new = old + change.removed, new + change.added


def _same(before: bytes, old: int, after: bytes, new: int, step: int = 65_536) -> int:
    """Count the octets that are the same from two places on."""
    count = 0
    while step:
        while (piece := before[old + count : old + count + step]) and len(piece) == step:
            if piece != after[new + count : new + count + step]:
                break
            count += step
        step //= 2
    return count


def _meet(before: bytes, old: int, after: bytes, new: int) -> Change:
    for removed in range(5):
        anchor = before[old + removed : old + removed + _ANCHOR]
        if old + removed > len(before):
            break
        if len(anchor) < _ANCHOR:
            at = len(after) - len(anchor) if after.endswith(anchor) else -1
        else:
            at = after.find(anchor, new, new + _MOST)
        if at >= new + (removed == 0):
            return Change(old, removed, new, at - new)
    raise NotUndoneError(f"octet {old} of the body differs, and nothing behind it is found again")


def _judge(before: bytes, after: bytes, change: Change, url: bytes) -> str:
    """
    Tell what was put in.

    Raises:
        NotUndoneError: it is not the link, or more is gone than was put in again.
    """
    if change.removed == 0:
        place = change.new
        while True:  # what begins as the text behind it does may as well stand further to the left
            if kind := _kind(after[place : place + change.added], url):
                return kind
            if place == 0 or after[place - 1] != after[place - 1 + change.added]:
                break
            place -= 1
    if _in_base64(before, after, change, url):
        return TEXT
    raise NotUndoneError(f"octet {change.old} of the body: {change.removed} gone, {change.added} put in")


def _kind(octets: bytes, url: bytes) -> str:
    """Tell in which form octets are the line with the link, lines ended and encoded as may be; empty for none."""
    if (match := _NEW_PART.fullmatch(octets)) and match[2] == LINE + url:
        return OWN_PART
    text = re.sub(rb"=[ \t]*\r\n", b"", octets.replace(b"\0", b"")).replace(b"=3D", b"=")
    html = b'<p>%b<a href="%b">%b</a></p>' % (LINE, url, url)
    forms = {
        newline * before + LINE + url + newline * behind
        for newline in (b"\r\n", b"\n")
        for before in (1, 2)
        for behind in (0, 1)
    }
    return TEXT if text.rstrip(b" ") in forms | {b"\r\n" + html + b"\r\n"} else ""


def _in_base64(before: bytes, after: bytes, change: Change, url: bytes) -> bool:
    """Tell whether a change is groups of base64, of which all octets are still there around the line with the link."""
    for left in range(_REACH):
        for right in range(_REACH):
            was = _decoded(before[max(change.old - left, 0) : change.old + change.removed + right])
            now = _decoded(after[max(change.new - left, 0) : change.new + change.added + right])
            if was is None or now is None:
                continue
            for place in range(len(was) + 1):
                end = len(now) - len(was) + place
                if now[:place] == was[:place] and now[end:] == was[place:] and _kind(now[place:end], url) == TEXT:
                    return True
    return False


def _decoded(octets: bytes) -> bytes | None:
    """Undo base64 of whole groups; None where it is none."""
    try:
        return base64.b64decode(octets.translate(None, b"\r\n \t"), validate=True)
    except binascii.Error:
        return None
