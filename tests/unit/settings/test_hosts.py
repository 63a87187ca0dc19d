"""The hosts file and the table beside it."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings.hosts import Host, lan_address, merge


def test_merge_keeps_order_and_drops_redundant_aliases():
    """An alias that repeats the first label is in every /etc/hosts; others are names of their own."""
    text = "# c\n\n10.0.0.2\tB.lan.test b  www.lan.test B.lan.test # 10.0.0.9 x.test\nfd00::1 a.lan.test"
    entries, problems = merge({"10.0.0.1": "z.lan.test"}, text)
    assert problems == []
    assert entries == [
        (("dns", "hosts", "10.0.0.1"), Host(ip_address("10.0.0.1"), ("z.lan.test",))),
        (("dns", "hosts_file", 3, 1), Host(ip_address("10.0.0.2"), ("b.lan.test", "www.lan.test"))),
        (("dns", "hosts_file", 4, 1), Host(ip_address("fd00::1"), ("a.lan.test",))),
    ]


def test_merge_of_one_address_in_both_places_points_at_the_other():
    """An address has one PTR."""
    _entries, problems = merge({"10.0.0.1": "a.lan.test"}, "10.0.0.1 b.lan.test\n10.0.0.1 c.lan.test\n")
    assert [(problem.path, problem.other) for problem in problems] == [
        (("dns", "hosts_file", 1, 1), ("dns", "hosts", "10.0.0.1")),
        (("dns", "hosts_file", 2, 1), ("dns", "hosts", "10.0.0.1")),
    ]


@pytest.mark.parametrize(
    "value",
    [
        *("127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "169.254.1.1", "fe80::1"),
        *("010.0.0.1", "1.2.3", "fe80::1%eth0", "10.0.0.1/32", "", "a.test", "\u0661.2.3.4"),
    ],
)
def test_lan_address_of_no_host_is_refused(value):
    """Loopback and link-local addresses mean another host to whoever asks."""
    with pytest.raises(ValueError, match="expected"):
        lan_address(value)


@settings(max_examples=100)
@given(st.text(alphabet='10.:af# \t\nxn-_@\\;$("', max_size=60))
def test_merge_of_any_text_gives_sound_hosts(text):
    """Each host left has a name, and no address comes twice."""
    entries, _problems = merge({}, text)
    assert all(host.names for _path, host in entries)
    assert len({host.address for _path, host in entries}) == len(entries)
