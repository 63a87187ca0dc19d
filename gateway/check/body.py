"""
body: the operator's patterns in the text parts of a message.

Searched is the text as its charset reads it, transfer encoding undone, and of HTML what a reader sees beside the
source; in plain text zero-width characters are left out as well.

Findings: the name of the pattern; detail: what matched.  incomplete, if that is asked for: there is more text than is
searched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.check.base import Inspection
from gateway.check.patterns import INCOMPLETE, Patterns
from gateway.message.decoding import decoded, texts
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Report
from gateway.message.visible import is_html, is_text, visible, without_invisible


def reported(keys: Mapping[str, Any]) -> set[str]:
    """Give the reasons that there may be under the settings of [checks.body]."""
    names = {given["name"] for given in keys["patterns"]}
    return names | {INCOMPLETE} if keys["incomplete"] else names


@dataclass(frozen=True, slots=True)
class Options:
    """Keys of [checks.body]."""

    patterns: Sequence[Mapping[str, str]] = ()  # name and pattern of each
    max_text: int = 2 * 2**20  # octets of decoded text of one message
    incomplete: bool = False  # report that there is more


class Body(Inspection):
    """Look for patterns in text."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._order = [given["name"] for given in options.patterns]
        self._patterns = Patterns((given["name"], given["pattern"]) for given in options.patterns)
        self._max_text = options.max_text
        self._incomplete = options.incomplete

    def look(self, mail: MailObject) -> Report:
        """Report each pattern once, in their order."""
        found: dict[str, str] = {}
        if self._patterns:
            for octets in self._texts(mail):
                if octets is None:
                    found.setdefault(INCOMPLETE, f"text beyond {self._max_text} octets")
                    break
                for name, piece in self._patterns.search(octets):
                    found.setdefault(name, piece)
        order = dict.fromkeys([*self._order, INCOMPLETE])
        return Report([Finding(self._name, name, found[name]) for name in order if name in found])

    def _texts(self, mail: MailObject) -> Iterator[bytes | None]:
        """Give what is searched; and None behind it, if that is asked for and there is more."""
        left = self._max_text
        for part in filter(is_text, mail.mime.leaves):
            if left <= 0 and not self._incomplete:
                return
            octets = decoded(mail.content, part, left + self._incomplete)
            if more := len(octets) > left:
                octets = octets[:left]
            left -= len(octets)
            for source in texts(octets, part) if octets or not more else ():
                yield source.encode("utf-8", "replace")
                seen = visible(source) if is_html(part) else without_invisible(source)
                if seen is not source:
                    yield seen.encode("utf-8", "replace")
            if more:
                yield None
                return
