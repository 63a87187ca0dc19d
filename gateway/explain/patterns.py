"""
[[patterns]] as gate 1 asks them about one message, and what they have come to so far.

Those for client, sender and recipient are asked at each RCPT, in this order, of recipients that are not refused before;
a refusal is that recipient's alone.  Those for header and body are asked once, field by field and line by line as the
content comes, the fields of parts and of messages within the message too.  FILTER and HOLD hold for the whole message,
whoever they were found for, and the last FILTER counts.

Source: access(5), header_checks(5); postconf(5) smtpd_null_access_lookup_key, mime_header_checks, nested_header_checks,
line_length_limit; postfix src/global/mime_state.c.
"""

from collections.abc import Iterator, Sequence

import pcre2

from gateway.explain.steps import GATE1, Sent, Step
from gateway.message.header import Field
from gateway.message.mime import read_mime
from gateway.settings.models import PatternRule

NULL_KEY = "<>"  # what a table for senders is asked about the null one
MAX_PIECE = 2048  # octets: line_length_limit, beyond which a body line is looked at in pieces
REFUSALS = {
    "client": "554 5.7.1 Client host rejected: Access denied",
    "sender": "554 5.7.1 Sender address rejected: Access denied",
    "recipient": "554 5.7.1 Recipient address rejected: Access denied",
    "header": "550 5.7.1 message content rejected",
    "body": "550 5.7.1 message content rejected",
}


class Patterns:
    """The patterns of the file, and what those that matched want of the whole message."""

    def __init__(self, rules: Sequence[PatternRule], sent: Sent) -> None:
        """
        Prepare.

        Raises:
            ValueError: PCRE does not know one of them.
        """
        self._sent = sent
        self._tables: dict[str, list[tuple[pcre2.Pattern, PatternRule]]] = {}
        for rule in rules:
            self._tables.setdefault(rule.match, []).append((_compiled(rule.pattern), rule))
        self.policy: str | None = None  # of the last filter action
        self.held = False  # one of them wants it to wait in gate 1's queue

    def envelope(self, recipient: str) -> Iterator[Step]:
        """Yield what matches at one RCPT, up to a refusal."""
        sent = self._sent
        asked = {
            "client": (sent.client_name, str(sent.client)),
            "sender": (sent.reverse_path or NULL_KEY,),
            "recipient": (recipient,),
        }
        for match, subjects in asked.items():
            for step in self._matched(match, subjects):
                yield step
                if step.ends:
                    return

    def content(self) -> Iterator[Step]:
        """Yield what matches in the content, up to a refusal."""
        if not self._tables.keys() & {"header", "body"}:
            return
        for match, subject in pieces(self._sent.content):
            for step in self._matched(match, (subject,)):
                yield step
                if step.ends:
                    return

    def _matched(self, match: str, subjects: Sequence[str]) -> Iterator[Step]:
        """Yield the step of the rule that decides: for each subject in turn the first that matches."""
        rule = self._first(match, subjects)
        if rule is None:
            return
        refused = rule.action == "reject"
        yield Step(GATE1, f"patterns, {match}", REFUSALS[match] if refused else rule.action, rule.pattern, ends=refused)
        self.held |= rule.action == "hold"
        if rule.action.startswith("filter:"):
            self.policy = rule.action.partition(":")[2]

    def _first(self, match: str, subjects: Sequence[str]) -> PatternRule | None:
        for subject in subjects:
            for pattern, rule in self._tables.get(match, ()):
                if pattern.search(subject):
                    return rule
        return None


def pieces(content: bytes) -> Iterator[tuple[str, str]]:
    """
    Yield what header and body patterns are compared with, in its order: "header" or "body", and the text.

    A field is one text, its lines joined by LF; of the body each line that is not empty, delimiters of parts too.
    """
    fields = sorted((field for part in read_mime(content).parts for field in part.header.fields), key=_start)
    place = 0
    for field in fields:
        yield from _lines(content[place : field.start])
        yield "header", _text(field.name + b":" + field.raw.partition(b":")[2].removesuffix(b"\r\n"))
        place = field.stop
    yield from _lines(content[place:])


def _start(field: Field) -> int:
    return field.start


def _lines(octets: bytes) -> Iterator[tuple[str, str]]:
    for line in octets.split(b"\r\n"):
        for place in range(0, len(line), MAX_PIECE):
            yield "body", _text(line[place : place + MAX_PIECE])


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace").replace("\r\n", "\n")


def _compiled(pattern: str) -> pcre2.Pattern:
    """Compile as pcre_table(5) does: case-insensitive, and a dot matches a line end."""
    try:
        return pcre2.compile(pattern, pcre2.I | pcre2.S)
    except pcre2.PatternError as error:
        raise ValueError(f"patterns: {pattern}: {error}") from None
