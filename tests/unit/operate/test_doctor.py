"""`gateway doctor`: what it says, and its exit codes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from gateway.operate.cli import main
from gateway.operate.doctor import examine
from gateway.render.self_signed import keep
from tests.certificates import TLS, pair, put
from tests.configurations import configure, minimal

PUBLIC = 'addresses = ["192.0.2.1:25"]\n'
LOGINS = '[listen.submission]\naddresses = ["192.0.2.1:587"]\nauth = true\n'
HASH = "$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


def remarks(folder, extra="", *, outside=PUBLIC):
    """Return (level, about, what) of each remark on a file in a folder that is the rendered volume too."""
    configuration = configure(folder, minimal(extra, outside=outside))
    found = examine(configuration, folder, folder, datetime.now(UTC))
    return [(remark.level, remark.about, remark.what) for remark in found]


def secret(folder, name, text):
    """Write a secret as it should be."""
    (folder / "secrets").mkdir(exist_ok=True)
    path = folder / "secrets" / name
    path.write_text(text)
    path.chmod(0o400)


def test_certificate_signed_by_itself_is_a_note_and_with_logins_a_problem(tmp_path):
    """Other servers look at none, people's programs warn."""
    keep(configure(tmp_path, minimal()), tmp_path)
    secret(tmp_path, "passwords", f"postmaster@example.test:{{ARGON2ID}}{HASH}\n")
    [(level, about, what)] = remarks(tmp_path)
    assert (level, about) == ("note", "certificate")
    assert what.startswith("signed by itself: mail programs warn of it; SHA-256 ")
    assert [(level, about) for level, about, _ in remarks(tmp_path, LOGINS)] == [("problem", "certificate")]


def test_certificate_that_is_not_made_yet_is_a_note(tmp_path):
    """Before the first start."""
    assert remarks(tmp_path) == [("note", "certificate", "none has been made yet")]


@pytest.mark.parametrize(
    ("lasts", "says"), [(-1, "expired"), (20, "expires"), (22, None)], ids=["expired", "expires soon", "lasts"]
)
def test_certificate_that_expires_is_a_problem(tmp_path, lasts, says):
    """Three weeks before, so that there is time for another."""
    put(tmp_path, *pair(lasts=timedelta(days=lasts, hours=1)))
    found = [(level, what.split()[0]) for level, _, what in remarks(tmp_path, TLS)]
    assert found == [("note", "signed")] + ([("problem", says)] if says else [])


@pytest.mark.parametrize(
    ("name", "fits"), [("mx.example.test", True), ("*.example.test", True), ("example.test", False)]
)
def test_certificate_for_another_name_is_told(tmp_path, name, fits):
    """A client compares it with the name that it was given."""
    put(tmp_path, *pair(name))
    found = [what for _, _, what in remarks(tmp_path, TLS)]
    assert found[1:] == ([] if fits else ["for example.test, not for mx.example.test"])


def test_missing_passwords_are_a_problem_where_people_log_in(tmp_path):
    """Every login would be refused."""
    assert ("problem", "secrets/passwords", "not there: every login is refused") in remarks(tmp_path, LOGINS)
    assert ("problem", "secrets/passwords", "not there: every login is refused") not in remarks(tmp_path)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"postmaster@example.test:{{ARGON2ID}}{HASH}", []),
        (f"postmaster@example.test:{{ARGON2ID}}{HASH}::::::", []),
        ("postmaster@example.test:{BLF-CRYPT}$2y$10$abcdefghijklmnopqrstuv", []),
        (f"postmaster@example.test:{{SHA512-CRYPT}}$6$rounds=5000$salt${'x' * 86}", []),
        (f"postmaster@example.test:{{ARGON2I}}{HASH}", [("problem", "line 1 is no ADDRESS:{SCHEME}HASH")]),
        ("# words", []),
        ("", []),
        ("postmaster@example.test:secret", [("problem", "line 1 is no ADDRESS:{SCHEME}HASH")]),
        ("postmaster@example.test:{PLAIN}secret", [("problem", "line 1 is no ADDRESS:{SCHEME}HASH")]),
        (f"anna:{{ARGON2ID}}{HASH}", [("problem", "line 1 is no ADDRESS:{SCHEME}HASH")]),
        (
            f"kim@example.test:{{ARGON2ID}}{HASH}",
            [("note", "line 1: kim@example.test is no address of ours, and could send as nobody")],
        ),
    ],
)
def test_lines_of_passwords_are_looked_at(tmp_path, line, says):
    """A line that is wrong is named by its number, for its text may be a password."""
    secret(tmp_path, "passwords", f"{line}\n")
    found = remarks(tmp_path, LOGINS)
    assert [(level, what) for level, about, what in found if about == "secrets/passwords"] == says


def test_secret_that_others_may_read_is_a_problem(tmp_path):
    """Whatever it is, but for what git keeps there."""
    for name in ("example.test.pem", ".gitignore"):
        secret(tmp_path, name, "x")
        (tmp_path / "secrets" / name).chmod(0o640)
    expected = ("problem", "secrets/example.test.pem", "may be read by others on this machine")
    assert [remark for remark in remarks(tmp_path) if "others" in remark[2]] == [expected]


@pytest.mark.parametrize(
    ("outside", "told"),
    [
        (PUBLIC, False),
        ('addresses = ["127.0.0.1:25"]\n', True),
        ('addresses = ["192.0.2.1:2525"]\n', True),
        ('addresses = ["192.0.2.1:25"]\nauth = true\n', True),
    ],
)
def test_site_that_is_no_mx_is_told(tmp_path, outside, told):
    """Other sites know port 25 alone, and have no password."""
    assert ("listen" in [about for _, about, _ in remarks(tmp_path, outside=outside)]) == told


def test_blocklists_by_way_of_another_resolver_are_a_problem(tmp_path):
    """They refuse those that many share, and the answer lists nobody."""
    lists = '[dnsbl]\nlists = ["zen.spamhaus.org"]\n'
    assert "dnsbl" not in [about for _, about, _ in remarks(tmp_path, lists)]
    found = remarks(tmp_path, f'{lists}[dns]\nforwarders = ["192.0.2.53"]\n')
    assert ("problem", "dnsbl") in [(level, about) for level, about, _ in found]


def doctor(appliance, *arguments):
    """Run the command."""
    return CliRunner().invoke(
        main, ["doctor", "--config", str(appliance.config), "--rendered", str(appliance.rendered), *arguments]
    )


def test_command_ends_with_4_for_a_problem_alone(appliance):
    """Notes are no reason to wake anybody."""
    appliance.render()
    result = doctor(appliance)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "signed by itself" in " ".join(result.stdout.split())
    appliance.change("[domains", f"{LOGINS}[domains")
    assert doctor(appliance).exit_code == 4


def test_command_prints_json(appliance):
    """A list of what the table shows."""
    appliance.render()
    [first, *_] = json.loads(doctor(appliance, "--json").stdout)
    assert set(first) == {"level", "about", "what", "do"}
    assert (first["level"], first["about"]) == ("note", "certificate")


def test_command_ends_with_3_for_mistakes(appliance):
    """As every command does."""
    appliance.config.write_text("schema = 2\n")
    result = doctor(appliance)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("gateway.toml:")
