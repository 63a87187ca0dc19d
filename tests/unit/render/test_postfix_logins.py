"""What gate 1 is told of listeners where people log in, and of all the others."""

from __future__ import annotations

import itertools
import re

import pytest

from gateway.render.postfix import render_pre
from tests.configurations import configure, entries, minimal, parameters

LISTENER = '[listen.submission]\naddresses = ["127.0.0.1:2587"]\nauth = true\n'


def services(folder, extra):
    """Return listener -> what begins with it in master.cf, and all of that."""
    text = render_pre(configure(folder, minimal(extra)))["master.cf"]
    found = {}
    for part in re.split(r"^# \[listen\.(?=[a-z-]+\]$)", text, flags=re.MULTILINE)[1:]:
        name, _, lines = part.partition("]\n")
        found[name] = lines
    return found, text


def options(lines):
    """Return the -o options of a service."""
    told = itertools.takewhile(lambda line: line.startswith("  "), lines.splitlines()[1:])
    return [line.strip() for line in told if not line.strip().startswith("#")]


def test_listener_for_logins_lets_in_nobody_else(tmp_path):
    """TLS, then a login, then mail as its owner; what comes in is from inside, and Bcc goes."""
    found, _ = services(tmp_path, LISTENER)
    limit = "{ unix:private/login-limit, policy_context=500, default_action=DUNNO }"
    assert options(found["submission"]) == [
        "-o syslog_name=postfix-pre/submission",
        "-o smtpd_tls_security_level=encrypt",
        "-o smtpd_sasl_auth_enable=yes",
        "-o smtpd_client_restrictions=$mua_client_restrictions",
        "-o smtpd_sender_restrictions=$mua_sender_restrictions",
        f"-o {{ smtpd_relay_restrictions = check_policy_service {limit}, $mua_relay_restrictions }}",
        "-o smtpd_client_auth_rate_limit=20",
        "-o local_header_rewrite_clients=permit_sasl_authenticated",
        "-o cleanup_service_name=cleanup-inside",
    ]
    assert options(found["outside"]) == ["-o syslog_name=postfix-pre/outside"]


@pytest.mark.parametrize(
    ("keys", "there", "gone"),
    [
        ('tls = "implicit"', ["-o smtpd_tls_wrappermode=yes", "-o smtpd_tls_security_level=encrypt"], []),
        ("hide_client = true", ["-o smtpd_hide_client_session=yes"], []),
        ("logins_per_minute = 0", [], ["-o smtpd_client_auth_rate_limit=0", "-o smtpd_client_auth_rate_limit=20"]),
        ("recipients_per_hour = 0", ["-o smtpd_relay_restrictions=$mua_relay_restrictions"], []),
    ],
)
def test_keys_of_logins_are_options_of_their_listener(tmp_path, keys, there, gone):
    """Each says one thing."""
    found = options(services(tmp_path, f"{LISTENER}{keys}\n")[0]["submission"])
    assert set(there) <= set(found)
    assert not set(gone) & set(found)


def test_programs_of_logins_are_there_for_them_alone(tmp_path):
    """Without a listener that wants them nothing runs, and AUTH is nowhere on."""
    _, text = services(tmp_path, "")
    assert not re.search("^(auth-front|login-limit|127)", text, re.MULTILINE)
    _, text = services(tmp_path, f"{LISTENER}recipients_per_hour = 0\n")
    assert re.findall(r"^(auth-front|login-limit|127\S+)", text, re.MULTILINE) == ["auth-front"]
    _, text = services(tmp_path, LISTENER)
    found = re.findall(r"^(auth-front|login-limit|127\S+)", text, re.MULTILINE)
    assert found == ["auth-front", "login-limit", "127.0.0.1:10027"]
    assert "user=nobody argv=/usr/local/bin/auth-front 198.18.25.230 12345\n" in text


def test_auth_is_never_on_in_main_cf(tmp_path):
    """What is on there would be on at port 25, which then hung on Dovecot."""
    found = parameters(render_pre(configure(tmp_path, minimal(LISTENER)))["main.cf"])
    assert "smtpd_sasl_auth_enable" not in found
    assert found["smtpd_sasl_path"] == "private/auth-front"
    assert found["smtpd_tls_auth_only"] == "yes"


def test_sender_logins_are_a_table(tmp_path):
    """Rendered whether anybody logs in or not, as every table is."""
    for extra in ("", LISTENER):
        files = render_pre(configure(tmp_path, minimal(extra)))
        assert entries(files["sender_logins"]) == ["postmaster@example.test postmaster@example.test"]
