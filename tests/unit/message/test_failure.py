"""The exceptions that end a transaction."""

from gateway.message.failure import Abandoned, Deferral, PeerLost, Refusal, Rejection, TransactionEnd
from gateway.message.reply import Reply


def test_refusal_carries_reply_and_cause():
    """The reply is for gate 1, the cause for the log."""
    refusal = Deferral(Reply.of("451 4.4.2 lost"), cause="EOF", outcome_unknown=True)
    assert (refusal.reply.code, refusal.cause, refusal.outcome_unknown) == (451, "EOF", True)
    assert str(Rejection(Reply.of("552 5.3.4 big"))) == "552 5.3.4 big"


def test_tree_is_as_drawn():
    """Handlers rely on it."""
    assert issubclass(Deferral, Refusal)
    assert issubclass(Rejection, Refusal)
    assert all(issubclass(kind, TransactionEnd) for kind in (Refusal, Abandoned, PeerLost))
