"""
What can end a transaction before its time.

    TransactionEnd
    ├── Refusal            gate 1 still waits for an answer: .reply
    │   ├── Deferral       4xx: our fault or gate 2's; gate 1 tries again
    │   └── Rejection      5xx: the message can never pass
    ├── Abandoned          gate 1 ended it (RSET, QUIT, EHLO), or everything has been answered already
    └── PeerLost           gate 1 is gone or silent; there is nobody to answer

Anything else that is raised is a bug of ours and is answered 451.
"""

from gateway.message.reply import Reply


class TransactionEnd(Exception):  # noqa: N818 - an end, not always an error
    """Base of all of them."""


class Refusal(TransactionEnd):
    """The transaction ends with *reply*, which nobody has sent yet."""

    def __init__(self, reply: Reply, *, cause: str = "", outcome_unknown: bool = False) -> None:
        super().__init__(cause or reply.text.decode("ascii", "replace"))
        self.reply = reply
        self.cause = cause  # for the log, never for the peer
        self.outcome_unknown = outcome_unknown  # the dot was sent, gate 2 may have taken the message


class Deferral(Refusal):
    """Try again later."""


class Rejection(Refusal):
    """Never try again."""


class Abandoned(TransactionEnd):
    """Nothing is left to answer; *reply* is the last word, if there was one."""

    def __init__(self, cause: str, reply: Reply | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.reply = reply


class PeerLost(TransactionEnd):
    """Gate 1 closed the connection or said nothing for too long."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause
