"""DMARC: alignment, discovery, and what is asked for."""

import pytest

from gateway.check.auth_dkim import Signature
from gateway.check.auth_dmarc import Dmarc, Record, aligned, discover, evaluate, organisational
from gateway.check.auth_spf import Spf

from .zone import SERVFAIL, lookups, serving, txt

RECORDS = {
    ("_dmarc.reject.test", "TXT"): [txt("v=DMARC1; p=reject; sp=quarantine")],
    ("_dmarc.own.reject.test", "TXT"): [txt("v=DMARC1;p=none")],
    ("_dmarc.strict.test", "TXT"): [txt("v=DMARC1; p=REJECT; adkim=s; aspf=s")],
    ("_dmarc.half.test", "TXT"): [txt("v=DMARC1; p=reject; pct=50")],
    ("_dmarc.never.test", "TXT"): [txt("v=DMARC1; p=quarantine; pct=0")],
    ("_dmarc.two.test", "TXT"): [txt("v=DMARC1; p=reject"), txt("v=DMARC1; p=none")],
    ("_dmarc.beside.test", "TXT"): [txt("something"), txt("v=DMARC1; p=reject")],
    ("_dmarc.order.test", "TXT"): [txt("p=reject; v=DMARC1")],
    ("_dmarc.reports.test", "TXT"): [txt("v=DMARC1; p=nonsense; rua=mailto:x@y.test")],
    ("_dmarc.nonsense.test", "TXT"): [txt("v=DMARC1; p=nonsense")],
    ("_dmarc.broken.test", "*"): SERVFAIL,
}


@pytest.mark.parametrize(
    ("domain", "organisation"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("a.example.test", "example.test"),
        ("xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
    ],
)
def test_organisational_is_what_was_registered(domain, organisation):
    """By the list of public suffixes."""
    assert organisational(domain) == organisation


@pytest.mark.parametrize(
    ("authenticated", "author", "relaxed", "strict"),
    [
        ("x.com", "x.com", True, True),
        ("mail.x.com", "x.com", True, False),
        ("x.com", "news.x.com", True, False),
        ("x.co.uk", "y.co.uk", False, False),
        ("evilx.com", "x.com", False, False),
        ("", "x.com", False, False),
    ],
)
def test_aligned_relaxed_and_strict(authenticated, author, relaxed, strict):
    """Same organisation, or the same domain."""
    assert aligned(authenticated, author, strict=False) is relaxed
    assert aligned(authenticated, author, strict=True) is strict


@pytest.mark.parametrize(
    ("domain", "record"),
    [
        ("reject.test", Record("reject")),
        ("sub.reject.test", Record("quarantine")),
        ("own.reject.test", Record("none")),
        ("a.own.reject.test", Record("quarantine")),
        ("strict.test", Record("reject", strict_dkim=True, strict_spf=True)),
        ("sub.strict.test", Record("reject", strict_dkim=True, strict_spf=True)),
        ("half.test", Record("reject", percent=50)),
        ("beside.test", Record("reject")),
        ("reports.test", Record("none")),
        ("two.test", None),
        ("order.test", None),
        ("nonsense.test", None),
        ("none.test", None),
    ],
)
def test_discover_finds_the_record_that_counts(domain, record):
    """The domain's own, else its organisation's with sp=."""
    with serving(RECORDS) as (_, resolver):
        assert discover(domain, lookups(resolver)) == record


PASS, FAIL, TEMPORARY = Spf("pass", "mail.reject.test"), Spf("fail", "reject.test"), Spf("temperror", "reject.test")


@pytest.mark.parametrize(
    ("domain", "spf", "signatures", "result"),
    [
        ("reject.test", PASS, [], Dmarc("reject.test", "pass", "reject")),
        ("reject.test", FAIL, [Signature("pass", "reject.test")], Dmarc("reject.test", "pass", "reject")),
        ("reject.test", FAIL, [], Dmarc("reject.test", "fail", "reject", "reject")),
        (
            "reject.test",
            Spf("pass", "evil.test"),
            [Signature("pass", "evil.test")],
            Dmarc("reject.test", "fail", "reject", "reject"),
        ),
        ("reject.test", FAIL, [Signature("fail", "reject.test")], Dmarc("reject.test", "fail", "reject", "reject")),
        ("sub.reject.test", FAIL, [], Dmarc("sub.reject.test", "fail", "quarantine", "quarantine")),
        ("strict.test", Spf("pass", "mail.strict.test"), [], Dmarc("strict.test", "fail", "reject", "reject")),
        ("never.test", FAIL, [], Dmarc("never.test", "fail", "quarantine", "none")),
        ("none.test", FAIL, [], Dmarc("none.test", "none")),
        ("broken.test", FAIL, [], Dmarc("broken.test", "temperror")),
        ("reject.test", TEMPORARY, [], Dmarc("reject.test", "temperror", "reject")),
        ("reject.test", TEMPORARY, [Signature("pass", "reject.test")], Dmarc("reject.test", "pass", "reject")),
        ("reject.test", FAIL, [Signature("temperror", "reject.test")], Dmarc("reject.test", "temperror", "reject")),
        ("reject.test", FAIL, [Signature("temperror", "evil.test")], Dmarc("reject.test", "fail", "reject", "reject")),
    ],
)
def test_evaluate(domain, spf, signatures, result):
    """One aligned pass is enough; what DNS did not say about an aligned domain leaves it open."""
    with serving(RECORDS) as (_, resolver):
        assert evaluate(domain, spf, signatures, lookups(resolver), b"4ABC") == result


def test_evaluate_samples():
    """About the percent asked for; the others get the next milder policy, and each message the same every time."""
    with serving(RECORDS) as (_, resolver):
        asked = [evaluate("half.test", FAIL, [], lookups(resolver), b"%d" % (number // 2)) for number in range(400)]
    assert asked[::2] == asked[1::2]
    dispositions = [each.disposition for each in asked]
    assert set(dispositions) == {"reject", "quarantine"}
    assert 120 < dispositions.count("reject") < 280
