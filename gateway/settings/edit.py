"""
Edit gateway.toml for `make block` and `make unblock`: one entry of [senders] reject, nothing else.

The file belongs to the operator, so each comment, blank and line break stays where it is.  tomlkit does that; the
result is loaded and checked like any other change before it takes effect.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import cast

import tomlkit
from tomlkit.items import Array, Table

from gateway.settings import grammar


def block(text: str, sender: str) -> str:
    """
    Add a sender to [senders] reject.

    Args:
        text: gateway.toml, which loads without mistakes.
        sender: Domain, .domain for its sub-domains, or address.

    Returns:
        The text with one more entry, on a line of its own where the list has several lines; the same text if the
        sender is listed already.

    Raises:
        ValueError: Not such a sender, such as the null sender.
    """
    pattern = grammar.sender_pattern(sender)
    document = tomlkit.parse(text)
    if "senders" not in document:
        document["senders"] = tomlkit.table()
    table = cast(Table, document["senders"])
    if "reject" not in table:
        table["reject"] = tomlkit.array()
    entries = cast(Array, table["reject"])
    if _index(entries, pattern) is not None:
        return text
    if "\n" in entries.as_string():
        entries.add_line(pattern, indent=_indent(entries), newline=True)
    else:
        entries.append(pattern)
    return tomlkit.dumps(document)


def unblock(text: str, sender: str) -> str:
    """
    Take a sender out of [senders] reject.

    Returns:
        The text with one entry less; the same text if the sender is not listed.

    Raises:
        ValueError: Not a domain, .domain or address.
    """
    pattern = grammar.sender_pattern(sender)
    document = tomlkit.parse(text)
    entries = document.get("senders", {}).get("reject", ())
    index = _index(entries, pattern)
    if index is None:
        return text
    del entries[index]
    return tomlkit.dumps(document)


def _index(entries: list[str], pattern: str) -> int | None:
    """Return where the pattern stands, compared as loading compares: in lower case."""
    return next((index for index, entry in enumerate(entries) if entry.lower() == pattern), None)


def _indent(entries: Array) -> str:
    """Return the blanks before the first entry that begins a line."""
    for line in entries.as_string().split("\n")[1:]:
        if line.lstrip().startswith(('"', "'")):
            return line[: len(line) - len(line.lstrip())]
    return "    "


def replace_file(path: Path, text: str) -> None:
    """
    Put a text in place of a file, so that a reader or a crash sees the old or the new one, never a part.

    Mode and owner stay.

    Raises:
        OSError: Nothing was changed.
    """
    path = path.resolve()  # a link stays one
    before = path.stat()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(text.encode())
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            with contextlib.suppress(PermissionError):  # who may not give the file away owns it already, or gets it
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the rename itself is on disk before anybody is told
    finally:
        os.close(folder)
