"""
charset: how a line of ASCII is written in the charset that a stranger named for a text.

Only charsets are known in which that is certain.  Others (UTF-7, HZ, EBCDIC, misspelt names) get no footer: Python
would encode by many of them, and by things that are no charsets at all.

Source: RFC 2978; RFC 1468 for the escape sequences of ISO-2022-JP; RFC 2781 for UTF-16 without a mark.
"""

import codecs
import re
from dataclasses import dataclass

# Python's names for charsets whose octets below 128 are those of ASCII wherever a line begins.
_LIKE_ASCII = re.compile(
    r"ascii|utf-8|iso8859-\d+|cp125\d|cp(437|85[0258]|86[0-6]|874|932|949|950)|koi8-[rut]|gb2312|gbk|gb18030"
    r"|big5(hkscs)?|euc_(jp|kr|jis_2004|jisx0213)|shift_jis(_2004|x0213)?|johab|tis-620|mac-(roman|cyrillic|latin2)"
)
_ISO_2022_JP = re.compile(r"iso2022_jp(_1|_2|_3|_ext|_2004)?")
_WIDE = re.compile(r"utf-(16|32)(-[lb]e)?")
_MARKS = {"utf-16": ((b"\xff\xfe", "utf-16-le"),), "utf-32": ((b"\xff\xfe\0\0", "utf-32-le"),)}
_ESCAPE = re.compile(rb"\x1b\([BJ]|\x1b[($][^\x1b]{1,2}")


@dataclass(frozen=True, slots=True)
class Writing:
    """How ASCII is written at one place of a text."""

    codec: str
    wide: bool  # more than one octet for each character of ASCII
    reset: bytes = b""  # octets that bring the text back to ASCII first

    def write(self, text: str) -> bytes:
        """Write a text of ASCII characters."""
        return self.reset + self.octets(text)

    def octets(self, text: str) -> bytes:
        """Give what stands in the text for ASCII characters, to compare."""
        return text.encode(self.codec)


def writing(charset: str, before: bytes) -> Writing | None:
    """
    Tell how ASCII is written in a text.

    Args:
        charset: As the part names it, "" when it does not.
        before: The text up to the place meant, transfer encoding undone.

    Returns:
        None for a charset in which that is not certain.
    """
    try:
        name = codecs.lookup(charset or "ascii").name
    except (LookupError, ValueError, UnicodeError):
        return None
    if _LIKE_ASCII.fullmatch(name):
        return Writing("ascii", wide=False)
    if _ISO_2022_JP.fullmatch(name):
        escapes = _ESCAPE.findall(before)
        return Writing("ascii", wide=False, reset=b"" if not escapes or escapes[-1] == b"\x1b(B" else b"\x1b(B")
    if _WIDE.fullmatch(name):
        return Writing(_byte_order(name, before), wide=True)
    return None


def _byte_order(name: str, text: bytes) -> str:
    """Give the codec that neither writes nor expects a mark."""
    for mark, codec in _MARKS.get(name, ()):
        if text.startswith(mark):
            return codec
    return name if name.endswith("e") else f"{name}-be"
