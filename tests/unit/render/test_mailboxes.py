"""Who has a mailbox, as Dovecot looks it up."""

from __future__ import annotations

import pytest

from gateway.render.mailboxes import Userdb, own_quotas, userdbs
from gateway.settings.models import Settings
from tests.configurations import configure, minimal

STORE = "[mailstore]\nenabled = true\n"
DIRECTORY = '[directory]\nurl = "sqlite:///mail.sqlite"\n'
THEIRS = "".join(f"{name} = \"SELECT x FROM y WHERE z = '%s'\"\n" for name in ("domains", "aliases", "mailboxes"))
OTHERS = f"{DIRECTORY}[directory.queries]\n{THEIRS}"
QUOTAS = "quotas = \"SELECT quota FROM y WHERE z = '%u@%d'\"\n"


def settings(tmp_path, extra: str, delimiter: str = "") -> Settings:
    """Load a file with a mailstore."""
    text = minimal(STORE + extra, gateway=f'recipient_delimiter = "{delimiter}"')
    return configure(tmp_path, text).settings


def found(tmp_path, extra: str, delimiter: str = "") -> list[Userdb]:
    """Return the look-ups of a file with a mailstore."""
    return userdbs(settings(tmp_path, extra, delimiter))


def test_mailboxes_of_the_file_are_in_its_list(tmp_path):
    """Looked up as they are written, a quote included."""
    assert found(tmp_path, "") == [
        Userdb("file", "Mailboxes of gateway.toml.", "", {}, {}, "%{user | lower | safe}"),
    ]


def test_mailboxes_of_tables_of_ours_come_with_their_quota(tmp_path):
    """One row has both; a database that is down is no answer, and mail for all waits."""
    tables, file = found(tmp_path, DIRECTORY)
    assert tables.query == "SELECT quota AS quota_storage_size FROM mailboxes WHERE address = '%{user}'"
    assert tables.results == {"result_internalfail": "return"}
    assert file.name == "file"


def test_mailboxes_of_tables_of_others_are_rows_of_their_query(tmp_path):
    """Without its columns: Dovecot would take them for settings."""
    tables, file = found(tmp_path, OTHERS)
    assert tables.query == "SELECT '%{user}' AS user FROM (SELECT x FROM y WHERE z = '%{user}') AS theirs LIMIT 1"
    assert (tables.results, file.name) == ({}, "file")


def test_quota_in_tables_of_others_makes_no_mailbox(tmp_path):
    """Their query for quotas may well have rows of people who have gone."""
    quotas, tables, _file = found(tmp_path, OTHERS + QUOTAS)
    assert "WHERE z = '%{user | username}@%{user | domain}'" in quotas.query
    assert quotas.results == {"result_success": "continue", "result_internalfail": "return"}
    assert tables.query.startswith("SELECT '%{user}' AS user FROM ")


@pytest.mark.parametrize("delimiter", ["+", "-"])
def test_extension_is_cut_where_the_whole_address_is_nobody(tmp_path, delimiter):
    """As Postfix looks for virtual_mailbox_maps, in all tables; the user is then who was found."""
    exact, cut = found(tmp_path, "", delimiter)
    assert exact.fields == {"recipient_delimiter": delimiter}
    rest = f'user | lower | regexp("^([^@{delimiter}]+)[{delimiter}][^@]*@(.*)$", "\\\\1@\\\\2")'
    assert cut.name == "file-without-extension"
    assert cut.user == f"%{{{rest} | safe}}"
    assert cut.fields == {"user": f"%{{{rest}}}", "recipient_delimiter": delimiter}
    names = [userdb.name for userdb in found(tmp_path, OTHERS + QUOTAS, delimiter)]
    assert names == [
        *("quotas", "tables", "file"),
        *("quotas-without-extension", "tables-without-extension", "file-without-extension"),
    ]
    quotas, tables = found(tmp_path, OTHERS + QUOTAS, delimiter)[3:5]
    assert f"WHERE z = '%{{{rest} | username}}@%{{{rest} | domain}}'" in quotas.query
    assert quotas.fields == {}
    assert (
        tables.query == f"SELECT '%{{{rest}}}' AS user FROM (SELECT x FROM y WHERE z = '%{{{rest}}}') AS theirs LIMIT 1"
    )


@pytest.mark.parametrize(("extra", "own"), [("", False), (DIRECTORY, True), (OTHERS, False), (OTHERS + QUOTAS, True)])
def test_quotas_of_their_own_are_where_somebody_keeps_them(tmp_path, extra, own):
    """In our tables, or where a query is given."""
    assert own_quotas(settings(tmp_path, extra)) == own
