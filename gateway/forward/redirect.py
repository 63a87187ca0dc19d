"""
Redirect: the same content, to another recipient or through another door of gate 2.

The transaction that gate 1's envelope opened is aborted, and one of our own takes its place; its replies to MAIL, RCPT
and DATA are ours to judge, for gate 1 has had its own already.
"""

from gateway.forward.delivery import Delivery
from gateway.forward.pool import Pool
from gateway.message.envelope import Client, Envelope, EnvelopeCommand, Recipient, StartContent
from gateway.message.failure import Deferral
from gateway.message.reply import own_fault

REFUSED = own_fault(451, "4.4.0", "redirect refused by next hop")


async def redirect(pool: Pool, client: Client, envelope: Envelope, recipient: bytes | None) -> Delivery:
    """
    Open a delivery and bring it to the content.

    Args:
        pool: Of the door to go through.
        client: The client gate 2 hears of.
        envelope: Reverse-path, and recipients unless *recipient* replaces them.
        recipient: Path of the one recipient instead, who gets none of the others' DSN parameters.

    Raises:
        Deferral: gate 2 cannot be reached, or does not take the envelope as a whole.
    """
    recipients = [Recipient(recipient)] if recipient is not None else envelope.recipients
    group: list[EnvelopeCommand] = [envelope.reverse_path, *recipients, StartContent()]
    delivery = Delivery(pool, client)
    try:
        replies = await delivery.offer(group)
        refusal = next((reply for reply in replies if reply.severity not in (2, 3)), None)
        if refusal is not None:
            raise Deferral(REFUSED, cause=f"redirect: {refusal.text!r}")
    except BaseException:
        delivery.abort()
        raise
    return delivery
