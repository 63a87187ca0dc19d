"""
The messages that are sent: the corpora, in wire form.

Wire form (attacks.md, section 3): a first mbox `From ` line is taken off, every CR, LF and CRLF is a CRLF, and the
last line has one.  Only the standard library: this runs in the tools image.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path("/corpus/messages")
LEAST = 6_090  # files; with fewer, the fetched packages are not what they were
SEED = 3  # of the sample


@dataclass(frozen=True)
class Message:
    """One message on its way in."""

    name: str  # of its file, below CORPUS, or made/<what>
    content: bytes  # as sent after DATA, before dot-stuffing

    @property
    def source(self) -> str:
        """Return which corpus it is of."""
        return self.name.partition("/")[0]


def wire_form(octets: bytes) -> bytes:
    """Bring a file into the form it has on the wire."""
    lines = re.sub(rb"\r\n?", b"\n", octets)
    if lines.startswith(b"From "):
        lines = lines.partition(b"\n")[2]
    if lines and not lines.endswith(b"\n"):
        lines += b"\n"
    return lines.replace(b"\n", b"\r\n")


def corpus(sample: int = 0) -> list[Message]:
    """
    Read the corpora.

    Args:
        sample: How many messages, the same ones each time; 0 for all.

    Raises:
        FileNotFoundError: There are too few files.
    """
    paths = sorted(path for path in CORPUS.rglob("*") if path.is_file())
    if len(paths) < LEAST:
        raise FileNotFoundError(f"{CORPUS} has {len(paths)} files, expected {LEAST} or more")
    if sample:
        paths = sorted(random.Random(SEED).sample(paths, sample))
    return [Message(str(path.relative_to(CORPUS)), wire_form(path.read_bytes())) for path in paths]
