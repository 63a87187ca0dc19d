"""The lookup tables of a directory: what main.cf asks and where, and what the files say."""

from __future__ import annotations

import pytest

from gateway.render.directory import files, post_questions, pre_questions, view
from gateway.render.dovecot import render_dovecot
from gateway.render.postfix import render_post, render_pre
from tests.configurations import configure, entries, minimal, parameters

MYSQL = '[directory]\nurl = "mysql://gateway@database/mail"\n'
SQLITE = '[directory]\nurl = "sqlite:///mail.sqlite"\n'
POSTGRESQL = '[directory]\nurl = "postgresql://gateway@db.corp.test/mail"\n'
QUERIES = """[directory.queries]
domains = "SELECT domain FROM domain WHERE domain = '%s'"
aliases = "SELECT goto FROM alias WHERE address = '%s'"
mailboxes = "SELECT maildir FROM mailbox WHERE username = '%s'"
"""


def test_without_a_directory_there_is_nothing_of_it(tmp_path):
    """The file's own lists are all that main.cf names."""
    configuration = configure(tmp_path, minimal())
    for render in (render_pre, render_post):
        rendered = render(configuration)
        assert not [name for name in rendered if name.startswith("directory")]
        assert "proxy:" not in rendered["main.cf"]
    assert files(configuration, pre_questions(configuration.settings)) == {}


def test_tables_stand_behind_the_lists_of_the_file(tmp_path):
    """In the order in which they are asked: aliases, then mailboxes as they are, then postmasters."""
    configuration = configure(tmp_path, minimal(MYSQL))
    pre = parameters(render_pre(configuration)["main.cf"])
    post = parameters(render_post(configuration)["main.cf"])
    at = "proxy:mysql:/run/directory/"
    assert pre["relay_domains"].split()[-1] == f"{at}domains"
    assert pre["relay_recipient_maps"].split() == [
        "texthash:$config_directory/relay_recipients",
        *(at + name for name in ("mailboxes", "aliases", "postmasters", "relayed")),
    ]
    assert pre["smtpd_recipient_restrictions"].endswith(f"check_recipient_access {at}verified")
    assert post["virtual_mailbox_domains"].split() == ["example.test", f"{at}mailbox-domains"]
    assert post["virtual_alias_domains"].split()[-1] == f"{at}alias-domains"
    assert post["relay_domains"] == f"{at}relay-domains"
    assert post["transport_maps"].split() == ["texthash:$config_directory/transport", f"{at}transport"]
    assert post["virtual_mailbox_maps"].split() == ["texthash:$config_directory/mailboxes", f"{at}mailboxes"]
    assert post["virtual_alias_maps"].split() == [
        "texthash:$config_directory/aliases",
        *(at + name for name in ("aliases", "kept", "postmasters")),
    ]
    assert post["verify_recipient"].endswith(f"check_recipient_access {at}verified")
    assert "$verify_recipient" in post["proxy_read_maps"].split()


@pytest.mark.parametrize("render", [render_pre, render_post])
def test_each_table_that_is_named_has_a_file_and_each_file_is_named(tmp_path, render):
    """One that is missing would be a 451 for everybody."""
    rendered = render(configure(tmp_path, minimal(MYSQL)))
    named = {word.rpartition("/")[2] for word in rendered["main.cf"].split() if word.startswith("proxy:")}
    assert {f"directory-{name}" for name in named} == {name for name in rendered if name.startswith("directory-")}


def test_mysql_table_says_all_but_the_password(tmp_path):
    """The appliance's own database by its address; time-outs by an option file."""
    rendered = render_post(configure(tmp_path, minimal(MYSQL)))
    assert entries(rendered["directory-mailboxes"]) == [
        "hosts = inet:198.18.25.231:3306",
        "user = gateway",
        "dbname = mail",
        "retry_interval = 5",
        "option_file = /run/config/mysql.cnf",
        "option_group = client",
        "query = SELECT address FROM mailboxes WHERE address = '%s'",
        "result_format = %D/%U/",
    ]
    assert entries(rendered["mysql.cnf"]) == ["[client]", "connect-timeout = 5"]
    assert "result_format = postmaster@example.test" in rendered["directory-postmasters"]
    assert "result_format = %S" in rendered["directory-kept"]
    assert "result_format = relay:%s" in rendered["directory-transport"]
    assert not [name for name, text in rendered.items() if "\npassword" in text]


@pytest.mark.parametrize(("host", "tls"), [("database", False), ("192.0.2.7", True), ("db.corp.test", True)])
def test_mysql_server_elsewhere_is_spoken_to_by_tls(tmp_path, host, tls):
    """By the gates and by Dovecot; not the appliance's own, whose network is inside this host."""
    text = minimal(f'[mailstore]\nenabled = true\n[directory]\nurl = "mysql://gateway@{host}/mail"\n')
    configuration = configure(tmp_path, text)
    assert ("ssl-enforce = 1\n" in render_pre(configuration)["mysql.cnf"]) == tls
    assert ("  ssl = yes\n" in render_dovecot(configuration)["directory.conf"]) == tls


def test_sqlite_table_names_its_file(tmp_path):
    """There is nobody to log in to."""
    rendered = render_pre(configure(tmp_path, minimal(SQLITE)))
    assert entries(rendered["directory-domains"]) == [
        "dbpath = /var/lib/sallyport/directory/mail.sqlite",
        "query = SELECT name FROM domains WHERE name = '%s'",
        "result_format = %s",
    ]
    assert "mysql.cnf" not in rendered


def test_postgresql_server_has_its_time_outs_in_its_uri(tmp_path):
    """And its password in a file that libpq reads; a host's name stays one."""
    rendered = render_pre(configure(tmp_path, minimal(POSTGRESQL)))
    assert entries(rendered["directory-domains"])[0] == (
        "hosts = postgresql://gateway@db.corp.test:5432/mail?passfile=/run/directory/pgpass&connect_timeout=5"
        "&options=-c%20statement_timeout%3D10s"
    )


def test_queries_of_others_leave_out_what_their_tables_lack(tmp_path):
    """Domains of mailboxes, aliases and mailboxes; no relay domains, next hops or alias domains."""
    settings = configure(tmp_path, minimal(MYSQL + QUERIES)).settings
    pre, post = (view(settings, ask(settings)) for ask in (pre_questions, post_questions))
    at = "proxy:mysql:/run/directory/"
    assert pre.verified == post.verified == ""
    assert pre.tables["relay_recipient_maps"] == [f"{at}mailboxes", f"{at}aliases", f"{at}postmasters"]
    assert post.tables["transport_maps"] == post.tables["relay_domains"] == post.tables["virtual_alias_domains"] == []


def test_mailbox_of_the_file_is_kept_from_a_catch_all_of_the_tables(tmp_path):
    """Its domain may have one there, which rendering cannot know."""
    rendered = render_post(configure(tmp_path, minimal(MYSQL)))
    assert "postmaster@example.test postmaster@example.test" in entries(rendered["aliases"])


def test_logins_may_send_as_themselves_and_their_aliases(tmp_path):
    """Gate 1 asks whose an address is, where a listener lets people log in."""
    settings = configure(tmp_path, minimal(MYSQL, outside='addresses = ["127.0.0.1:2525"]\nauth = true')).settings
    at = "proxy:mysql:/run/directory/"
    found = view(settings, pre_questions(settings)).tables["smtpd_sender_login_maps"]
    assert found == [f"{at}senders"]
    auth = 'addresses = ["127.0.0.1:2525"]\nauth = true'
    theirs = configure(tmp_path, minimal(MYSQL + QUERIES, outside=auth)).settings
    assert view(theirs, pre_questions(theirs)).tables["smtpd_sender_login_maps"] == [f"{at}kept", f"{at}aliases"]
    settings = configure(tmp_path, minimal(MYSQL)).settings
    assert view(settings, pre_questions(settings)).tables["smtpd_sender_login_maps"] == []


@pytest.mark.parametrize("render", [render_pre, render_post])
def test_proxymap_does_not_wait_for_ever(tmp_path, render):
    """Its watchdog ends it where a database does not answer; without a directory it has Postfix's own."""
    assert "daemon_timeout" not in render(configure(tmp_path, minimal()))["master.cf"]
    lines = render(configure(tmp_path, minimal(MYSQL)))["master.cf"].splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("proxymap "))
    assert lines[place + 2] == "  -o daemon_timeout=15s"
