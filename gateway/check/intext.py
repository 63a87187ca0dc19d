"""
Files that stand in a text, as uuencode and yEnc write them: programs make attachments of these without any MIME.

Looked for is the line that begins one; lines that look like it are told as files too, for which of them a program
takes for real nobody knows.

Source: uuencode as POSIX has it; yEnc draft 1.3.
"""

import functools
import re
from collections.abc import Callable, Iterator

from gateway.check import magic
from gateway.check.survey import File
from gateway.message.decoding import decoded, head, slices, uudecoded, ydecoded
from gateway.message.header import Buffer
from gateway.message.mime import Part

MAX_FILES = 100  # in one text
MAX_TEXT = 1_048_576  # octets of an encoded text in which files are opened; behind it they are only told
MAX_LINE = 2_048  # octets of a line that begins a file
_BEGIN = re.compile(
    rb"\n(?:begin(?:-base64)? [0-7]{3,4} +([^\r\n]{1,1000}?)"
    rb"|=ybegin [^\r\n]{0,1000}?\bname=([^\r\n]{1,1000}?))[ \t]*(?=\r?\n)"  # with which the next may begin
)


def files_in(content: Buffer, part: Part, missed: Callable[[str], None]) -> Iterator[tuple[File, bytes]]:
    """
    Give each file that stands in a part, and its first octets.

    Args:
        content: The whole content.
        part: Some text.
        missed: Is told when there are files that are not given.
    """
    text, start, stop = content, part.body - 1, part.stop  # from the line end before it
    if part.encoding in ("base64", "quoted-printable"):
        text, start = b"\n" + decoded(content, part, MAX_TEXT), 0
        stop = len(text)
        if stop > MAX_TEXT and _is_behind(content, part):
            missed(f"a file behind {MAX_TEXT} octets of text")
    if text.find(b"\nbegin", max(start, 0), stop) < 0 and text.find(b"\n=ybegin ", max(start, 0), stop) < 0:
        return
    for count, match in enumerate(_BEGIN.finditer(text, max(start, 0), stop)):
        if count == MAX_FILES:
            missed(f"more than {MAX_FILES} files in one text")
            return
        read = uudecoded if match[1] else ydecoded
        name = (match[1] or match[2]).decode("utf-8", "replace")
        first = head(read(text, match.end(), stop, 2 * magic.HEAD), magic.HEAD)
        yield File(name, functools.partial(read, text, match.end(), stop)), first


def _is_behind(content: Buffer, part: Part) -> bool:
    """Tell whether a file begins behind MAX_TEXT octets of an encoded text."""
    place, lines = 0, b""  # octets decoded before those looked at, which begin with what may be half a line
    for piece in slices(content, part):
        kept = lines[max(lines.rfind(b"\n"), len(lines) - MAX_LINE, 0) :]
        place += len(lines) - len(kept)
        lines = kept + piece
        if place + len(lines) > MAX_TEXT and any(place + at.end() > MAX_TEXT for at in _BEGIN.finditer(lines)):
            return True
    return False
