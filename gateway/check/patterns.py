"""
The operator's patterns, searched for together.

RE2 takes time linear in the text, whatever the pattern (re2/syntax: no back-references, no look-around); what it takes
for each octet grows with the pattern, which is the operator's own.  One expression of all patterns says first whether
any is there: on 5 kB and 20 patterns that took 12 us, each by itself 92 us.  RE2::Set is as fast, and was not taken:
when its automaton outgrows its memory it reports nothing found, where a single expression goes on more slowly.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator

import re2

INCOMPLETE = "incomplete"  # reason of the finding that some of a message was not searched
MAX_PIECE = 60  # characters of a match that are told
_NOT_ANCHORS = re.compile(r"\\[^Az]|\[\^")


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    return options


class Patterns:
    """Some patterns; case-insensitive, found anywhere in a text."""

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        """
        Compile.

        Args:
            patterns: Name and RE2 expression of each.

        Raises:
            ValueError: one of them is none that RE2 knows.
        """
        self._patterns = []
        expressions = []
        for name, expression in patterns:
            try:
                self._patterns.append((name, re2.compile(expression, _options())))
            except re2.error as error:
                raise ValueError(f"a pattern that RE2 knows: {name}: {error}") from None
            expressions.append(f"(?:{expression})")
        self._any = None
        with contextlib.suppress(re2.error):  # all together are too large; each alone is not
            self._any = re2.compile("|".join(expressions), _options())

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def any(self, text: bytes) -> bool:
        """Tell whether one may be in a text of UTF-8."""
        return self._any is None or self._any.search(text) is not None

    def search(self, text: bytes) -> Iterator[tuple[str, str]]:
        """Give the name of each pattern that is in a text of UTF-8, and the beginning of what matched."""
        if not self.any(text):
            return
        for name, pattern in self._patterns:
            if match := pattern.search(text):
                yield name, match.group()[: 4 * MAX_PIECE].decode("utf-8", "replace")[:MAX_PIECE]


def anchored(expression: str) -> bool:
    r"""Tell whether a pattern may look at where the text begins or ends: ^, $, \A, \z."""
    rest = _NOT_ANCHORS.sub("", expression)
    return any(anchor in rest for anchor in ("^", "$", r"\A", r"\z"))
