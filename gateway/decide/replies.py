"""
The one table from reason to reply.

The order is that of gravity, worst first: of several findings the first in this table gives the reply.  The texts
name neither a setting nor what exactly was found.
"""

from gateway.message.reply import Reply

REPLIES: dict[str, Reply] = {
    "gtube": Reply.of("550 5.7.1 Message content rejected"),
}

# In place of any 5xx to the null reverse-path: gate 1 could only drop such a message, for there is nobody to tell.
REJECTED_NULL = Reply.of("451 4.7.1 Message content not accepted now")
