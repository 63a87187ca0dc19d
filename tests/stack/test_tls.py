"""TLS: which certificate gate 1 shows, which it refuses to be given, and how mail leaves gate 2."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.certificates import TLS, pair, put
from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink


@pytest.fixture(scope="module")
def visitor(house: Appliance) -> Client:
    """Return a client on the edge network."""
    return house.client("visitor")


def shown(client: Client, server: str) -> str:
    """Return the fingerprint of the certificate that a listener shows after STARTTLS."""
    script = (
        f"openssl s_client -connect {server} -starttls smtp </dev/null 2>/dev/null | openssl x509 -noout -fingerprint"
    )
    return client.sh(f"{script} -sha256").stdout.strip()


# --- our own ---------------------------------------------------------------------------------------------------------


def test_certificate_signed_by_itself_stays_the_same(house: Appliance, visitor: Client) -> None:
    """It is the same at each listener, after gate 1 was replaced, and what `make doctor` tells of."""
    server = house.listener("submission")
    before = shown(visitor, server)
    assert before.startswith("sha256 Fingerprint=")
    assert shown(visitor, house.outside) == before
    house.compose("up", "-d", "--force-recreate", "--no-deps", "--wait", "postfix-pre")
    assert shown(visitor, server) == before
    told = f"signed by itself: mail programs warn of it; SHA-256 {before.partition('=')[2]}"
    assert ("problem", told) in [(remark["level"], remark["what"]) for remark in house.doctor()]
    assert house.make("doctor", check=False).returncode != 0


def test_key_of_our_own_is_for_root_alone(house: Appliance) -> None:
    """The filter and bind see the volume, and not the key."""
    for service in ("filter", "bind"):
        done = house.exec(service, "bash", "-c", "cat /rendered/self-signed/*", check=False)
        assert done.returncode != 0
        assert "Permission denied" in done.stderr


@pytest.fixture
def own_pair(house: Appliance) -> Iterator[None]:
    """Have the file name a certificate; put all back afterwards."""
    assert house.outside  # asked for while the file is without mistakes
    kept = house.config.read_text()
    house.config.write_text(kept.replace("[tls.policies]", f"{TLS}[tls.policies]"))
    yield
    house.config.write_text(kept)
    house.make("apply")


def test_pair_of_the_operators_is_shown_and_so_is_a_renewed_one(
    house: Appliance, visitor: Client, own_pair: None
) -> None:
    """`make apply` brings both, by a reload of gate 1."""
    server, before = house.outside, ""
    for _ in range(2):
        remove(house)
        put(house.config_dir, *pair())
        assert "postfix-pre reload" in house.make("apply").stderr
        now = shown(visitor, server)
        assert now != before
        before = now


def remove(house: Appliance) -> None:
    """Take a pair away."""
    for name in ("cert.pem", "key.pem"):
        (house.config_dir / "secrets" / name).unlink(missing_ok=True)


@pytest.mark.parametrize("wrong", ["another key", "expired", "no file"])
def test_pair_that_serves_nobody_is_refused(house: Appliance, visitor: Client, own_pair: None, wrong: str) -> None:
    """Before anything changes: the listeners show what they showed."""
    server, generations = house.outside, house.generations()
    before = shown(visitor, server)
    remove(house)
    certificate, key = pair(lasts=timedelta(days=-1 if wrong == "expired" else 30))
    if wrong != "no file":
        put(house.config_dir, certificate, pair()[1] if wrong == "another key" else key)
    refused = house.make("apply", check=False)
    expected = {
        "another key": "secrets/key.pem is not the key of secrets/cert.pem",
        "expired": "[tls] certificate expired",
        "no file": "secrets/cert.pem cannot be read (No such file or directory)",
    }
    assert refused.returncode != 0
    assert expected[wrong] in refused.stderr
    assert house.generations() == generations
    assert shown(visitor, server) == before


# --- how mail leaves -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def next_hops(house: Appliance) -> dict[str, Sink]:
    """Return next hops with and without TLS; gate 2 knows who has signed for `safe`."""
    found = {name: house.sink(name) for name in ("plain-may", "plain-encrypt")}
    for name in ("safe-none", "safe-may", "safe-encrypt", "safe", "impostor"):
        found[name] = house.sink(name, program="tests.stack.tls_sink")
    found["old"] = house.sink("old", program="tests.stack.old_tls_sink")
    authority = found["safe"].sh("cat /tmp/certificate.pem").stdout
    (house.config_dir / "secrets/ca.pem").write_text(authority)
    house.edit("[tls.policies]", '[tls]\nauthorities = "ca.pem"\n[tls.policies]')
    house.make("apply")
    return found


@pytest.mark.parametrize(
    ("name", "tls"),
    [("plain-may", False), ("safe-none", False), ("safe-may", True), ("safe-encrypt", True), ("safe", True)],
)
def test_mail_leaves_as_the_policy_says(
    house: Appliance, visitor: Client, next_hops: dict[str, Sink], name: str, tls: bool
) -> None:
    """By TLS where both sides do, unless none is asked for."""
    sent = visitor.swaks(house.outside, to=f"v@{name}.test")
    assert sent.code == 0, sent.transcript
    assert next_hops[name].arrived(sent.token)["tls"] == tls


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("plain-encrypt", "TLS is required, but was not offered by host plain-encrypt"),
        ("old", "Cannot start TLS: handshake failure"),
        ("impostor", "Server certificate not (trusted|verified)"),
    ],
)
def test_mail_that_may_not_leave_so_waits(
    house: Appliance, visitor: Client, next_hops: dict[str, Sink], name: str, why: str
) -> None:
    """Without TLS where it must be, by that of long ago, or to whom nobody has signed for: deferred, and not sent."""
    sent = visitor.swaks(house.outside, to=f"v@{name}.test")
    assert sent.code == 0, sent.transcript
    house.deferred(why, to=f"v@{name}.test")
    assert next_hops[name].with_token(sent.token) == []
