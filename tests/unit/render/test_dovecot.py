"""Dovecot's files, and whether it runs at all."""

from __future__ import annotations

import pytest

from gateway.render.dovecot import render_dovecot, wanted
from tests.configurations import configure, entries, minimal

STORE = "[mailstore]\nenabled = true\n"
LOGINS = '[listen.submission]\naddresses = ["127.0.0.1:2587"]\nauth = true\n'


@pytest.mark.parametrize(("extra", "runs"), [("", False), (STORE, True), (LOGINS, True), (LOGINS + STORE, True)])
def test_dovecot_runs_where_people_log_in_or_have_their_mail(tmp_path, extra, runs):
    """Nothing else costs memory, and what does not run has no file."""
    configuration = configure(tmp_path, minimal(extra))
    assert wanted(configuration.settings) == runs
    assert sorted(render_dovecot(configuration)) == (["dovecot.conf", "listeners"] if runs else [])


def test_logins_are_asked_about_on_the_inner_network_alone(tmp_path):
    """There nobody is but the gates and a database; whoever asks may ask for anybody."""
    files = render_dovecot(configure(tmp_path, minimal(LOGINS)))
    assert "  inet_listener auth {\n    listen = 198.18.25.230\n    port = 12345\n  }\n" in files["dovecot.conf"]
    assert entries(files["listeners"]) == ["auth 198.18.25.230 12345 VERSION\t1"]


def test_mail_is_where_postfix_would_put_it(tmp_path):
    """The same user, the same directories: switching over moves nothing."""
    text = render_dovecot(configure(tmp_path, minimal(STORE)))["dovecot.conf"]
    assert "    uid = 5000\n    gid = 5000\n    home = /var/mail/vhosts/%{user | domain}/%{user | username}\n" in text
