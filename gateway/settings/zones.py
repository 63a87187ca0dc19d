"""
The zone files of [dns.zones], which bind serves as they are.

Their records are for named-checkzone to judge.  Two directives are refused here: $INCLUDE reads other files of the
container, and $GENERATE makes millions of records out of one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.settings.mistakes import Path, Problem
from gateway.settings.text import Lines

_DIRECTIVE = re.compile(r"^[ \t]*(\$(?:INCLUDE|GENERATE))\b", re.MULTILINE | re.IGNORECASE)


def problems(path: Path, text: str) -> Iterator[Problem]:
    """Look for directives; *path* is the key that names the file."""
    lines = Lines(text)
    for match in _DIRECTIVE.finditer(text):
        what = f"{match[1].upper()} is not served; expected plain records"
        yield Problem((*path, *lines.place(match.start(1))), what)
