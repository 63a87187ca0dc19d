"""Authentication-Results: what we say, and what is said in our name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.check.auth_dkim import Chain, Signature
from gateway.check.auth_dmarc import Dmarc
from gateway.check.auth_results import forged, results
from gateway.check.auth_spf import Spf
from gateway.message.edit import apply
from gateway.message.header import MAX_FIELDS, read_header

MX = "mx.example.test"


def left(*fields):
    """Give what is left of fields when ours are removed."""
    content = b"".join(field + b"\r\n" for field in fields) + b"\r\n"
    return b"".join(apply(content, forged(content, read_header(content), MX)))


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.test; dmarc=pass",
        b"AUTHENTICATION-results: MX.Example.TEST; dmarc=pass",
        b"Authentication-Results:mx.example.test;dmarc=pass",
        b"Authentication-Results : mx.example.test; dmarc=pass",
        b"Authentication-Results: mx.example.test 1; dmarc=pass",
        b"Authentication-Results: (a (nested; x) comment) mx.example.test (b) 1; dmarc=pass",
        b"Authentication-Results: mx.example.test(comment); dmarc=pass",
        b"Authentication-Results: (\\) mx.other.test; ) mx.example.test; dmarc=pass",
        b'Authentication-Results: "mx.example.test"; dmarc=pass',
        b'Authentication-Results: "mx.\\example.test"; dmarc=pass',
        b"Authentication-Results:\r\n\tmx.example.test;\r\n\tdmarc=pass",
        b"Authentication-Results: mx.example.test.; dmarc=pass",
        b"Authentication-Results: =?utf-8?q?mx=2Eexample=2Etest?=; dmarc=pass",
        b"Authentication-Results: =?cp037?q?mx.example.test?=; dmarc=pass",
        b"Authentication-Results: mx.other.test mx.example.test; dmarc=pass",
        b"Authentication-Results: mx.example.test",
        b"Authentication-Results: ; dmarc=pass",
        b"Authentication-Results:",
        b"Authentication-Results: (mx.example.test; dmarc=pass",
    ],
)
def test_forged_is_removed(field):
    """In whatever dress; one in nobody's name too."""
    assert left(b"Subject: x", field, b"To: y") == b"Subject: x\r\nTo: y\r\n\r\n"


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.other.test; dmarc=pass",
        b'Authentication-Results: mx.other.test; dmarc=pass reason="mx.example.test"',
        b"Authentication-Results: xmx.example.test; dmarc=pass",
        b"Authentication-Results: mx.other.test (of mx.example.test); dmarc=pass",
        b"X-Authentication-Results: mx.example.test; dmarc=pass",
        b"ARC-Authentication-Results: i=1; mx.example.test; dmarc=pass",
    ],
)
def test_forged_of_others_stays(field):
    """What others found is theirs."""
    assert left(field) == field + b"\r\n\r\n"


@given(st.binary(max_size=200))
def test_forged_reads_anything(value):
    """Never fails, and takes whole fields."""
    field = b"Authentication-Results: " + value.replace(b"\r", b"").replace(b"\n", b"")
    assert left(field) in (b"\r\n", field + b"\r\n\r\n")


def test_forged_is_removed_however_many_fields_stand_before_it():
    """Whoever reads it behind us may have no limit."""
    junk, other = b"X: y\r\n" * (MAX_FIELDS + 5), b"To: z\r\n\r\nbody"
    ours = b"Authentication-Results: %b; dmarc=pass\r\n"
    forgery = ours % MX.encode()
    content = forgery + junk + forgery * 3 + ours % b"mx.other.test" + forgery.swapcase() + other + forgery
    kept = b"".join(apply(content, forged(content, read_header(content), MX)))
    assert kept == junk + ours % b"mx.other.test" + other + forgery


def test_results_are_written():
    """One line for each method; values that are no tokens are quoted."""
    splice = results(
        MX,
        "anna@example.test",
        Spf("pass", "example.test"),
        [Signature("pass", "example.test", "s1", "ab/cd+e="), Signature("permerror")],
        Chain("fail"),
        [Dmarc("example.test", "pass", "reject")],
    )
    assert (splice.start, splice.stop) == (0, 0)
    assert splice.octets == (
        b"Authentication-Results: mx.example.test;\r\n"
        b"\tspf=pass smtp.mailfrom=anna@example.test;\r\n"
        b'\tdkim=pass header.d=example.test header.s=s1 header.b="ab/cd+e=";\r\n'
        b"\tdkim=permerror;\r\n"
        b"\tarc=fail;\r\n"
        b"\tdmarc=pass (p=reject) header.from=example.test\r\n"
    )
    content = splice.octets + b"\r\n"
    assert forged(content, read_header(content), MX)


@pytest.mark.parametrize(
    ("path", "spf", "line"),
    [
        ("", Spf("none", "mx.sender.test", helo=True), b"spf=none smtp.helo=mx.sender.test"),
        ('"a;b"@example.test', Spf("fail", "example.test"), b"spf=fail smtp.mailfrom=example.test"),
        ("a\xe4@example.test", Spf("fail", "example.test"), b"spf=fail smtp.mailfrom=example.test"),
        ("x" * 400 + "@example.test", Spf("fail", "example.test"), b"spf=fail smtp.mailfrom=example.test"),
        ("nobody", Spf("none"), b"spf=none"),
    ],
)
def test_results_of_odd_envelopes(path, spf, line):
    """No octet of a stranger that could end a result."""
    text = results(MX, path, spf, [], Chain(), []).octets
    assert (
        text == b"Authentication-Results: mx.example.test;\r\n\t" + line + b";\r\n\tdkim=none;\r\n\tdmarc=permerror\r\n"
    )
