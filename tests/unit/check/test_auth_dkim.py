"""DKIM and ARC: dkimpy's word on good signatures, ours on what it should not be asked."""

import base64
import time

import dkim
import pytest

from gateway.check.auth_dkim import MAX_SIGNATURES, Chain, Signature, Signatures

from .zone import SERVFAIL, lookups, mail, rsa_key, sealed, serving, signed, txt

MESSAGE = b"From: Anna <anna@example.test>\nTo: b@x.test\nSubject: x\n\nHello  there\n\n"
# RFC 8463 appendix A: one message, signed by Ed25519 and RSA.
RFC_8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.

"""
RFC_8463_RECORDS = {
    ("brisbane._domainkey.football.example.com", "TXT"): [
        txt("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    ],
    ("test._domainkey.football.example.com", "TXT"): [
        txt(
            "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
            "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G"
            "+2kryOTIKT+l/K4w3QIDAQAB"
        )
    ],
}


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """Give a key, and its record."""
    return rsa_key(tmp_path_factory.mktemp("key") / "key.pem")


def records(key, *domains):
    """Publish a key for domains."""
    return {(f"s1._domainkey.{domain}", "TXT"): [txt(key[1])] for domain in domains}


def dkim_of(content, published):
    """Give the results of the DKIM signatures."""
    with serving(published) as (_, resolver):
        return Signatures(mail(content), lookups(resolver)).dkim()


def arc_of(content, published):
    """Give the result of the chain."""
    with serving(published) as (_, resolver):
        return Signatures(mail(content), lookups(resolver)).arc()


def test_dkim_of_the_example_of_rfc_8463():
    """Both algorithms; one octet changed, neither."""
    names = ("football.example.com", "brisbane"), ("football.example.com", "test")
    starts = "/gCrinpc", "F45dVWDf"
    assert dkim_of(RFC_8463, RFC_8463_RECORDS) == [
        Signature("pass", *name, start) for name, start in zip(names, starts, strict=True)
    ]
    for old, new in ((b"hungry", b"Hungry"), (b"dinner", b"Dinner")):
        results = dkim_of(RFC_8463.replace(old, new), RFC_8463_RECORDS)
        assert [each.result for each in results] == ["fail", "fail"]


def test_dkim_of_unsigned_mail_is_none():
    """Nobody is asked."""
    assert dkim_of(MESSAGE, {}) == []


@pytest.mark.parametrize(
    ("record", "result"),
    [
        (None, "permerror"),
        (SERVFAIL, "temperror"),
        ([txt("v=DKIM1; p=")], "permerror"),
        ([txt("v=DKIM1; k=rsa; p=AAAA")], "permerror"),
        ([txt("v=DKIM1; k=rsa; p=A")], "permerror"),
        ([txt("v=DKIM2; k=rsa; p=AAAA")], "permerror"),
        ([txt("nonsense")], "permerror"),
        ([txt("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")], "permerror"),
    ],
)
def test_dkim_with_another_key(key, record, result):
    """Missing, revoked, broken, somebody else's, or out of reach."""
    published = {("s1._domainkey.example.test", "TXT"): record} if record else {}
    assert [each.result for each in dkim_of(signed(MESSAGE, key[0], "example.test"), published)] == [result]


def test_dkim_that_covers_a_part_of_the_body_is_not_gone_by(key):
    """l= lets anybody add below; covering all of it, it is as good as any."""
    content = signed(MESSAGE, key[0], "example.test", length=True)
    published = records(key, "example.test")
    assert dkim_of(content, published)[0].result == "pass"
    assert dkim_of(content + b"Buy this\r\n", published)[0].result == "policy"


def test_dkim_by_sha_1_is_not_gone_by(key):
    """RFC 8301 section 3.1."""
    content = signed(MESSAGE, key[0], "example.test", signature_algorithm=b"rsa-sha1")
    assert dkim_of(content, records(key, "example.test"))[0].result == "policy"


@pytest.mark.parametrize(
    "field",
    [
        b"",
        b"v=1",
        b"v=1; v=1",
        b"=;",
        b"v=1; a=rsa-sha256; d=example.test; s=s1; h=from; bh=x; b=x",
        b"v=1; a=rsa-sha512; d=example.test; s=s1; h=from; bh=eHh4; b=eHh4",
        b"v=1; a=rsa-sha256; d=example.test; s=s1; h=from; bh=eHh4; b=eHh4; l=",
        b"v=1; a=rsa-sha256; d=; s=; h=from; bh=eHh4; b=eHh4",
        b"v=1; a=rsa-sha256; d=\xff; s=\xff; h=from; bh=eHh4; b=eHh4",
        b"v=1; a=rsa-sha256; c=x/y/z; d=example.test; s=s1; h=from; bh=eHh4; b=eHh4",
        b"v=1; a=rsa-sha256; d=example.test; s=s1; h=" + b"a:" * 300 + b"from; bh=eHh4; b=eHh4",
        b"v=1; a=rsa-sha256; d=example.test; s=s1; h=from; bh=eHh4; b=" + b" " * 7000 + b"eHh4",
        b"v=1; a=rsa-sha256; d=example.test; s=s1; h=from; bh=eHh4; b=" + b"eHh4" * 3000,
    ],
)
def test_dkim_of_nonsense_is_an_error(key, field):
    """Whatever a stranger writes, and soon."""
    [result] = dkim_of(b"DKIM-Signature: " + field + b"\n" + MESSAGE, records(key, "example.test"))
    assert result.result in ("permerror", "fail")
    assert all(part.isascii() for part in (result.domain, result.selector, result.start))


def test_dkim_with_a_huge_key_is_not_computed(key, tmp_path):
    """A modulus of kilobytes with an exponent as long would take minutes."""
    number = b"\x00" + b"\xff" * 2000
    integer = b"\x02\x82" + len(number).to_bytes(2) + number
    der = b"\x30\x82" + (2 * len(integer)).to_bytes(2) + 2 * integer
    published = {("s1._domainkey.example.test", "TXT"): [txt("k=rsa; p=" + base64.b64encode(der).decode())]}
    begun = time.process_time()
    assert dkim_of(signed(MESSAGE, key[0], "example.test"), published)[0].result == "permerror"
    assert time.process_time() - begun < 5


def test_dkim_of_many_signatures_has_an_end(key):
    """The first ones count."""
    content = signed(MESSAGE, key[0], "example.test")
    field = content[: content.index(b"From:")]
    results = dkim_of(field * 50 + content, records(key, "example.test"))
    assert [each.result for each in results] == ["pass"] * MAX_SIGNATURES


def test_dkim_of_a_huge_header_section_is_an_error(key):
    """Nothing is canonicalised a thousand times over."""
    content = signed(MESSAGE, key[0], "example.test")
    assert dkim_of(b"X: y\n" * 1001 + content, records(key, "example.test"))[0].result == "permerror"


@pytest.mark.parametrize("body", [b" " * 1_000_000 + b"x", b" \t" * 400_000 + b"x", b"a\n" * 300_000])
def test_dkim_of_hostile_body_is_quick(key, body):
    """The pattern that dkimpy has for blanks would take hours."""
    content = signed(MESSAGE, key[0], "example.test") + body + b"\n"
    assert dkim_of(content, records(key, "example.test"))[0].result == "fail"


def test_dkim_agrees_with_dkimpy(key):
    """On messages of many shapes, signed and then changed or not."""
    published = records(key, "example.test")
    for body in (b"", b"\n", b"a", b"a\n\n\n", b" a  b \n", b"\n\na\n"):
        for changed in (b"", b"z"):
            content = signed(b"From: a@example.test\nSubject: x\n\n" + body, key[0], "example.test") + changed
            content = mail(content).content
            wanted = dkim.verify(content, dnsfunc=lambda name, timeout: key[1].encode())
            assert (dkim_of(content, published)[0].result == "pass") is wanted


ONE = b"mx.one.test; dmarc=pass header.from=example.test"


def test_arc_of_a_chain(key):
    """Newest set first; the results of each are those it sealed."""
    published = records(key, "one.test", "two.test")
    once = sealed(MESSAGE, key[0], "one.test", 1, ONE, cv=b"none")
    twice = sealed(once, key[0], "two.test", 2, b"mx.two.test; arc=pass")
    found = arc_of(twice, published)
    assert found.result == "pass"
    assert [seal.domain for seal in found.seals] == ["two.test", "one.test"]
    assert found.seals[1].results.strip() == "i=1; " + ONE.decode()
    assert arc_of(once, published).result == "pass"
    assert arc_of(MESSAGE, published) == Chain("none")


def test_arc_that_is_broken_fails(key):
    """Body, results or a seal changed; a set missing; a chain too long; nonsense."""
    published = records(key, "one.test")
    once = sealed(MESSAGE, key[0], "one.test", 1, ONE, cv=b"none")
    for content in (
        once + b"more\r\n",
        once.replace(b"example.test\r\n", b"other.test\r\n", 1),
        once.replace(b"ARC-Seal", b"X-Seal"),
        sealed(MESSAGE, key[0], "one.test", 1, ONE, cv=b"pass"),
        sealed(MESSAGE, key[0], "one.test", 2, ONE, cv=b"pass"),
        b"ARC-Seal: i=1\r\n" * 40 + once,
        b"ARC-Seal: nonsense\r\nARC-Seal: i=x\r\nARC-Seal: i=1;\r\n" + MESSAGE,
    ):
        assert arc_of(content, published) == Chain("fail")


def test_arc_without_dns_is_temporary(key):
    """It may be good."""
    once = sealed(MESSAGE, key[0], "one.test", 1, ONE, cv=b"none")
    assert arc_of(once, {("s1._domainkey.one.test", "TXT"): SERVFAIL}) == Chain("temperror")
