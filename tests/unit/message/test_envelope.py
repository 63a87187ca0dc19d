"""Nouns of the envelope."""

from gateway.message.envelope import Client, ReversePath


def test_is_null_empty_path_only():
    """`<>` is the empty path."""
    assert ReversePath(b"").is_null
    assert not ReversePath(b"<>").is_null


def test_queue_id_pre_comes_from_ident():
    """IDENT of XFORWARD is gate 1's queue id."""
    assert Client({"IDENT": b"4pre"}).queue_id_pre == b"4pre"
    assert Client().queue_id_pre == b""
