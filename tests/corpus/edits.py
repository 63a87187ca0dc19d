"""
Edits leave all else as it is, shown on real mail: output = input + exactly the edits.

Each message goes, as gate 1 would hand it over, through judge.py with a policy that edits all it can: a check finds
something in every message, so that it is tagged (two header fields, of which many messages have one already, and a
prefix of the Subject), and it is on its way to a list, so that it is linked to the archive (header and foot).  undo.py
takes the edits out again.  In process: no gate and no network.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.check.registry import make
from gateway.decide.verdict import tags
from gateway.edit.archive import MailingList
from gateway.edit.plan import Standing
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.judge import Means, judge
from gateway.message.edit import apply
from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.mail import MailObject
from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Outcome
from tests.corpus.changes import changed
from tests.corpus.made import made
from tests.corpus.messages import Message
from tests.corpus.undo import ARCHIVE, LINE, PREFIX, TAGS, NotUndoneError, undo

RECEIVED = (
    b"Received: from client.example (client.example [192.0.2.9])\r\n\tby mx.test (Postfix) with ESMTP id 4jXP\r\n"
    b"\tfor <talk@lists.test>; Sun, 22 Nov 2026 10:40:21 +0000 (UTC)\r\n"
)  # gate 1's, and what the check finds
LIST = MailingList(
    "talk@lists.test", "talk.lists.test", f"{ARCHIVE.decode()}{{message_id_hash}}", "footer", f"{LINE.decode()}{{url}}"
)
CHECKS = {
    "headers": {"patterns": [{"name": "any", "field": "Received", "pattern": "by mx.test"}]},
    "attachments": {},
    "structure": {},
}
POLICY = Policy(
    "edit",
    checks=tuple(CHECKS),
    outside=Judgement(Outcome(Action.TAG)),
    tag_fields=tuple((name, body) for name, _, body in (tag.decode().strip().partition(": ") for tag in TAGS)),
    subject_prefix=PREFIX.decode(),
)
ENVELOPE = Envelope(ReversePath(b"sender@client.example"), [Recipient(b"talk@lists.test")])

type Progress = Callable[[int], None]  # messages done


@dataclass
class Edited:
    """What came of the messages."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # by source
    problems: list[tuple[str, str]] = field(default_factory=list)  # name of the message, what is wrong

    @property
    def total(self) -> int:
        """Return how many are as they must be."""
        return sum(sum(counts.values()) for counts in self.counts.values())


def taken() -> list[Message]:
    """Return the messages made to be odd that gate 1 takes."""
    return [message for message in made() if not message.refused]


def run(messages: Iterable[Message], progress: Progress = lambda _: None) -> Edited:
    """Edit each message, and take the edits out again."""
    return asyncio.run(_run(messages, progress))


async def _run(messages: Iterable[Message], progress: Progress) -> Edited:
    nowhere = Pool([], "filter.mx.test", Timeouts(1, 1, 1))  # never asked for a connection
    checks = {name: make(name, {"timeout_s": 60, **keys}) for name, keys in CHECKS.items()}
    means = Means(nowhere, 60, {POLICY.name: POLICY}, checks, standing=Standing((LIST,)))
    found = Edited()
    for number, message in enumerate(messages, 1):
        before = RECEIVED + changed(message.content)[0]
        after = await edited(before, means)
        try:
            found.counts[message.source][undo(before, after)] += 1
        except NotUndoneError as difference:
            found.problems.append((message.name, str(difference)))
        progress(number)
    return found


async def edited(content: bytes, means: Means) -> bytes:
    """Return what would leave towards gate 2."""
    mail = MailObject(ENVELOPE, Client(), content, policy=POLICY.name)
    judged = await judge(mail, POLICY, means)
    assert tags(judged.verdict, POLICY, inside=False), f"verdict {judged.verdict}"
    return b"".join(apply(judged.mail.content, judged.splices))
