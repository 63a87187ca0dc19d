"""SPF as RFC 7208 has it, within its limits."""

import pytest

from gateway.check.auth_spf import Spf, check_spf

from .zone import SERVFAIL, lookups, mail, serving, txt

RECORDS = {
    ("pass.test", "TXT"): [txt("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all")],
    ("fail.test", "TXT"): [txt("v=spf1 -all")],
    ("soft.test", "TXT"): [txt("v=spf1 ~all")],
    ("neutral.test", "TXT"): [txt("v=spf1 ?all")],
    ("two.test", "TXT"): [txt("v=spf1 -all"), txt("v=spf1 +all")],
    ("wrong.test", "TXT"): [txt("v=spf1 ip4:nonsense -all")],
    ("other.test", "TXT"): [txt("something else")],
    ("include.test", "TXT"): [txt("v=spf1 include:pass.test -all")],
    ("a.test", "TXT"): [txt("v=spf1 a mx -all")],
    ("a.test", "A"): ["198.51.100.1"],
    ("a.test", "MX"): ["10 mx.a.test."],
    ("mx.a.test", "A"): ["192.0.2.1"],
    ("macro.test", "TXT"): [txt("v=spf1 exists:%{l}.%{i}.macro.test -all")],
    ("anna.192.0.2.1.macro.test", "A"): ["127.0.0.2"],
    ("broken.test", "*"): SERVFAIL,
    ("includes-broken.test", "TXT"): [txt("v=spf1 include:broken.test -all")],
    ("mx.sender.test", "TXT"): [txt("v=spf1 ip4:192.0.2.1 -all")],
    ("many.test", "TXT"): [txt("v=spf1 " + "".join(f"a:a{number}.many.test " for number in range(11)) + "-all")],
    **{(f"a{number}.many.test", "A"): ["198.51.100.1"] for number in range(11)},
    ("void.test", "TXT"): [txt("v=spf1 a:v1.void.test a:v2.void.test a:v3.void.test ip4:192.0.2.1 -all")],
    ("loop.test", "TXT"): [txt("v=spf1 include:loop2.test -all")],
    ("loop2.test", "TXT"): [txt("v=spf1 include:loop.test -all")],
}


def checked(content=b"", **client):
    """Give the result for a client."""
    with serving(RECORDS) as (_, resolver):
        return check_spf(mail(content, **client), lookups(resolver))


@pytest.mark.parametrize(
    ("domain", "result"),
    [
        ("pass.test", "pass"),
        ("fail.test", "fail"),
        ("soft.test", "softfail"),
        ("neutral.test", "neutral"),
        ("none.test", "none"),
        ("other.test", "none"),
        ("two.test", "permerror"),
        ("wrong.test", "permerror"),
        ("include.test", "pass"),
        ("a.test", "pass"),
        ("macro.test", "pass"),
        ("broken.test", "temperror"),
        ("includes-broken.test", "temperror"),
        ("many.test", "permerror"),
        ("void.test", "permerror"),
        ("loop.test", "permerror"),
    ],
)
def test_check_spf_of_reverse_path(domain, result):
    """Each result; ten terms that ask DNS, and two without an answer, are the limit."""
    assert checked(reverse_path=f"anna@{domain}".encode()) == Spf(result, domain)


def test_check_spf_of_ipv6():
    """The client's address as XFORWARD writes it."""
    assert checked(address="IPv6:2001:db8::7", reverse_path=b"anna@pass.test").result == "pass"
    assert checked(address="IPv6:2001:db9::7", reverse_path=b"anna@pass.test").result == "fail"


def test_check_spf_of_the_null_reverse_path_is_that_of_helo():
    """RFC 7208 section 2.4."""
    assert checked(reverse_path=b"") == Spf("pass", "mx.sender.test", helo=True)
    assert checked(reverse_path=b"", helo="[192.0.2.1]") == Spf("none", "", helo=True)


@pytest.mark.parametrize(
    ("client", "result"),
    [
        ({"address": ""}, Spf("none", "example.test")),
        ({"address": "unknown"}, Spf("none", "example.test")),
        ({"reverse_path": b"anna"}, Spf("none", "")),
        ({"reverse_path": b"anna@[192.0.2.1]"}, Spf("none", "")),
        ({"reverse_path": b"a\xc3\xa4 %{d}@macro.test"}, Spf("fail", "macro.test")),
        ({"reverse_path": b"x" * 5000 + b"@macro.test"}, Spf("fail", "macro.test")),
        ({"reverse_path": b'"a..b"@macro.test', "helo": "\x00%{i}"}, Spf("fail", "macro.test")),
    ],
)
def test_check_spf_of_hostile_words(client, result):
    """No address, no domain, or characters that DNS does not have."""
    assert checked(**client) == result


def test_check_spf_out_of_time_is_temporary():
    """A record may ask for much, but not for longer than there is."""
    with serving(RECORDS) as (_, resolver):
        assert check_spf(mail(b"", reverse_path=b"a@pass.test"), lookups(resolver, 0)) == Spf("temperror", "pass.test")
