"""TLS as the gates are told of it."""

from __future__ import annotations

import pytest

from gateway.render.postfix import render_post, render_pre
from gateway.render.tls import chain
from tests.certificates import TLS, pair, put
from tests.configurations import configure, entries, minimal, parameters


def test_gate_1_shows_its_own_certificate_without_another(tmp_path):
    """From the rendered volume, where it is made before any daemon starts."""
    found = parameters(render_pre(configure(tmp_path, minimal()))["main.cf"])
    assert found["smtpd_tls_chain_files"] == "/rendered/self-signed/mx.example.test.pem"
    assert found["smtpd_tls_security_level"] == "may"
    assert found["smtpd_tls_protocols"] == found["smtpd_tls_mandatory_protocols"] == ">=TLSv1.2"


def test_gate_1_shows_the_certificate_of_the_file(tmp_path):
    """Key first, as smtpd_tls_chain_files wants it."""
    put(tmp_path, *pair())
    found = parameters(render_pre(configure(tmp_path, minimal(TLS)))["main.cf"])
    assert found["smtpd_tls_chain_files"] == "/secrets/key.pem, /secrets/cert.pem"


def test_renewed_certificate_makes_another_main_cf(tmp_path):
    """So make apply has something to bring to gate 1, though no name has changed."""
    texts = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        put(folder, *pair())
        texts.append(render_pre(configure(folder, minimal(TLS)))["main.cf"])
    assert texts[0] != texts[1]


def test_chain_of_one_file_is_named_once(tmp_path):
    """Key and certificate may share a file."""
    put(tmp_path, b"", b"".join(reversed(pair())))
    told = chain(configure(tmp_path, minimal('[tls]\ncertificate = "key.pem"\nkey = "key.pem"\n')))
    assert told.files == ["/secrets/key.pem"]


@pytest.mark.parametrize(
    ("policies", "table", "settings"),
    [
        ("", [], {}),
        ('"corp.test" = "encrypt"', ["corp.test encrypt"], {}),
        ('"[192.0.2.25]:25" = "none"\n"x.test" = "may"', ["[192.0.2.25]:25 none", "x.test may"], {}),
        ('"x.test" = "dane"', ["x.test dane"], {"smtp_dns_support_level": "dnssec"}),
        (
            '"[mail.x.test]:25" = "secure"',
            ["[mail.x.test]:25 secure match=nexthop"],
            {"smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt"},
        ),
    ],
)
def test_gate_2_is_told_of_the_policies(tmp_path, policies, table, settings):
    """What a level needs is set with it, and without policies nothing is."""
    files = render_post(configure(tmp_path, minimal(f"[tls.policies]\n{policies}\n")))
    found = parameters(files["main.cf"])
    names = ("smtp_tls_policy_maps", "smtp_tls_CAfile", "smtp_dns_support_level")
    maps = {"smtp_tls_policy_maps": "texthash:$config_directory/tls_policies"} if table else {}
    assert {name: found[name] for name in names if name in found} == maps | settings
    assert entries(files["tls_policies"]) == table


def test_gate_2_asks_authorities_of_the_operators_own(tmp_path):
    """A site's servers may be signed by nobody the public knows."""
    put(tmp_path, *pair())
    text = minimal('[tls]\nauthorities = "cert.pem"\n[tls.policies]\n"x.test" = "secure"\n')
    assert parameters(render_post(configure(tmp_path, text))["main.cf"])["smtp_tls_CAfile"] == "/secrets/cert.pem"
