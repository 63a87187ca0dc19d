"""Whose a message is, by From."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.author import author, domain_of
from gateway.message.header import MAX_FIELDS, read_header


def of(*values):
    """Read From fields."""
    return author(read_header(b"".join(b"From: " + value + b"\r\n" for value in values) + b"\r\n"))


@pytest.mark.parametrize(
    "value",
    [
        b"anna@example.test",
        b"<anna@EXAMPLE.test>",
        b"Anna <anna@example.test>",
        b'"eve@evil.test" <anna@example.test>',
        b'"a \\" <eve@evil.test>" <anna@example.test>',
        b"(eve@evil.test) anna@example.test (x (y) <eve@evil.test>)",
        b"anna(@evil.test)@example.test",
        b"=?utf-8?q?eve=40evil.test?= <anna@example.test>",
        b"Anna\r\n <anna@example.test>",
        b"Friends: anna@example.test, bob@example.test;",
        b"<@hop.test,@other.test:anna@example.test>",
        b"anna@example.test.",
        b'"a,b"@example.test',
        b"eve@evil.test <anna@example.test>",
        b'"unclosed anna@example.test',
    ],
)
def test_author_of_one_domain(value):
    """What is in quotes, comments and encoded words is no address."""
    assert of(value).domain == "example.test"


def test_author_of_international_domain():
    """As A-labels, as DNS has it."""
    assert of("Ä <a@bücher.example>".encode()).domain == "xn--bcher-kva.example"
    assert of("a@EXAMPLE.テスト".encode()).domain == "example.xn--zckzah"


@pytest.mark.parametrize(
    ("values", "domains", "well_formed"),
    [
        ([b"a@x.test, b@y.test"], ("x.test", "y.test"), True),
        ([b"<a@x.test> <b@y.test>"], ("x.test", "y.test"), True),
        ([b"a@x.test", b"b@y.test"], ("x.test", "y.test"), False),
        ([b"a@x.test, nonsense"], ("x.test",), False),
        ([b"a@[192.0.2.1]"], (), False),
        ([b"=?utf-8?b?YUB4LnRlc3Q=?="], (), False),
        ([b"a@x..test"], (), False),
        ([b"a@localhost"], (), False),
        ([b"a@x.test\x00.evil.test"], (), False),
        ([b"(unclosed a@x.test"], (), False),
        ([b"@x.test"], (), False),
        ([b""], (), False),
        ([], (), False),
        ([b"a@x.test," * 3000], ("x.test",), False),
    ],
)
def test_author_of_several_or_none(values, domains, well_formed):
    """All domains count, and what cannot be read is said."""
    found = of(*values)
    assert (found.domains, found.well_formed) == (domains, well_formed)
    assert found.domain is None


@given(st.binary(max_size=300))
def test_author_of_anything_is_names(value):
    """Never fails, and gives nothing that DNS could not be asked for."""
    for domain in of(value.replace(b"\r", b"").replace(b"\n", b"")).domains:
        assert domain == domain.lower()
        assert domain.isascii()
        assert len(domain) <= 253
        assert all(0 < len(label) <= 63 for label in domain.split("."))


@pytest.mark.parametrize("value", [b'"' * 16_000, b"(" * 16_000, b"<" * 16_000, b"\\" * 16_000, b'"\\' * 8_000])
def test_author_of_hostile_value_is_quick(value):
    """Linear in the value; a quadratic reading would not end within the test's patience."""
    assert of(value * 100).domains == ()


def test_domain_of_a_path():
    """As the envelope has it."""
    assert domain_of("anna@Example.TEST") == "example.test"
    assert domain_of("postmaster") is None


def test_author_is_in_doubt_where_more_fields_are_than_are_read():
    """Behind them may be another From, which some program shows."""
    content = b"From: anna@example.test\r\n" + b"X: y\r\n" * MAX_FIELDS + b"From: eve@evil.test\r\n\r\n"
    assert not author(read_header(content)).well_formed
    assert author(read_header(content.replace(b"X: y\r\n", b"", 2).partition(b"From: eve")[0])).well_formed
