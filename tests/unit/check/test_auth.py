"""The check as a whole: findings, fields, and DNS that is gone."""

import pytest

from gateway.check.auth import Auth, Options, vouched
from gateway.check.auth_dkim import Chain, Seal
from gateway.check.registry import make
from gateway.message.edit import apply
from gateway.message.verdict import ERROR

from .zone import SERVFAIL, SILENCE, mail, rsa_key, sealed, serving, signed, txt

MX = "mx.example.test"
MESSAGE = b"From: Anna <anna@{}>\nTo: b@x.test\nSubject: x\n\nHello\n"
FORGED = b"Authentication-Results: MX.example.test; dmarc=pass\n"


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """Give a key, and its record."""
    return rsa_key(tmp_path_factory.mktemp("key") / "key.pem")


def world(key, **more):
    """Give the records there are."""
    found = {}
    for domain, policy in (("reject.test", "reject"), ("quarantine.test", "quarantine"), ("none.test", "none")):
        found["_dmarc." + domain, "TXT"] = [txt(f"v=DMARC1; p={policy}")]
    for domain in ("reject.test", "quarantine.test", "none.test", "quiet.test"):
        found[domain, "TXT"] = [txt("v=spf1 ip4:192.0.2.1 -all")]
        found["s1._domainkey." + domain, "TXT"] = [txt(key[1])]
    found["soft.test", "TXT"] = [txt("v=spf1 ~all")]
    found["s1._domainkey.list.test", "TXT"] = [txt(key[1])]
    return found | {tuple(name.split("|")): value for name, value in more.items()}


async def report_on(content, records, *, trusted=(), seconds=5.0, **client):
    """Give reasons and what is left of the content."""
    with serving(records) as (zone, resolver):
        check = Auth("auth", Options(MX, trusted, seconds), resolver)
        message = mail(content, **client)
        report = await check.examine(message)
    reasons = [finding.reason for finding in report.findings]
    return reasons, b"".join(apply(message.content, report.splices)), zone


def from_(domain):
    """Give a message of a domain."""
    return MESSAGE.replace(b"{}", domain.encode())


@pytest.mark.parametrize(
    ("author", "path", "address", "reasons"),
    [
        ("reject.test", "reject.test", "192.0.2.1", []),
        ("reject.test", "reject.test", "192.0.2.2", ["dmarc-reject", "spf-fail"]),
        ("reject.test", "evil.test", "192.0.2.2", ["dmarc-reject"]),
        ("quarantine.test", "evil.test", "192.0.2.2", ["dmarc-quarantine"]),
        ("none.test", "none.test", "192.0.2.2", ["spf-fail"]),
        ("quiet.test", "quiet.test", "192.0.2.1", []),
        ("quiet.test", "quiet.test", "192.0.2.2", ["spf-fail"]),
        ("quiet.test", "soft.test", "192.0.2.2", ["spf-softfail"]),
        ("unknown.test", "unknown.test", "192.0.2.2", []),
    ],
)
async def test_findings_by_spf(key, author, path, address, reasons):
    """What the author's domain asks for; SPF alone where it asks for nothing."""
    found, _, _ = await report_on(from_(author), world(key), address=address, reverse_path=b"a@" + path.encode())
    assert found == reasons


async def test_findings_by_dkim(key):
    """A signature of the author's domain makes good for a forwarder's address; a broken one does not."""
    content = signed(from_("reject.test"), key[0], "reject.test")
    assert (await report_on(content, world(key), address="192.0.2.9", reverse_path=b"f@quiet.test"))[0] == []
    broken = content.replace(b"Hello", b"Hullo")
    assert (await report_on(broken, world(key), address="192.0.2.9", reverse_path=b"f@quiet.test"))[0] == [
        "dmarc-reject",
        "spf-fail",
        "dkim-fail",
    ]


@pytest.mark.parametrize(
    ("field", "reasons"),
    [
        (b"From: a@reject.test, b@quarantine.test", ["dmarc-reject", "dmarc-quarantine"]),
        (b"From: a@none.test\nFrom: b@reject.test", ["from-invalid", "dmarc-reject"]),
        (b"From: nobody", ["from-invalid"]),
        (b"X: y", ["from-invalid"]),
        (b"From: a@a.test, b@b.test, c@c.test, d@d.test, e@e.test", ["from-invalid"]),
    ],
)
async def test_findings_of_a_from_that_is_not_one_domain(key, field, reasons):
    """Each domain is asked, and what cannot be asked is said."""
    content = field + b"\nSubject: x\n\nHello\n"
    assert (await report_on(content, world(key), reverse_path=b"a@unknown.test"))[0] == reasons


async def test_field_is_added_and_forged_ones_are_removed(key):
    """Ours stands first; those in our name are gone, in mail from inside too."""
    content = from_("reject.test")
    _, result, _ = await report_on(FORGED + content, world(key), reverse_path=b"a@reject.test")
    assert result == (
        b"Authentication-Results: mx.example.test;\r\n\tspf=pass smtp.mailfrom=a@reject.test;\r\n\tdkim=none;\r\n"
        b"\tdmarc=pass (p=reject) header.from=reject.test\r\n" + content.replace(b"\n", b"\r\n")
    )
    reasons, result, zone = await report_on(FORGED + content, world(key), inside=True, reverse_path=b"a@evil.test")
    assert (reasons, result, zone.asked) == ([], content.replace(b"\n", b"\r\n"), [])


@pytest.mark.parametrize("answer", [SERVFAIL, SILENCE])
@pytest.mark.parametrize("name", ["_dmarc.reject.test|*", "reject.test|*", "s1._domainkey.reject.test|*"])
async def test_dns_without_answer_is_no_verdict(key, name, answer):
    """Policy, SPF or key: it might have passed; the forged field is gone all the same."""
    content = signed(from_("reject.test"), key[0], "reject.test").replace(
        b"Hello", b"Hello" if "_dom" in name else b"X"
    )
    records = {where: what for where, what in world(key).items() if where[0] != name.partition("|")[0]}
    records |= {tuple(name.split("|")): answer}
    reasons, result, _ = await report_on(
        FORGED + content, records, address="192.0.2.2", reverse_path=b"a@reject.test", seconds=0.5
    )
    assert reasons == [ERROR]
    assert b"MX.example.test" not in result
    assert (b"=temperror" in result) or answer == SILENCE  # then the results may come too late


async def test_dns_without_answer_that_does_not_matter(key):
    """The signature passes, so SPF may say nothing."""
    content = signed(from_("reject.test"), key[0], "reject.test")
    records = world(key) | {("broken.test", "*"): SERVFAIL}
    assert (await report_on(content, records, reverse_path=b"a@broken.test"))[0] == []


async def test_dns_that_is_gone_is_no_verdict(key):
    """Neither rejected nor let through."""
    with serving({}) as (_, resolver):
        pass
    report = await Auth("auth", Options(MX, (), 0.3), resolver).examine(mail(FORGED + from_("reject.test")))
    assert [finding.reason for finding in report.findings] == [ERROR]


async def test_arc_of_a_trusted_sealer_makes_good(key):
    """It saw DMARC pass before the list changed the message; a stranger's word for it is worth nothing."""
    seen = b"mx.list.test; dmarc=pass (p=reject) header.from=reject.test"
    content = sealed(from_("reject.test"), key[0], "list.test", 1, seen, cv=b"none")
    client = {"address": "192.0.2.9", "reverse_path": b"l@list.test"}
    assert (await report_on(content, world(key), trusted=["list.test"], **client))[0] == []
    assert (await report_on(content, world(key), **client))[0] == ["dmarc-reject"]
    broken = content.replace(b"Hello", b"Hullo")
    found, _, _ = await report_on(broken, world(key), trusted=["list.test"], **client)
    assert found == ["dmarc-reject", "arc-fail"]


GOOD = "i=1; mx.test; dmarc=pass (p=reject) header.from=x.test"


@pytest.mark.parametrize(
    ("seals", "good"),
    [
        ([("a.test", GOOD)], True),
        ([("a.test", "i=2; mx; arc=pass"), ("b.test", GOOD)], True),
        ([("evil.test", GOOD)], False),
        ([("evil.test", "i=2; mx; arc=pass"), ("a.test", GOOD)], False),
        ([("a.test", "i=2; mx; arc=pass"), ("evil.test", GOOD)], False),
        ([("a.test", GOOD.replace("x.test", "y.test"))], False),
        ([("a.test", GOOD.replace("pass", "fail"))], False),
        ([("a.test", "i=1; mx.test; dmarc=pass")], False),
        ([("a.test", "i=1; mx.test; spf=pass (; dmarc=pass header.from=x.test)")], False),
        ([], False),
    ],
)
def test_vouched_by_trusted_seals_alone(seals, good):
    """From the newest back, until a stranger's."""
    chain = Chain("pass", tuple(Seal(*seal) for seal in seals))
    assert vouched(chain, "x.test", frozenset({"a.test", "b.test"})) is good


def test_made_of_what_the_settings_tell():
    """The keys that render writes."""
    table = {"timeout_s": 30, "authserv_id": MX, "trusted_sealers": ["a.test"], "dns_timeout_s": 20.0}
    assert make("auth", table).timeout_s == 30
