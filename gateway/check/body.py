"""
body: the operator's patterns in the text parts of a message.

Searched is the text as its charset reads it, transfer encoding undone, and of HTML what a reader sees beside the
source; in plain text zero-width characters are left out as well.

Findings: the name of the pattern; detail: what matched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.check.base import Inspection
from gateway.check.patterns import Patterns
from gateway.message.decoding import text
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Report
from gateway.message.visible import is_html, is_text, visible, without_invisible


@dataclass(frozen=True, slots=True)
class Options:
    """Keys of [checks.body]."""

    patterns: Sequence[Mapping[str, str]] = ()  # name and pattern of each
    max_text: int = 2 * 2**20  # octets of decoded text of one message


class Body(Inspection):
    """Look for patterns in text."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._order = [given["name"] for given in options.patterns]
        self._patterns = Patterns((given["name"], given["pattern"]) for given in options.patterns)
        self._max_text = options.max_text

    def look(self, mail: MailObject) -> Report:
        """Report each pattern once, in their order."""
        found: dict[str, str] = {}
        if self._patterns:
            for octets in self._texts(mail):
                for name, piece in self._patterns.search(octets):
                    found.setdefault(name, piece)
        return Report([Finding(self._name, name, found[name]) for name in dict.fromkeys(self._order) if name in found])

    def _texts(self, mail: MailObject) -> Iterator[bytes]:
        left = self._max_text
        for part in mail.mime.leaves:
            if left <= 0 or not is_text(part):
                continue
            source = text(mail.content, part, left)
            octets = source.encode("utf-8", "replace")
            left -= len(octets)
            yield octets
            seen = visible(source) if is_html(part) else without_invisible(source)
            if seen is not source:
                yield seen.encode("utf-8", "replace")
