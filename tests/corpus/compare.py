"""
Compare what came out of two roads, with each other and with what went in.

    python3 -m tests.corpus.compare [SAMPLE]

A message at the sink begins with the `Received:` of gate 2, then that of gate 1; all behind is its content.

(a) Between the roads all octets must be equal, but for these parts of those two: queue ids, dates, and what gate 2
says of its client's names, the one it gave at EHLO and the one it has in DNS: they are the filter's or socat's.
(b) Between what went in and the content at the sink all octets must be equal, or changed as changes.py says.

The result goes out as JSON: counts for each source, and by name whatever is not as it should be.  Only the standard
library: this runs in the tools image.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.corpus.changes import changed
from tests.corpus.made import Made, made
from tests.corpus.messages import Message, corpus
from tests.corpus.road import STORE

ROADS = ("filter", "socat")
STAMP = rb"\w{3}, [ \d]\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)"
RECEIVED = (
    rb"Received: from (?P<%shelo>\S+) \((?P<%sname>\S+) \[[\d.]+\]\)\r\n"
    rb"\tby \S+ \(Postfix\) with ESMTP id (?P<%sid>\w+)\r\n"
    rb"\tfor <m\d+@\S+>; (?P<%sdate>" + STAMP + rb")\r\n"
)
TRACE = re.compile(RECEIVED % ((b"post_",) * 4) + RECEIVED % ((b"pre_",) * 4))
DIFFER = ("post_helo", "post_name", "post_id", "post_date", "pre_id", "pre_date")

SENT, EQUAL, IDENTICAL, REFUSED = "sent", "equal on both roads", "identical", "refused"


@dataclass
class Result:
    """What is known so far."""

    counts: defaultdict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))  # by source
    problems: list[tuple[str, str]] = field(default_factory=list)  # name of the message, what is wrong
    made: list[tuple[str, str]] = field(default_factory=list)  # name, what became of it


def common(octets: bytes) -> bytes | None:
    """Blank out what differs between two roads; None where the trace header is not as known."""
    found = TRACE.match(octets)
    if not found:
        return None
    for start, end in sorted((found.span(part) for part in DIFFER), reverse=True):
        octets = octets[:start] + b"-" + octets[end:]
    return octets


def judge(message: Message, arrived: list[bytes], result: Result) -> None:
    """Judge one message that arrived on both roads."""
    counts = result.counts[message.source]
    ours, theirs = common(arrived[0]), common(arrived[1])
    if ours is None or theirs is None:
        result.problems.append((message.name, "a trace header of another form"))
        return
    if ours == theirs:
        counts[EQUAL] += 1
    else:
        result.problems.append((message.name, f"the roads differ from octet {_difference(ours, theirs)}"))
    content = arrived[0][TRACE.match(arrived[0]).end() :]
    expected, kinds = changed(message.content)
    if isinstance(message, Made) and content != message.arrives:
        result.problems.append((message.name, "not what was expected of it"))
    if content == message.content:
        counts[IDENTICAL] += 1
    elif content == expected:
        counts["; ".join(kinds)] += 1
    else:
        result.problems.append((message.name, f"unexplained change at octet {_difference(content, expected)}"))
    if isinstance(message, Made):
        result.made.append((message.name, IDENTICAL if content == message.content else "; ".join(kinds)))


def judge_refusal(message: Message, replies: list[str], result: Result) -> None:
    """Judge one message that was refused on one road at least."""
    expected = message.refused if isinstance(message, Made) else ""
    if expected and replies == [expected] * len(ROADS):
        result.counts[message.source].update([REFUSED])
        result.made.append((message.name, expected))
    else:
        result.problems.append((message.name, f"refused: {replies}"))


def compare(messages: list[Message]) -> Result:
    """Compare all."""
    result = Result()
    outcomes = [json.loads((STORE / road / "outcome.json").read_text()) for road in ROADS]
    for road, outcome in zip(ROADS, outcomes, strict=True):
        result.problems += [(messages[number].name, f"came twice: {road}") for number in outcome["twice"]]
        result.problems += [(messages[number].name, f"did not come: {road}") for number in outcome["missing"]]
        if outcome["others"]:
            result.problems.append(("-", f"{outcome['others']} messages that nobody sent, DSNs it may be: {road}"))
    for number, message in enumerate(messages):
        result.counts[message.source][SENT] += 1
        replies = [outcome["refused"].get(str(number), "") for outcome in outcomes]
        paths = [STORE / road / f"{number}.eml" for road in ROADS]
        if any(replies):
            judge_refusal(message, replies, result)
        elif all(path.exists() for path in paths):
            judge(message, [path.read_bytes() for path in paths], result)
    return result


def _difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


if __name__ == "__main__":
    found = compare([*made(), *corpus(int(sys.argv[1]))])
    print(json.dumps({"counts": found.counts, "problems": found.problems, "made": found.made}))
