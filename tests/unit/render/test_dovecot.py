"""Dovecot's files, and whether it runs at all."""

from __future__ import annotations

import pytest

from gateway.render.dovecot import LOGIN_CHARACTERS, asks_bind, render_dovecot, wanted
from gateway.render.logins import NOBODY
from gateway.settings.grammar import address
from tests.configurations import configure, entries, minimal

STORE = "[mailstore]\nenabled = true\n"
DIRECTORY = '[directory]\nurl = "sqlite:///mail.sqlite"\n'
LOGINS = '[listen.submission]\naddresses = ["127.0.0.1:2587"]\nauth = true\n'


@pytest.mark.parametrize(("extra", "runs"), [("", False), (STORE, True), (LOGINS, True), (LOGINS + STORE, True)])
def test_dovecot_runs_where_people_log_in_or_have_their_mail(tmp_path, extra, runs):
    """Nothing else costs memory, and what does not run has no file."""
    configuration = configure(tmp_path, minimal(extra))
    store = ["mailboxes", "mailstore.conf"] if STORE in extra else []
    expected = sorted(["dovecot.conf", "listeners", *store]) if runs else []
    assert wanted(configuration.settings) == runs
    assert sorted(render_dovecot(configuration)) == expected


def test_logins_are_asked_about_on_the_inner_network_alone(tmp_path):
    """There nobody is but the gates and a database; whoever asks may ask for anybody."""
    files = render_dovecot(configure(tmp_path, minimal(LOGINS)))
    assert "  inet_listener auth {\n    listen = 198.18.25.230\n    port = 12345\n  }\n" in files["dovecot.conf"]
    assert entries(files["listeners"]) == ["auth 198.18.25.230 12345 VERSION\t1"]


def test_mail_is_where_postfix_would_put_it(tmp_path):
    """The same user, the same directories: switching over moves nothing."""
    files = render_dovecot(configure(tmp_path, minimal(STORE)))
    assert (
        "mail_driver = maildir\nmail_path = /var/mail/vhosts/%{user | domain}/%{user | username}\n"
        in files["mailstore.conf"]
    )
    text = files["mailstore.conf"]
    assert "mail_home = /var/mail/vhosts/%{user | domain}/%{user | username}/dovecot\n" in text
    assert "mail_uid = 5000\nmail_gid = 5000\n" in text


def test_mailboxes_are_those_of_the_file(tmp_path):
    """And nobody else's: a rule that all have one would take mail that nobody reads."""
    files = render_dovecot(configure(tmp_path, minimal(STORE)))
    assert entries(files["mailboxes"]) == ["postmaster@example.test::::::"]
    assert "static" not in "".join(files.values())


def test_login_takes_what_an_address_may_be_made_of():
    """And not "!", by which sender_logins says that nobody may send as an address."""

    def fits(character: str) -> bool:
        try:
            return bool(address(f"x{character}x@example.test"))
        except ValueError:
            return False

    assert set(LOGIN_CHARACTERS) - {"@"} == {character for character in map(chr, range(256)) if fits(character)}
    assert NOBODY not in LOGIN_CHARACTERS


@pytest.mark.parametrize(
    ("url", "asks"),
    [
        ("mysql://gateway@db.corp.test/mail", True),
        ("mysql://gateway@database/mail", False),
        ("mysql://gateway@container/mail", False),
        ("postgresql://gateway@192.0.2.7/mail", False),
        ("sqlite:///mail.sqlite", False),
    ],
)
def test_bind_is_asked_for_a_server_by_name_alone(tmp_path, url, asks):
    """Docker knows the names of containers."""
    directory = f'[directory]\nurl = "{url}"\n'
    assert asks_bind(configure(tmp_path, minimal(LOGINS + directory)).settings) == asks
    assert not asks_bind(configure(tmp_path, minimal(directory)).settings), "Dovecot does not run"


def test_logins_alone_open_nothing_else(tmp_path):
    """Without the mailstore there is neither a protocol nor TLS to configure."""
    text = render_dovecot(configure(tmp_path, minimal(LOGINS)))["dovecot.conf"]
    assert text.endswith("\nprotocols =\nssl = no\n")
    stored = render_dovecot(configure(tmp_path, minimal(STORE)))["dovecot.conf"]
    assert stored.endswith("\n!include mailstore.conf\n")


def test_mailstore_listens_inside_for_gate_2_and_on_the_edge_for_people(tmp_path):
    """LMTP asks nobody who he is."""
    files = render_dovecot(configure(tmp_path, minimal(STORE)))
    assert entries(files["listeners"]) == [
        "auth 198.18.25.230 12345 VERSION\t1",
        "lmtp 198.18.25.230 24 220 ",
        "imaps 198.18.25.6 993 * OK ",
        'managesieve 198.18.25.6 4190 "IMPLEMENTATION" ',
    ]
    assert "  inet_listener lmtp {\n    listen = 198.18.25.230\n    port = 24\n  }\n" in files["mailstore.conf"]
    assert "  inet_listener imap {\n    port = 0\n  }\n" in files["mailstore.conf"]
    assert "submission_host = 198.18.25.229:10026\n" in files["mailstore.conf"]


def test_people_are_shown_the_certificate_of_gate_1(tmp_path):
    """One certificate, one place to renew it."""
    text = render_dovecot(configure(tmp_path, minimal(STORE)))["mailstore.conf"]
    path = "/rendered/self-signed/mx.example.test.pem"
    assert "ssl = required\n# Made by itself and signed by nobody: [tls] names no certificate.\n" in text
    assert f"\nssl_server_cert_file = {path}\nssl_server_key_file = {path}\n" in text


def test_people_with_ipv6_reach_it_too(tmp_path):
    """Where a listener or the mailstore has such an address."""
    text = render_dovecot(configure(tmp_path, minimal(STORE + 'imaps = ["[2001:db8::1]:993"]\n')))["mailstore.conf"]
    assert text.count("    listen = 198.18.25.6, fd53:616c:c612:1900::6\n") == 2


@pytest.mark.parametrize(("over_quota", "tempfail"), [("defer", "yes"), ("reject", "no")])
def test_quota_holds_to_the_octet(tmp_path, over_quota, tempfail):
    """Without one nothing is counted."""
    keys = f'quota = "1GiB"\nover_quota = "{over_quota}"\n'
    text = render_dovecot(configure(tmp_path, minimal(STORE + keys)))["mailstore.conf"]
    assert f"\nquota_storage_size = {2**30} B\n" in text
    assert "quota_storage_grace = 0\n" in text
    assert f"quota_full_tempfail = {tempfail}\n" in text
    assert "quota" not in render_dovecot(configure(tmp_path, minimal(STORE)))["mailstore.conf"].replace(
        "sieve_quota", ""
    )


@pytest.mark.parametrize("quota", ["", 'quota = "1GiB"\n'])
def test_mailboxes_of_the_directory_may_have_their_own_quota(tmp_path, quota):
    """Asked before what all share."""
    files = render_dovecot(configure(tmp_path, minimal(STORE + quota + DIRECTORY)))
    text = files["mailstore.conf"]
    assert (
        "userdb tables {\n  driver = sql\n  userdb_sql_query = SELECT quota AS quota_storage_size FROM mailboxes"
        in text
    )
    assert text.index("userdb tables") < text.index("userdb file")
    assert f"\nquota_storage_size = {f'{2**30} B' if quota else 'unlimited'}\n" in text


def test_nobody_asks_for_mailboxes_where_mail_is_not_kept(tmp_path):
    """Logins to submit have none; and where nobody of the tables logs in, nothing is asked of them."""
    files = render_dovecot(configure(tmp_path, minimal(LOGINS + DIRECTORY)))
    assert "passdb sql" in files["directory.conf"]
    assert "userdb" not in "".join(files.values())
    theirs = "".join(f"{name} = \"SELECT x FROM y WHERE z = '%s'\"\n" for name in ("domains", "aliases", "mailboxes"))
    text = DIRECTORY + "[directory.queries]\n" + theirs
    assert "directory.conf" not in render_dovecot(configure(tmp_path, minimal(LOGINS + text)))
    assert "passdb" not in render_dovecot(configure(tmp_path, minimal(STORE + text)))["directory.conf"]


def test_site_wide_script_is_handed_on_as_it_is(tmp_path):
    """And runs first."""
    script = {"ours.sieve": "keep; # ${x} {{ y }}\n"}
    files = render_dovecot(configure(tmp_path, minimal(STORE + 'sieve = "ours.sieve"\n'), script))
    assert files["site.sieve"] == script["ours.sieve"]
    assert "sieve_script site {\n  type = before\n  path = /run/sieve/site.sieve\n}\n" in files["mailstore.conf"]
    assert "sieve_script site" not in render_dovecot(configure(tmp_path, minimal(STORE)))["mailstore.conf"]


@pytest.mark.parametrize("delimiter", ["", "+", "-"])
def test_delimiter_is_that_of_both_gates(tmp_path, delimiter):
    """Dovecot's own would cut anna+x where the file has none, and where anna+x is a mailbox."""
    text = minimal(STORE, gateway=f'recipient_delimiter = "{delimiter}"')
    lines = render_dovecot(configure(tmp_path, text))["mailstore.conf"].splitlines()
    assert "recipient_delimiter =" in lines
    assert lines.count(f"    recipient_delimiter = {delimiter}") == (2 if delimiter else 0)
