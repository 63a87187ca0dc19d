"""Certificate and key of [tls]."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.settings.certificates import Certificate, facts, refuse_expired
from gateway.settings.load import SettingsError
from tests.certificates import TLS, pair, put
from tests.configurations import configure, minimal


def mistakes(folder, certificate, key):
    """Return what is wrong with a file that names this pair."""
    put(folder, certificate, key)
    with pytest.raises(SettingsError) as caught:
        configure(folder, minimal(TLS))
    return [mistake.text for mistake in caught.value.mistakes]


def test_pair_is_read(tmp_path):
    """Names, date and fingerprint are those of the first certificate."""
    certificate, key = pair(lasts=timedelta(days=30))
    put(tmp_path, certificate + pair("ca.example.test")[0], key)
    found = configure(tmp_path, minimal(TLS)).certificate
    assert found == facts(certificate)
    assert found.names == ("mx.example.test",)
    assert timedelta(days=29) < found.not_after - datetime.now(UTC) < timedelta(days=31)
    assert found.self_signed
    assert len(found.fingerprint) == 95


def test_file_without_a_pair_has_none(tmp_path):
    """Nothing is read then."""
    assert configure(tmp_path, minimal()).certificate is None


def test_key_of_another_certificate_is_refused(tmp_path):
    """With it no client could be served."""
    assert mistakes(tmp_path, pair()[0], pair()[1]) == [
        "tls.key: secrets/key.pem is not the key of secrets/cert.pem, or other certificates stand first; "
        "expected its private key"
    ]


def test_octets_that_are_no_pem_are_refused(tmp_path):
    """Each file by its own name."""
    certificate, key = pair()
    assert mistakes(tmp_path, b"\x00\xff", key) == [
        "tls.certificate: secrets/cert.pem holds no certificate; expected PEM in secrets/"
    ]
    (tmp_path / "secrets/cert.pem").chmod(0o600)
    (tmp_path / "secrets/key.pem").chmod(0o600)
    assert mistakes(tmp_path, certificate, certificate) == [
        "tls.key: secrets/key.pem holds no private key; expected PEM in secrets/"
    ]


def test_key_with_a_pass_phrase_is_refused(tmp_path):
    """No daemon could ask anybody for it."""
    certificate, key = pair()
    locked = serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    assert mistakes(tmp_path, certificate, locked) == [
        "tls.key: secrets/key.pem has a pass phrase; expected a key without"
    ]


def test_missing_files_are_mistakes_with_their_position(tmp_path):
    """Both at once, at the keys that name them."""
    with pytest.raises(SettingsError) as caught:
        configure(tmp_path, minimal(TLS))
    assert [str(mistake).partition(": ")[2] for mistake in caught.value.mistakes] == [
        "tls.certificate: secrets/cert.pem cannot be read (No such file or directory)",
        "tls.key: secrets/key.pem cannot be read (No such file or directory)",
    ]


@pytest.mark.parametrize(
    ("octets", "what"),
    [(None, "cannot be read (No such file or directory)"), (b"x", "holds no certificate; expected PEM in secrets/")],
)
def test_authorities_that_are_none_are_refused(tmp_path, octets, what):
    """All mail that must be secure would wait."""
    if octets is not None:
        put(tmp_path, octets, b"")
    with pytest.raises(SettingsError) as caught:
        configure(tmp_path, minimal('[tls]\nauthorities = "cert.pem"\n[tls.policies]\n"x.test" = "secure"\n'))
    assert [mistake.text for mistake in caught.value.mistakes] == [f"tls.authorities: secrets/cert.pem {what}"]


def test_expired_certificate_is_refused_where_asked():
    """Its file still loads: time alone must not keep an appliance from starting."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    refuse_expired(None, now)
    refuse_expired(Certificate((), now + timedelta(seconds=1), "", self_signed=False), now)
    with pytest.raises(ValueError, match=r"^\[tls\] certificate expired 2026-01-02 00:00 UTC; expected one that is"):
        refuse_expired(Certificate((), now, "", self_signed=False), now)
