"""What DNS says, and what is no answer."""

import pytest

from gateway.check.auth_dns import TemporaryError

from .zone import SERVFAIL, SILENCE, lookups, serving, txt

RECORDS = {
    ("a.test", "A"): ["192.0.2.1"],
    ("a.test", "AAAA"): ["2001:db8::1"],
    ("a.test", "MX"): ["10 mx.a.test."],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["a.test."],
    ("a.test", "TXT"): [txt("x" * 300), txt("y" * 9000)],
    ("broken.test", "*"): SERVFAIL,
    ("silent.test", "*"): SILENCE,
}


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        ("a.test", "A", ["192.0.2.1"]),
        ("A.test", "AAAA", ["2001:db8::1"]),
        ("a.test", "MX", [(10, "mx.a.test")]),
        ("1.2.0.192.in-addr.arpa", "PTR", ["a.test"]),
        ("a.test", "TXT", [(b"x" * 250, b"x" * 50)]),
        ("none.test", "A", []),
        ("broken.test.a..b", "A", []),
        ("x" * 64 + ".test", "A", []),
        ("\udcff.test", "A", []),
    ],
)
def test_ask_gives_records(name, kind, answer):
    """As pyspf wants them; no such name, no such record and no possible name are none; a text too long is left out."""
    with serving(RECORDS) as (_, resolver):
        assert lookups(resolver).ask(name, kind) == answer


def test_text_joins_the_strings():
    """A record is one text."""
    with serving(RECORDS) as (_, resolver):
        assert lookups(resolver).text("a.test") == [b"x" * 300]


@pytest.mark.parametrize(("name", "seconds"), [("broken.test", 5), ("silent.test", 0.3), ("a.test", 0)])
def test_ask_without_answer_is_temporary(name, seconds):
    """A resolver that fails, is silent, or is asked too late."""
    with serving(RECORDS) as (_, resolver), pytest.raises(TemporaryError):
        lookups(resolver, seconds).ask(name, "A")


def test_ask_without_resolver_is_temporary():
    """Nobody listens there."""
    with serving(RECORDS) as (_, resolver):
        pass
    with pytest.raises(TemporaryError):
        lookups(resolver, 0.3).ask("a.test", "A")


def test_ask_twice_asks_once():
    """Within one message, and in any letter case."""
    with serving(RECORDS) as (zone, resolver):
        asking = lookups(resolver)
        assert asking.ask("a.test", "A") == asking.ask("A.TEST", "A")
        assert asking.ask("none.test", "A") == asking.ask("none.test", "A")
        assert zone.asked == [("a.test", "A"), ("none.test", "A")]
