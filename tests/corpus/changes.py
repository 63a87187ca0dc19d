"""
What Postfix changes in content, as code: each kind of change is a function that makes it.

No setting prevents these; docs/byte-identity.md says what each is for.  All happen in gate 1, and what comes out of it
gate 2 leaves as it is.  A message that came out exactly as these functions make it is explained; any other is not.

Source: Postfix 3.10, smtpd.c (first line, line ends), mime_state.c and is_header.c (header), cleanup_out.c (CR, NUL).
Only the standard library: this runs in the tools image.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LINE_LIMIT = 2_048  # octets; line_length_limit: a header field's name and colon must come before it
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")  # how a header field begins


def lone_lf(content: bytes) -> bytes:
    """A lone LF is a line end, too, though never one that ends the message."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", content)


def mailbox_line(content: bytes) -> bytes:
    """A first line as in an mbox file becomes a header field."""
    return b"X-Mailbox-Line: " + content if re.match(rb">*From ", content) else content


def leading_blank(content: bytes) -> bytes:
    """A first line that begins with a blank would continue `Received:`, so the header ends before it."""
    return b"\r\n" + content if content[:1] in (b" ", b"\t") else content


def header_end(content: bytes) -> bytes:
    """A line that belongs to no header field ends the header, and gets a blank line before it."""
    end = _end_of_header(content)
    regular = end == len(content) or content.startswith(b"\r\n", end)
    return content if regular else content[:end] + b"\r\n" + content[end:]


def blank_before_colon(content: bytes) -> bytes:
    """Blanks between a header field's name and its colon go."""
    return _in_header(content, rb"(?m)^([!-9;-~]+)[ \t]+:", rb"\1:")


def nul(content: bytes) -> bytes:
    """A line of the header ends where a NUL is; in the body a NUL stays."""
    return _in_header(content, rb"(?s)\0.*?(?=\r\n)", b"")


def lone_cr(content: bytes) -> bytes:
    """A lone CR becomes a space."""
    return re.sub(rb"\r(?!\n)", b" ", content)


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "lone LF made CRLF": lone_lf,
    "From line made X-Mailbox-Line": mailbox_line,
    "blank line before an indented first line": leading_blank,
    "blank line put where header ends": header_end,
    "blanks before colon taken out": blank_before_colon,
    "header line cut at NUL": nul,
    "lone CR made a space": lone_cr,
}


def changed(content: bytes) -> tuple[bytes, list[str]]:
    """Make all changes, in Postfix's order; say which ones there were."""
    kinds = []
    for kind, change in KINDS.items():
        before, content = content, change(content)
        if content != before:
            kinds.append(kind)
    return content, kinds


def _end_of_header(content: bytes) -> int:
    """Return where the first line begins that is neither a header field nor continues one."""
    at = 0
    while at < len(content):
        continues = at > 0 and content[at : at + 1] in (b" ", b"\t")
        if not continues and not FIELD.match(content, at, at + LINE_LIMIT):
            return at
        at = content.index(b"\r\n", at) + 2
    return at


def _in_header(content: bytes, pattern: bytes, replacement: bytes) -> bytes:
    end = _end_of_header(content)
    return re.sub(pattern, replacement, content[:end]) + content[end:]
