"""Domain blocklists, asked over real DNS."""

import logging

import dns.rcode
import pytest

from gateway.check import domainlists
from gateway.check.domainlists import DomainList, Hit, Lists, Unanswered

from .dnsserver import serving


@pytest.fixture
async def dns_server():
    """Give a server and a resolver."""
    async with serving() as pair:
        yield pair


@pytest.mark.parametrize(
    ("pattern", "answer", "listed"),
    [
        ("l.test", (127, 0, 0, 2), True),
        ("l.test", (127, 0, 1, 255), True),
        ("l.test", (127, 255, 255, 254), False),
        ("l.test", (192, 0, 2, 1), False),
        ("l.test=127.0.1.[2..99]", (127, 0, 1, 2), True),
        ("l.test=127.0.1.[2..99]", (127, 0, 1, 99), True),
        ("l.test=127.0.1.[2..99]", (127, 0, 1, 100), False),
        ("l.test=127.0.[0;2].[2;4..6]", (127, 0, 2, 5), True),
        ("l.test=127.0.[0;2].[2;4..6]", (127, 0, 1, 5), False),
        ("l.test=127.0.[0;2].[2;4..6]", (127, 0, 0, 3), False),
    ],
)
def test_means_listed_follows_the_pattern(pattern, answer, listed):
    """As in postconf(5); never a refusal."""
    assert DomainList(pattern).means_listed(answer) is listed


async def test_ask_gives_what_is_listed(dns_server):
    """With the list and its answer."""
    server, resolver = dns_server
    server.addresses = {"bad.example": ["127.0.1.2"], "other.example": ["127.0.2.2"]}
    lists = Lists(["list.test=127.0.1.[2..99]"], resolver)
    assert await lists.ask(["good.example", "bad.example", "other.example"]) == [
        Hit("list.test", "bad.example", "127.0.1.2")
    ]


async def test_ask_answers_are_kept(dns_server):
    """Good ones and denials."""
    server, resolver = dns_server
    server.addresses = {"bad.example": ["127.0.0.2"]}
    lists = Lists(["list.test"], resolver)
    for _ in range(3):
        assert len(await lists.ask(["bad.example", "good.example"])) == 1
    assert sorted(server.asked) == ["bad.example.list.test.", "good.example.list.test."]


async def test_ask_answers_are_not_kept_beyond_their_time(dns_server):
    """A time to live of nothing, of an answer and of a denial."""
    server, resolver = dns_server
    server.addresses, server.ttl = {"bad.example": ["127.0.0.2"]}, 0
    lists = Lists(["list.test"], resolver)
    for _ in range(2):
        await lists.ask(["bad.example", "good.example"])
    assert len(server.asked) == 4


async def test_ask_kept_answers_are_bounded(dns_server, monkeypatch):
    """The oldest go."""
    monkeypatch.setattr(domainlists, "MAX_KEPT", 5)
    _, resolver = dns_server
    lists = Lists(["list.test"], resolver)
    await lists.ask([f"{number}.example" for number in range(20)])
    assert len(lists._kept) == 5


async def test_ask_is_side_by_side_within_a_bound(dns_server, monkeypatch):
    """The server waits until four have asked; a fifth may not before one is answered."""
    monkeypatch.setattr(domainlists, "AT_ONCE", 4)
    server, resolver = dns_server
    server.hold = 4
    await Lists(["list.test"], resolver).ask([f"{number}.example" for number in range(20)])
    assert server.at_once == 4


async def test_ask_refusal_is_no_finding_and_one_warning(dns_server, caplog):
    """However many names it refuses."""
    server, resolver = dns_server
    server.addresses = {"a.example": ["127.255.255.254"], "b.example": ["127.255.255.254"]}
    with caplog.at_level(logging.WARNING):
        assert await Lists(["list.test"], resolver).ask(["a.example", "b.example"]) == []
    assert [record.message for record in caplog.records] == ["domain list refuses us"]
    assert caplog.records[0].fields == {"zone": "list.test", "cause": "127.255.255.254"}


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_ask_failure_of_all_lists_is_an_error(dns_server, rcode):
    """Nothing is known then."""
    server, resolver = dns_server
    server.rcode = rcode
    with pytest.raises(Unanswered, match=r"^no answer from list\.test$"):
        await Lists(["list.test"], resolver).ask(["a.example"])


async def test_ask_silent_list_costs_one_wait(dns_server, monkeypatch):
    """Not one for each name, nor for the next message."""
    monkeypatch.setattr(domainlists, "LIFETIME_S", 0.2)
    monkeypatch.setattr(domainlists, "AT_ONCE", 1)
    server, resolver = dns_server
    server.silent = True
    lists = Lists(["list.test"], resolver)
    for _ in range(2):
        with pytest.raises(Unanswered):
            await lists.ask([f"{number}.example" for number in range(10)])
    assert set(server.asked) == {"0.example.list.test."}


async def test_ask_one_list_that_answers_is_enough(dns_server, caplog):
    """What failed is in the log."""
    server, resolver = dns_server
    server.addresses = {"a.example": ["127.0.0.2"]}
    lists = Lists(["other.test", "list.test"], resolver)
    lists._resting["other.test"] = float("inf")
    assert await lists.ask(["a.example"]) == [Hit("list.test", "a.example", "127.0.0.2")]
    assert await lists.ask(["b.example"]) == []
    assert [record.message for record in caplog.records] == ["domain list does not answer"]


async def test_ask_names_too_long_are_not_listed(dns_server):
    """With the zone behind them they are no names."""
    server, resolver = dns_server
    assert await Lists(["list.test"], resolver).ask([".".join(["a" * 62] * 4)]) == []
    assert server.asked == []


async def test_ask_nothing_asks_nothing(dns_server):
    """No names, no lists."""
    server, resolver = dns_server
    assert await Lists(["list.test"], resolver).ask([]) == []
    assert await Lists([], resolver).ask(["a.example"]) == []
    assert server.asked == []
