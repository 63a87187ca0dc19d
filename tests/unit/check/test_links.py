"""Hosts of links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.check.links import hosts, linked_hosts, read_host, reversed_address
from gateway.message.visible import unescape


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com:8080", "example.com"),
        ("paypal.com@evil.example", "evil.example"),
        ("a@b@evil.example", "evil.example"),
        ("ex%61mple.com", "example.com"),
        ("example.com.", "example.com"),
        ("example.com),", "example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\u3002com", "example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("3221225985", "192.0.2.1"),
        ("0xC0000201", "192.0.2.1"),
        ("0xc0.0.0x2.1", "192.0.2.1"),
        ("0300.0.2.01", "192.0.2.1"),
        ("192.0.513", "192.0.2.1"),
        ("[2001:DB8::1]:80", "2001:db8::1"),
        ("under_score.example", "under_score.example"),
    ],
)
def test_read_host_as_browsers_do(authority, host):
    """Users, ports, escapes, wide letters, numbers."""
    assert read_host(authority) == host


@pytest.mark.parametrize(
    "authority",
    [
        "",
        "localhost",
        "-",
        "..",
        "a..b",
        "256.1.1.1",
        "1.2.3.4.5",
        "08.1.1.1",
        "4294967296",
        "[::g]",
        "[",
        "a" * 64 + ".com",
        "a." * 127 + "com",
    ],
)
def test_read_host_what_is_none_is_left_out(authority):
    """No list could be asked about it."""
    assert read_host(authority) == ""


def test_hosts_are_found_in_plain_text():
    """With a scheme in any spelling, or www."""
    text = "http://a.example/x, HTTPS:\\\\b.example ftp://c.example http:/d.example www.e.example/ or me@www.f.example"
    assert list(hosts(text)) == ["a.example", "b.example", "c.example", "d.example", "www.e.example"]


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="http://a.example/x">',
        "<a href='//a.example'>",
        "<A HREF = http://a.example>",
        '<img src="http://a.example/i.png">',
        '<a href="&#104;ttp://a&#46;example/">',
        '<a href="ht\r\ntp://a.exa\tmple/">',
        '<a href="http:\\\\a.example">',
        '<form action="https://user@a.example:443/">',
    ],
)
def test_linked_hosts_are_found_in_attributes(markup):
    """However they are written."""
    assert list(linked_hosts(markup, unescape)) == ["a.example"]


def test_linked_hosts_relative_links_have_none():
    """Nor have other schemes."""
    markup = '<a href="/x"><a href="x.html"><a href="mailto:a@b.example"><a href="cid:1"><a href="#a">'
    assert list(linked_hosts(markup, unescape)) == []


@pytest.mark.parametrize(
    ("host", "reverse"),
    [
        ("192.0.2.1", "1.2.0.192"),
        ("2001:db8::1", "1." + "0." * 23 + "8.b.d.0.1.0.0.2"),
        ("a.example", ""),
        ("a.example1", ""),
    ],
)
def test_reversed_address_is_as_lists_have_it(host, reverse):
    """RFC 5782 section 2."""
    assert reversed_address(host) == reverse


@given(st.text(max_size=300))
def test_read_host_anything_gives_a_host_or_nothing(authority):
    """What comes out can be asked about."""
    host = read_host(authority)
    assert host == "" or (
        host.isascii() and len(host) <= 253 and read_host(f"[{host}]" if ":" in host else host) == host
    )


@pytest.mark.parametrize("piece", ["http:", "http://", "www.", "href=", 'href="', "href='", "href= \"href=' "])
def test_hosts_take_linear_time(piece):
    """A million characters of beginnings."""
    text = piece * (1_000_000 // len(piece))
    assert len(list(hosts(text))) + len(list(linked_hosts(text, unescape))) < 1_000_000
