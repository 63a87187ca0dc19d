"""
Escape what peers sent, so that one log record is one line of printable ASCII.

A reverse-path with a line feed would forge a log line, and one with ESC would drive the terminal that shows it.
"""

import re

_AMBIGUOUS = re.compile('[ "=]')
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII with nothing to escape and nothing ambiguous: nearly all


def escape(text: str | bytes) -> str:
    """
    Give *text* in printable ASCII: a backslash and whatever is not printable ASCII as Python would escape it.

    Args:
        text: Octets are taken one by one, so UTF-8 shows as its octets.
    """
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return text.encode("unicode_escape").decode("ascii")


def quote(*texts: str | bytes) -> str:
    """Give *texts* escaped, with spaces between, in double quotes where one could not tell where the value ends."""
    if len(texts) == 1:
        text = texts[0].decode("latin-1") if isinstance(texts[0], bytes) else texts[0]
        if _PLAIN.fullmatch(text):
            return text
    plain = " ".join([escape(text) for text in texts])
    if plain and not _AMBIGUOUS.search(plain):
        return plain
    return '"' + plain.replace('"', '\\"') + '"'
