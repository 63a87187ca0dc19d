"""Nouns of the envelope."""

from ipaddress import ip_address

import pytest

from gateway.message.envelope import Client, ReversePath


def test_is_null_empty_path_only():
    """`<>` is the empty path."""
    assert ReversePath(b"").is_null
    assert not ReversePath(b"<>").is_null


def test_queue_id_pre_comes_from_ident():
    """IDENT of XFORWARD is gate 1's queue id."""
    assert Client({"IDENT": b"4pre"}).queue_id_pre == b"4pre"
    assert Client().queue_id_pre == b""


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (b"192.0.2.1", "192.0.2.1"),
        (b"IPv6:2001:db8::1", "2001:db8::1"),
        (b"[UNAVAILABLE]", None),
        (b"192.0.2.1+0A", None),
        (b"mail.x.test", None),
        (b"", None),
    ],
)
def test_address_is_that_of_xforward(told, address):
    """Whether it is from inside hangs on it, so what is no address is none."""
    assert Client({"ADDR": told}).address == (ip_address(address) if address else None)
    assert Client().address is None


@pytest.mark.parametrize(
    ("told", "logged_in"),
    [(b"LOCAL", True), (b"local", True), (b"REMOTE", False), (b"[UNAVAILABLE]", False), (b"", False)],
)
def test_logged_in_is_what_source_says(told, logged_in):
    """Gate 1 says LOCAL of a client with a password, and of no other; what it has not said is not so."""
    assert Client({"SOURCE": told} if told else {}).logged_in == logged_in


@pytest.mark.parametrize(
    ("value", "decoded"),
    [(b"a+2Bb", "a+b"), (b"a+0D+0A", "a\r\n"), (b"+ZZ", "+ZZ"), (b"[unavailable]", ""), (b"\xff", "ÿ")],
)
def test_told_is_decoded_xtext(value, decoded):
    """Of RFC 3461; any character may come of it."""
    assert Client({"NAME": value}).told("NAME") == decoded
