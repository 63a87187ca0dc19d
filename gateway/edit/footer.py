"""
footer: lines at the foot of a message, as splices of its text parts.

    text/plain, text/html       behind the text; in HTML before </body>
    multipart/alternative       in each text of it
    multipart/related, mixed    in the first part, if that is text or has it
    multipart/mixed otherwise   a new part of text/plain at the end

Nothing is put into what somebody has signed or encrypted (multipart/signed, multipart/encrypted, S/MIME, PGP in plain
text), into messages within the message, or into attachments; and nothing at all where the structure can be read in
two ways, for then the foot might be somebody else's body.

Source: RFC 2046; RFC 3676 section 4 for format=flowed; RFC 1847; RFC 8551.
"""

import html
import re
from collections.abc import Sequence

from gateway.edit.charset import Writing, writing
from gateway.edit.transfer import Body, body_of, ends_line
from gateway.message.edit import Splice
from gateway.message.mail import MailObject
from gateway.message.mime import Mime, Part

MAX_TEXT = 1_048_576  # octets of an encoded text part; a longer one is not looked into
_ARMOUR = b"-----BEGIN PGP "
_HARMLESS = frozenset({"bad-encoding", "bad-parameter"})  # said of one part, they leave the others as they are
_END_OF_BODY = ("</body", "</html")


class Unfit(Exception):  # noqa: N818 - names what the message is
    """A message gets no footer; the text says why, for the log."""


class Present(Unfit):
    """A message has the footer already."""


def footer(mail: MailObject, lines: Sequence[tuple[str, str]]) -> list[Splice]:
    """
    Give the splices that put lines at the foot of a message.

    Args:
        mail: The message.
        lines: Each a line of printable ASCII, with {url} where the link stands, and the link.

    Raises:
        Unfit: it can have none.
        Present: it has one of them.
    """
    mime = mail.mime
    root = mime.parts[0]
    texts = _texts(mime, root)
    _refuse_doubts(mime, texts)
    if texts:
        splices = [_splice(mail, part, lines) for part in texts]
    elif root.type == "multipart/mixed" and root.closed and root.children:
        splices = [_new_part(root, lines)]
    else:
        raise Unfit(f"{root.type} without a text of its own")
    _keep_clear_of_boundaries(mime, splices)
    return splices


def _refuse_doubts(mime: Mime, texts: list[Part]) -> None:
    """Refuse a structure that can be read in two ways; what is said of an attachment alone leaves the others clear."""
    concerned = {part.start for part in mime.parts if part.is_multipart} | {part.start for part in texts}
    for anomaly in mime.anomalies:
        if anomaly.kind not in _HARMLESS or anomaly.place in concerned:
            raise Unfit(anomaly.kind)


def _texts(mime: Mime, part: Part) -> list[Part]:
    """Give the parts that are the message's own text, in all its versions."""
    if part.disposition not in ("", "inline"):
        return []
    if part.type in ("text/plain", "text/html"):
        return [part]
    children = [mime.parts[index] for index in part.children]
    if part.type == "multipart/alternative":
        return [text for child in children for text in _texts(mime, child)]
    if part.type in ("multipart/mixed", "multipart/related") and children and _is_root(children[0], part):
        return _texts(mime, children[0])
    return []


def _is_root(child: Part, parent: Part) -> bool:
    """Tell whether a first part is what is shown: multipart/related may name another (RFC 2387 section 3.2)."""
    identifier = child.header.first(b"Content-ID")
    start = parent.parameters.get("start")
    return start is None or (identifier is not None and identifier.value == start.encode("latin-1", "replace"))


def _splice(mail: MailObject, part: Part, lines: Sequence[tuple[str, str]]) -> Splice:
    """Give the splice for one text."""
    if not 0 < part.stop - part.body <= MAX_TEXT:
        raise Unfit("empty or too long a text")
    body = body_of(part.body, mail.content[part.body : part.stop], part.encoding)
    if body is None:
        raise Unfit("transfer encoding not certain")
    written = writing(part.parameters.get("charset", ""), body.text)
    if written is None or (written.wide and body.encoding != "base64"):
        raise Unfit("charset not certain")
    if body.text.find(_ARMOUR) >= 0:
        raise Unfit("PGP in plain text")
    if any(body.text.find(written.octets(url)) >= 0 for _, link in lines for url in (link, html.escape(link))):
        raise Present("it is there")
    if part.type == "text/html":
        return _into_html(part, body, written, lines)
    flowed = part.parameters.get("format", "").lower() == "flowed"
    return _append(body, written, [_line(*line, flowed=flowed) for line in lines])


def _line(line: str, url: str, *, flowed: bool) -> str:
    """Write one line of plain text; where lines flow, one that would be read as quoted gets a blank before it."""
    text = line.replace("{url}", url)
    return f" {text}" if flowed and text.startswith((">", "From ")) else text


def _append(body: Body, written: Writing, lines: list[str]) -> Splice:
    """
    Put lines behind a text, an empty one before them.

    It ends a paragraph that flows (RFC 3676 section 4.4).  The text ends with a line end only if it did before.
    """
    newline = "\r\n"
    if body.encoding == "base64" and body.text.endswith(written.octets("\n")):
        newline = "\r\n" if body.text.endswith(written.octets("\r\n")) else "\n"
    ended = ends_line(body, written.octets("\n"))
    return body.append(written.write(newline * (2 - ended) + newline.join(lines) + newline * ended))


def _into_html(part: Part, body: Body, written: Writing, lines: Sequence[tuple[str, str]]) -> Splice:
    """Put a paragraph before the end of the body, or behind it all where that is not marked."""
    shown = [
        html.escape(line).replace("{url}", f'<a href="{html.escape(url)}">{html.escape(url)}</a>')
        for line, url in lines
    ]
    text = f"\r\n<p>{'<br>\r\n'.join(shown)}</p>\r\n"
    place = _end_of_body(body, written)
    if place is None:
        return body.append(written.write(text))
    written = writing(part.parameters.get("charset", ""), body.text[: place[0]]) or written
    while len(written.write(text)) % body.groups_of:
        text += " "
    return body.put(*place, written.write(text))


def _end_of_body(body: Body, written: Writing) -> tuple[int, int] | None:
    """Give where </body> is, else </html>, in the text and in what is encoded; None for nowhere."""
    lower, width = body.text.lower(), len(written.octets("<"))
    for tag in _END_OF_BODY:
        at = lower.rfind(written.octets(tag))
        if at < 0 or at % width:
            continue
        if body.encoding != "quoted-printable":
            return at, at
        places = [match.start() for match in _quoted(tag).finditer(body.encoded)]
        if not places:
            raise Unfit("quoted-printable not certain")
        return at, places[-1]
    return None


def _quoted(tag: str) -> re.Pattern[bytes]:
    """Make a pattern for a tag in quoted-printable: each character may be encoded, a soft break behind any of them."""
    characters = (f"(?:{re.escape(c)}|={ord(c):02X}|={ord(c.upper()):02X})" for c in tag)
    return re.compile(r"(?:=[ \t]*\r\n)*".join(characters).encode("ascii"), re.IGNORECASE)


def _new_part(root: Part, lines: Sequence[tuple[str, str]]) -> Splice:
    """Give the splice for a part of its own at the end."""
    text = "\r\n".join(_line(*line, flowed=False) for line in lines)
    fields = b"Content-Type: text/plain; charset=us-ascii\r\nContent-Disposition: inline\r\n\r\n"
    octets = b"--" + root.boundary + b"\r\n" + fields + text.encode("ascii") + b"\r\n"
    return Splice(root.closing, root.closing, octets)


def _keep_clear_of_boundaries(mime: Mime, splices: list[Splice]) -> None:
    """Refuse a footer of which a line would be taken for a delimiter: both come from strangers."""
    boundaries = [part.boundary for part in mime.parts if part.boundary]
    for splice in splices:
        for line in splice.octets.split(b"\r\n")[1:]:
            if any(line.startswith(b"--" + boundary) for boundary in boundaries):
                raise Unfit("a line would be a delimiter")
