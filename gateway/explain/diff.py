"""
The edits of a message as a diff, made from the splices themselves: exact, and quick for a message of any size.

What strangers wrote is escaped, so that it can go to a terminal.
"""

from collections.abc import Iterable

from gateway.message.edit import Splice, in_order
from gateway.message.header import Buffer
from gateway.message.mail import MailObject
from gateway.trace.escape import escape

SHOWN = 20  # lines of one splice on each side


def difference(before: bytes, mail: MailObject, splices: Iterable[Splice]) -> list[str]:
    """
    Return lines of a diff from a message as it came to what would leave.

    Args:
        before: The content as it came.
        mail: As editing commands left it.
        splices: What else is changed in it.
    """
    content = mail.content
    lines = [] if content == before else ["@@ the whole message @@", "-as it came", "+as the editing command gave it"]
    for splice in in_order(splices):
        section = "header" if splice.start <= mail.header.stop else "body"
        start, stop = _whole_lines(content, splice)
        lines.append(f"@@ {section}, octet {splice.start} @@")
        lines += _side("-", content[start:stop])
        lines += _side("+", content[start : splice.start] + splice.octets + content[splice.stop : stop])
    return lines


def _whole_lines(content: Buffer, splice: Splice) -> tuple[int, int]:
    """Widen a splice to the lines it touches; none where it puts whole lines between two."""
    before = content.rfind(b"\r\n", 0, splice.start)
    start = before + 2 if before >= 0 else 0
    if splice.start == start and (splice.stop == start or content[splice.stop - 2 : splice.stop] == b"\r\n"):
        return start, splice.stop
    end = content.find(b"\r\n", splice.stop)
    return start, end + 2 if end >= 0 else len(content)


def _side(sign: str, octets: bytes) -> list[str]:
    if not octets:
        return []
    lines = octets.removesuffix(b"\r\n").split(b"\r\n")
    shown = [sign + escape(line) for line in lines[:SHOWN]]
    return shown if len(lines) <= SHOWN else [*shown, f"{sign}… {len(lines) - SHOWN} lines more"]
