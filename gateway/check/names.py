"""
File names as they came: their extensions, and what is done to hide them.

A name is read as the recipient's system will: without directories, without the dots and blanks at its end, which
Windows drops, nor what it lets no name have, which programs leave out; and with a colon as the beginning of an NTFS
stream.
"""

import re
import unicodedata

MAX_NAME = 1_000  # characters from the end that are looked at
_BETWEEN = re.compile(r"[.:]")
_END = ' \t\r\n\v\f.\0\u3000/\\?*"<>|'  # what is dropped there
# The sign that turns the direction of writing: photo[RLO]gpj.exe is shown as photoexe.jpg.
_TURNED = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but those of folding
_BLANKS = re.compile(r"[\s\u2800]{10}")
_CLASS_ID = re.compile(r"\.\{[0-9A-Fa-f-]{36}\}")
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
_UP = re.compile(r"(?:\A|[/\\])\.\.(?:[/\\]|\Z)")


def extensions(name: str) -> list[str]:
    """Give all that stands behind a dot of a name, in lower case: exe and txt of a.exe.txt."""
    name = name[-MAX_NAME:]
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        name = "".join(character for character in name if unicodedata.category(character) != "Cf")
    name = name.replace("\\", "/").rstrip(_END).rpartition("/")[2]
    pieces = _BETWEEN.split(name.lower())
    return [piece.strip() for piece in pieces[1:]]


def disguise(name: str) -> str:
    """Say how a name hides what it is; nothing for a plain one."""
    name = name[-MAX_NAME:]
    if _TURNED.search(name):
        return "turns the direction of writing"
    if _CONTROL.search(name):
        return "holds control characters"
    if _BLANKS.search(name.strip()):
        return "hides its end behind blanks"
    if _CLASS_ID.search(name):
        return "has a class id for an extension"
    return ""


def leads_out(name: str) -> bool:
    """Tell whether a name in an archive leads out of the directory it is unpacked in."""
    return bool(_ABSOLUTE.match(name) or _UP.search(name))
