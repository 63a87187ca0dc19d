"""The certificate that signs itself."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

from gateway.render.self_signed import keep
from gateway.settings.certificates import facts
from tests.certificates import TLS, pair, put
from tests.configurations import configure, minimal


def test_certificate_is_made_once_and_for_root_alone(tmp_path):
    """Whoever has come to trust it goes on to."""
    configuration = configure(tmp_path, minimal())
    keep(configuration, tmp_path)
    path = tmp_path / "self-signed/mx.example.test.pem"
    before = path.read_bytes()
    keep(configuration, tmp_path)
    assert path.read_bytes() == before
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_certificate_is_one_that_a_server_can_show(tmp_path):
    """Key and certificate fit, it is for our name, and it lasts for years."""
    keep(configure(tmp_path, minimal()), tmp_path)
    path = tmp_path / "self-signed/mx.example.test.pem"
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    found = facts(path.read_bytes())
    assert (found.names, found.self_signed) == (("mx.example.test",), True)
    assert (found.not_after - datetime.now(UTC)).days in (3649, 3650)


def test_none_is_made_where_the_file_names_one(tmp_path):
    """A key that nobody needs is one too many."""
    put(tmp_path, *pair())
    keep(configure(tmp_path, minimal(TLS)), tmp_path)
    assert not (tmp_path / "self-signed").exists()


def test_another_hostname_gets_another(tmp_path):
    """The old one stays, for the day the name comes back."""
    keep(configure(tmp_path, minimal()), tmp_path)
    keep(configure(tmp_path, minimal().replace("mx.example.test", "mail.example.test")), tmp_path)
    assert sorted(path.name for path in (tmp_path / "self-signed").iterdir()) == [
        "mail.example.test.pem",
        "mx.example.test.pem",
    ]
