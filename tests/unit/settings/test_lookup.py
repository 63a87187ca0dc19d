"""How Postfix cuts an extension off and looks for the rest: its split_addr(3), and virtual(5)."""

import pytest

from gateway.settings.lookup import lookup_keys, without_extension


@pytest.mark.parametrize(
    ("address", "delimiter", "plain"),
    [
        ("anna@x.test", "+", "anna@x.test"),
        ("anna+list@x.test", "", "anna+list@x.test"),
        ("anna+list@x.test", "-", "anna+list@x.test"),
        ("anna+list+more@x.test", "+", "anna@x.test"),
        ("anna+@x.test", "+", "anna@x.test"),
        ("+list@x.test", "+", "+list@x.test"),
        ("+anna+list@x.test", "+", "+anna+list@x.test"),
        ("mailer-daemon@x.test", "-", "mailer-daemon@x.test"),
        ("Double-Bounce@x.test", "-", "Double-Bounce@x.test"),
        ("owner-talk@x.test", "-", "owner-talk@x.test"),
        ("owner-talk+x@x.test", "+", "owner-talk@x.test"),
        ("talk-request@x.test", "-", "talk-request@x.test"),
        ("talk-requests@x.test", "-", "talk@x.test"),
        ("talk-request+x@x.test", "+", "talk-request@x.test"),
        ("-request@x.test", "-", "-request@x.test"),
        ("@x-y.test", "-", "@x-y.test"),
    ],
)
def test_extension_is_cut_off_as_postfix_does(address, delimiter, plain):
    """At the first delimiter, and not in every name."""
    assert without_extension(address, delimiter) == plain


def test_an_address_is_looked_up_whole_then_plain_then_by_its_domain():
    """In this order."""
    assert lookup_keys("anna+list@x.test", "+") == ("anna+list@x.test", "anna@x.test", "@x.test")
