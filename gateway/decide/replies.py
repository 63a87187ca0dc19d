"""
The one table from reason to reply.

The texts name neither a setting nor what exactly was found; a reason that is not here, such as the name of an
operator's pattern, is answered in general words.
"""

from gateway.message.reply import Reply

REJECTED = Reply.of("550 5.7.1 Message content rejected")
REASONS: dict[str, Reply] = {
    "encrypted": Reply.of("550 5.7.1 Encrypted attachment not accepted"),
    "executable": Reply.of("550 5.7.1 Attachment of this type not accepted"),
    "virus": Reply.of("550 5.7.1 Message contains malicious content"),
    "spam": Reply.of("550 5.7.1 Message content identified as spam"),
    "dmarc-reject": Reply.of("550 5.7.26 Message not authenticated as its author's domain asks"),
    "listed": Reply.of("550 5.7.1 Message names a listed domain"),
    "rejected": Reply.of("550 5.7.1 Message content rejected"),
}
DEFERRED = Reply.of("451 4.7.1 Message content not accepted now")
NOT_SEARCHED = Reply.of("451 4.7.1 Message content cannot be checked now")
DISCARDED = Reply.of("250 2.0.0 Discarded")
