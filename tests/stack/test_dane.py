"""[tls.policies] dane: TLSA records count where bind has validated them, here by a trust anchor."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink
from tests.stack.signed import serve, sign, zone

RIGHT, WRONG = "@RIGHT@", "00" * 32
# Domains of signed.test, their sink, and the digest of their TLSA record if they have one; one zone is not signed.
DOMAINS = {
    "good.signed.test": ("safe", RIGHT),
    "forged.signed.test": ("safe", WRONG),
    "stripped.signed.test": ("clear", RIGHT),
    "none.signed.test": ("clear", ""),
    "not.unsigned.test": ("safe", WRONG),
}


def digest(certificate: str) -> str:
    """Return what a TLSA record 3 1 1 has of a certificate."""
    public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def records(parent: str, addresses: dict[str, str], right: str) -> str:
    """Write the records of the domains below a zone."""
    lines = []
    for name, (sink, told) in DOMAINS.items():
        if name.endswith(f".{parent}"):
            label = name.removesuffix(f".{parent}")
            lines += [f"{label} IN MX 10 mail.{label}", f"mail.{label} IN A {addresses[sink]}"]
            lines += [f"_25._tcp.mail.{label} IN TLSA 3 1 1 {told.replace(RIGHT, right)}"] if told else []
    return "\n".join(lines)


@pytest.fixture(scope="module")
def visitor(house: Appliance) -> Client:
    """Return a client on the edge network; aliases of ours bring its mail to the world."""
    return house.client("dane-visitor")


@pytest.fixture(scope="module")
def world(house: Appliance) -> Iterator[dict[str, Sink]]:
    """Return the sinks, while bind asks the server of signed zones and gate 2 has policies for their domains."""
    kept = house.config.read_text()
    sinks = {"safe": house.sink("dane-safe", program="tests.stack.tls_sink"), "clear": house.sink("dane-clear")}
    addresses = {name: sink.address for name, sink in sinks.items()}
    right = digest(sinks["safe"].sh("cat /tmp/certificate.pem").stdout)
    signed, anchor = sign("signed.test", zone("signed.test", records("signed.test", addresses, right)))
    unsigned = zone("unsigned.test", records("unsigned.test", addresses, right))
    server = serve(house, {"signed.test": signed, "unsigned.test": unsigned}).address
    told = {
        "dnssec_validation = false": "dnssec_validation = true",
        "[dns.zones]": f'[dns.trust_anchors]\n"signed.test" = "{anchor}"\n'
        f'[dns.forward_zones]\n"signed.test" = ["{server}"]\n"unsigned.test" = ["{server}"]\n[dns.zones]',
        "[tls.policies]": "[tls.policies]\n" + "".join(f'"{name}" = "dane"\n' for name in DOMAINS),
        "[aliases]": "[aliases]\n"
        + "".join(f'"{name.partition(".")[0]}@example.test" = ["x@{name}"]\n' for name in DOMAINS),
    }
    text = kept
    for before, after in told.items():
        assert before in text
        text = text.replace(before, after)
    house.config.write_text(text)
    house.make("apply")
    yield sinks
    house.config.write_text(kept)
    house.make("apply")


@pytest.mark.parametrize(
    ("name", "tls"), [("good.signed.test", True), ("none.signed.test", False), ("not.unsigned.test", True)]
)
def test_mail_leaves_to_whom_the_records_name(
    house: Appliance, visitor: Client, world: dict[str, Sink], name: str, tls: bool
) -> None:
    """And, as with `may`, where there are no records, or none that are signed."""
    sent = visitor.swaks(house.outside, to=f"{name.partition('.')[0]}@example.test")
    assert sent.code == 0, sent.transcript
    assert world[DOMAINS[name][0]].arrived(sent.token)["tls"] == tls


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("forged.signed.test", "Server certificate not (trusted|verified)"),
        ("stripped.signed.test", "TLS is required, but was not offered"),
    ],
)
def test_mail_waits_for_whom_the_records_name(
    house: Appliance, visitor: Client, world: dict[str, Sink], name: str, why: str
) -> None:
    """Another certificate, or none, is nobody to give it to."""
    sent = visitor.swaks(house.outside, to=f"{name.partition('.')[0]}@example.test")
    assert sent.code == 0, sent.transcript
    house.deferred(why, to=f"x@{name}")
    assert world[DOMAINS[name][0]].with_token(sent.token) == []
