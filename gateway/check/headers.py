"""
headers: the operator's patterns in the bodies of header fields of the message.

A field's body is unfolded, and searched as it stands and with the encoded words of RFC 2047 decoded.

Findings: the name of the pattern; detail: the field's name and what matched.  incomplete: there are more fields than
are read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.check.base import Inspection
from gateway.check.patterns import INCOMPLETE, MAX_PIECE, Patterns, anchored
from gateway.message.charset import decode
from gateway.message.header import Field
from gateway.message.mail import MailObject
from gateway.message.parameters import word_readings
from gateway.message.verdict import Finding, Report

_FOLD = re.compile(rb"\r\n(?=[ \t])")


def reported(keys: Mapping[str, Any]) -> set[str]:
    """Give the reasons that there may be under the settings of [checks.headers]."""
    return {INCOMPLETE, *(given["name"] for given in keys["patterns"])}


@dataclass(frozen=True, slots=True)
class Options:
    """Keys of [checks.headers]."""

    patterns: Sequence[Mapping[str, str]] = ()  # name, pattern, and field unless it is for all of them


class Headers(Inspection):
    """Look for patterns in header fields."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._order = [given["name"] for given in options.patterns]
        general = [(given["name"], given["pattern"]) for given in options.patterns if "field" not in given]
        self._general = Patterns(general)
        self._anchored = any(anchored(expression) for _, expression in general)
        names = {given["field"].lower() for given in options.patterns if "field" in given}
        self._named = {
            name.encode("ascii"): Patterns(
                (given["name"], given["pattern"])
                for given in options.patterns
                if given.get("field", "").lower() == name
            )
            for name in names
        }

    def look(self, mail: MailObject) -> Report:
        """Report each pattern once, in their order."""
        found: dict[str, str] = {}
        for field, patterns in self._candidates(mail):
            for text in texts(field):
                for name, piece in patterns.search(text):
                    found.setdefault(name, f"{field.name[:MAX_PIECE].decode('latin-1')}: {piece}")
        if self._order and not mail.header.complete:
            found.setdefault(INCOMPLETE, f"{len(mail.header.fields)} fields, and more")
        order = dict.fromkeys([*self._order, INCOMPLETE])
        return Report([Finding(self._name, name, found[name]) for name in order if name in found])

    def _candidates(self, mail: MailObject) -> Iterator[tuple[Field, Patterns]]:
        """Give the fields in which something may be, and the patterns that may be there."""
        header = mail.header
        if self._named:
            for field in header.fields:
                if patterns := self._named.get(field.name.lower()):
                    yield field, patterns
        if not self._general:
            return
        # The whole section in one search, for most mail has nothing of it.  It cannot tell where a field begins.
        section = _FOLD.sub(b"", mail.content[: header.stop])
        everything = self._anchored or not section.isascii() or self._general.any(section)
        for field in header.fields:
            if everything or b"=?" in field.raw:
                yield field, self._general


def texts(field: Field) -> list[bytes]:
    """Give what a field's body may be read as, in UTF-8, each once: as it stands, and decoded."""
    raw = field.value
    if b"=?" not in raw and raw.isascii():
        return [raw]
    decoded = (text.encode("utf-8", "replace") for text in word_readings(decode(raw, "utf-8")))
    return list(dict.fromkeys([raw, *decoded]))
