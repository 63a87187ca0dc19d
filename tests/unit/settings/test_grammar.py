"""What each grammar folds, takes and refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import grammar

LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])  # 253 octets

TAKEN = [
    (grammar.hostname, "MX.Example.Test", "mx.example.test"),
    (grammar.hostname, "xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
    (grammar.hostname, "1.2.3.4a", "1.2.3.4a"),
    (grammar.hostname, LONGEST, LONGEST),
    (grammar.address, "Anna.O'Neil+x@Example.test", "anna.o'neil+x@example.test"),
    (grammar.address_or_domain, "@Example.test", "@example.test"),
    (grammar.sender_pattern, ".Bulk.example", ".bulk.example"),
    (grammar.sender_pattern, ".TOP", ".top"),
    (grammar.sender_pattern, "spam.example", "spam.example"),
    (grammar.sender_pattern, "Pest@example.net", "pest@example.net"),
    (grammar.next_hop, "[192.0.2.25]:25", "[192.0.2.25]:25"),
    (grammar.next_hop, "[Sink]", "[sink]"),
    (grammar.next_hop, "Corp.test:2525", "corp.test:2525"),
    (grammar.dnsbl, "Zen.example.org", "zen.example.org"),
    (grammar.trust_anchor, "1 13 2 " + "aB" * 32, "1 13 2 " + "AB" * 32),
    (grammar.trust_anchor, "65535 8 4 " + "0" * 96, "65535 8 4 " + "0" * 96),
    (grammar.dnsbl, "zen.example.org=127.0.[0;2..3].[2..11]", "zen.example.org=127.0.[0;2..3].[2..11]"),
    (grammar.size, "50MiB", 50 * 2**20),
    (grammar.size, "512 B", 512),
    (grammar.duration, "9m", 540),
]

REFUSED = [
    *(
        (grammar.hostname, value)
        for value in ["", ".", "a", "a.", "a..b", "-a.b", "a-.b", "a_b.c", "*.b", "a.b.", "1.2"]
    ),
    *((grammar.hostname, value) for value in [f"{'a' * 64}.b", LONGEST + "c", "ü.de", "a.b\n", " a.b", "a.\u0661"]),
    *(
        (grammar.address, value)
        for value in ["", "a", "@a.b", "a@", "a@b", "a b@c.d", '"a"@b.c', "a@b@c.d", "a..b@c.d"]
    ),
    *(
        (grammar.address, value)
        for value in [f"{'a' * 65}@b.c", "-f@b.c", ".a@b.c", "a.@b.c", "a@[192.0.2.1]", "ü@b.c"]
    ),
    *((grammar.sender_pattern, value) for value in ["", "<>", ".", "..a", "spam", ".1", "@a.b", ". a"]),
    *(
        (grammar.next_hop, value)
        for value in ["", "[]", "[a", "a.b:", "a.b:0", "a.b:65536", "[a b]", "[1]", "[1.2.3]", "a"]
    ),
    *((grammar.next_hop, value) for value in ["[[a]]", "smtp:a.b", "[a]:25 ", "[fe80::1%eth0]", "192.0.2.1"]),
    *((grammar.dnsbl, value) for value in ["a.b=", "a.b=127.0.0", "a.b=127.0.0.256", "a.b=127.0.0.[11..2]"]),
    *(
        (grammar.dnsbl, value)
        for value in ["a.b=127.0.0.[2", "a.b=127.0.0.2 x", "a.b=127.255.255.1", "a.b=127.0.0.2=3"]
    ),
    *(
        (grammar.dnsbl, value)
        for value in ["a.b=127.[0..255].[0..255].[0..255]", "a.b=127.0.0.\u0662", "a.b=1.2.3.4.5"]
    ),
    *((grammar.size, value) for value in ["50", 50, "0MiB", "-1B", "1e3B", "1KB", "1 KiB ", True, None, "\u0661B"]),
    *((grammar.duration, value) for value in ["9", 9, "0s", "-1s", "1.5s", "1 s", "1w", False]),
    *(
        (grammar.trust_anchor, value + "AB" * 32)
        for value in ["", "1 13 4 ", "1 5 2 ", "65536 13 2 ", "1 13 2  ", "1\t13 2 "]
    ),
    *(
        (grammar.trust_anchor, value)
        for value in ["1 13 2 " + "G0" * 32, "1 13 2 " + "AB" * 31, '1 13 2 "' + "AB" * 32 + '"']
    ),
    *((grammar.identifier, value) for value in ["", "A", "1a", "a_b", "a" * 32, "a b", "ä"]),
    *((grammar.network, value) for value in ["10.0.0.0", "0.0.0.0/0", "::/0", "10.0.0.1/8", "010.0.0.0/8", "1.2.3/24"]),
    *((grammar.network, value) for value in ["10.0.0.0/255.0.0.0", "fe80::%eth0/64", "10.0.0.0/33", "10.0.0.0/8/8"]),
    *((grammar.socket_address, value) for value in ["127.0.0.1", ":25", "*:25", "a.b:25", "::1:25", "127.0.0.1:0"]),
    *(
        (grammar.socket_address, value)
        for value in ["127.0.0.1:65536", "[127.0.0.1:25", "0127.0.0.1:25", "[::1%lo]:25"]
    ),
    *((grammar.file_name, value) for value in ["", ".", "..", "../a", "a/b", "-a", ".hidden", "a b", "a" * 101]),
    *((grammar.regular_expression, value) for value in ["", "a\nb", "a\0", "a\\"]),
]


@pytest.mark.parametrize(("parse", "value", "expected"), TAKEN)
def test_grammar_takes_and_folds(parse, value, expected):
    """Only letter case changes."""
    assert parse(value) == expected


@pytest.mark.parametrize(("parse", "value"), REFUSED)
def test_grammar_refuses_with_what_is_expected(parse, value):
    """Whoever reads the message knows what to write instead."""
    with pytest.raises(ValueError, match="expected"):
        parse(value)


@pytest.mark.parametrize("value", ["192.0.2.1:25", "[2001:db8::1]:25", "0.0.0.0:2525", "[::]:587"])
def test_socket_address_prints_as_it_is_written(value):
    """The form with brackets is the one that Compose and Postfix read."""
    assert str(grammar.socket_address(value)) == value


def test_socket_address_without_port_gets_the_default():
    """Only where there is one."""
    assert str(grammar.socket_address("10.0.0.1", default_port=53)) == "10.0.0.1:53"


@given(st.integers(1, 2**31))
def test_size_text_reads_back(octets):
    """Defaults are shown as they could be written."""
    assert grammar.size(grammar.size_text(octets)) == octets


@given(st.integers(1, 9_999_999))
def test_duration_text_reads_back(seconds):
    """As above, for seconds."""
    assert grammar.duration(grammar.duration_text(seconds)) == seconds


@given(st.text(max_size=30))
def test_grammar_of_any_text_raises_nothing_but_value_error(value):
    """A grammar takes or refuses; it never fails."""
    for parse in {parse for parse, *_rest in TAKEN + REFUSED}:
        try:
            parse(value)
        except ValueError:
            continue
