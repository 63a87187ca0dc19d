"""
Octets of a file to text: the first gate of gateway.toml and of each file it names.

Files are small and read whole.  CRLF is taken as LF; every other control character but tab is refused, wherever it
stands, since no file here has a use for one and each daemon's parser treats it in its own way.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path

from gateway.settings.mistakes import Mistake, SettingsError

MAX_OCTETS = 2**20  # a thousand mailboxes take 30 KiB
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Lines:
    """Line and column of an offset in a text."""

    def __init__(self, text: str) -> None:
        """Note where each line begins; line ends are LF."""
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1; the column in characters."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def read(path: Path, name: str) -> str:
    """
    Read a text file.

    Args:
        path: Where it is.
        name: What messages call it.

    Returns:
        Its text with LF line ends, without control characters but tab and LF.

    Raises:
        SettingsError: Not a readable file, longer than MAX_OCTETS, not UTF-8, or holding a control character.
    """
    try:
        octets = _octets(path)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise SettingsError([Mistake(name, 1, 1, f"cannot be read: {reason}; expected a text file")]) from None
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode()
        place = Lines(before).place(len(before))
        raise SettingsError([Mistake(name, *place, f"octet 0x{octets[error.start]:02x}; expected UTF-8")]) from None
    text = text.replace("\r\n", "\n")
    lines = Lines(text)
    bad = [
        Mistake(name, *lines.place(match.start()), f"control character U+{ord(match[0]):04X}; expected plain text")
        for match in _CONTROL.finditer(text)
    ]
    if text.startswith("\ufeff"):
        bad.insert(0, Mistake(name, 1, 1, "begins with a byte order mark; expected UTF-8 without one"))
    if bad:
        raise SettingsError(bad)
    return text


def _octets(path: Path) -> bytes:
    if not path.is_file():  # opening a FIFO would wait for ever
        raise FileNotFoundError(2, "not a regular file" if path.exists() else "no such file")
    with path.open("rb") as file:
        octets = file.read(MAX_OCTETS + 1)
    if len(octets) > MAX_OCTETS:
        raise ValueError(f"longer than {MAX_OCTETS} octets")
    return octets
