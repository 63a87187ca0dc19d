"""
Release: send a held message on, with the envelope it came with, back in through the filter's own door to gate 2.

Each recipient gets it once, however often one releases: who gate 2 has taken it for is noted on disk right after its
250, and left out the next time.  A lock on the message is kept from reading that note to writing it, so that two who
release at once send once.  Only a crash between 250 and note makes a second copy (RFC 1047).

It leaves as it would have left had it passed: with the edits planned when it was searched (Authentication-Results,
tags, links of lists, the signature).  No check sees it again, and what is kept stays as it came.
"""

import asyncio
import contextlib
from dataclasses import dataclass

from gateway.forward.delivery import Delivery
from gateway.forward.pool import Pool
from gateway.message.edit import apply
from gateway.message.envelope import EnvelopeCommand, Recipient, StartContent
from gateway.message.failure import Refusal
from gateway.message.reply import Reply
from gateway.quarantine.record import BadRecord
from gateway.quarantine.store import Quarantine


@dataclass(frozen=True, slots=True)
class Released:
    """What became of one message."""

    id: str
    sent: dict[str, str]  # recipient -> gate 2's reply, of this time
    before: dict[str, str]  # the same, of earlier times
    refused: dict[str, str]  # recipients gate 2 did not take


async def release(quarantine: Quarantine, pool: Pool, id_: str) -> Released:
    """
    Send a message to those of its recipients who have not had it yet.

    Raises:
        NotHeld: there is none of that id.
        BadRecord: what is known of it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, quarantine.locked(id_))
        return await _release(quarantine, pool, id_)


async def _release(quarantine: Quarantine, pool: Pool, id_: str) -> Released:
    record = await asyncio.to_thread(quarantine.record, id_)
    before = quarantine.released(id_)
    left = [recipient for recipient in record.envelope.recipients if _shown(recipient) not in before]
    if not left:
        return Released(id_, {}, before, {})
    content = await asyncio.to_thread(quarantine.content, id_)
    if len(content) != record.octets:
        raise BadRecord(f"{id_}: content has {len(content)} octets; expected {record.octets}")
    delivery = Delivery(pool, record.client)
    try:
        group: list[EnvelopeCommand] = [record.envelope.reverse_path, *left, StartContent()]
        replies = await delivery.offer(group)
        taken = [item for item, reply in zip(left, replies[1:-1], strict=True) if reply.severity == 2]
        refused = {
            _shown(item): _said(reply) for item, reply in zip(left, replies[1:-1], strict=True) if item not in taken
        }
        if replies[-1].severity != 3:
            return Released(id_, {}, before, refused or {_shown(item): _said(replies[-1]) for item in left})
        await delivery.write_content(apply(content, record.edits))
        reply = await delivery.commit()
    except Refusal as refusal:
        return Released(id_, {}, before, {_shown(item): _said(refusal.reply) for item in left})
    finally:
        delivery.abort()
    outcome = {_shown(item): _said(reply) for item in taken}
    if reply.severity != 2:
        return Released(id_, {}, before, refused | outcome)
    await asyncio.to_thread(quarantine.note_released, id_, outcome)
    return Released(id_, outcome, before, refused)


def _shown(recipient: Recipient) -> str:
    return recipient.path.decode("utf-8", "backslashreplace")


def _said(reply: Reply) -> str:
    return reply.text.decode("ascii", "backslashreplace")
