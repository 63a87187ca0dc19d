"""Which scanners run, and what they are told."""

from __future__ import annotations

import tomllib

import pytest

from gateway.render.filter import render_filter
from gateway.render.scanners import environment, secrets, wanted
from tests.configurations import configure, minimal

COMMAND = '[checks.command.a]\nprogram = "a"\nedits = true\n'


@pytest.fixture(autouse=True)
def _program(tmp_path):
    """Put the program there that COMMAND names."""
    (tmp_path / "commands").mkdir()
    (tmp_path / "commands/a").touch()
    (tmp_path / "commands/a").chmod(0o755)


def named(*checks: str) -> str:
    """Return a policy that names checks."""
    return f"[policies.strict]\nchecks = {list(checks)}\n"


@pytest.mark.parametrize(
    ("extra", "services"),
    [
        ("", set()),
        (named("gtube"), set()),
        (named("clamav"), {"clamav"}),
        (named("rspamd"), {"rspamd"}),
        (named("rspamd") + '[checks.rspamd]\naddress = "scanner:11333"\n', set()),
        ('[checks.clamav]\ntimeout = "5s"\n', set()),
        (named("clamav") + '[checks.clamav]\naddress = "scanner:3310"\n', set()),
        (named("command:a") + COMMAND, {"runner"}),
        (named("clamav", "command:a") + COMMAND, {"clamav", "runner"}),
        (COMMAND, set()),
    ],
)
def test_wanted_is_what_a_policy_names_and_has_no_address_of_its_own(tmp_path, extra, services):
    """Nothing else costs memory."""
    assert wanted(configure(tmp_path, minimal(extra)).settings) == services


def test_environment_follows_the_limits_of_the_filter(tmp_path):
    """No scanner refuses a size that the filter takes, nor makes one of its transactions wait."""
    extra = "[filter]\nmax_transactions = 30\n[checks.clamav]\nencrypted = true\n"
    told = environment(configure(tmp_path, minimal(extra, gateway='message_size_limit = "10MiB"')))
    assert told["clamav"] == {
        "LISTEN": "198.18.25.198",
        "MAX_MESSAGE": str(11 * 2**20),
        "THREADS": "30",
        "ENCRYPTED": "yes",
    }
    assert told["rspamd"] == {"LISTEN": "198.18.25.199", "MAX_MESSAGE": str(11 * 2**20)}
    assert told["runner"] == {"SLOTS": "30"}


@pytest.mark.parametrize(
    ("extra", "address"), [("", "198.18.25.198:3310"), ('[checks.clamav]\naddress = "scanner:1"\n', "scanner:1")]
)
def test_filter_asks_the_appliances_own_scanner_unless_told_otherwise(tmp_path, extra, address):
    """By its literal address, for the name of a container that is down is a look-up that fails."""
    text = render_filter(configure(tmp_path, minimal(named("clamav") + extra)))["filter.toml"]
    assert tomllib.loads(text)["checks"]["clamav"] == {"timeout_s": 30, "address": address, "encrypted": False}
    text = render_filter(configure(tmp_path, minimal(named("rspamd"))))["filter.toml"]
    assert tomllib.loads(text)["checks"]["rspamd"] == {
        "timeout_s": 30,
        "address": "198.18.25.199:11333",
        "spam_score": 6.0,
        "reject_score": 15.0,
        "add_fields": False,
    }


def test_filter_is_told_what_a_command_may_do(tmp_path):
    """What a program may write in place of a message is what the filter takes."""
    text = render_filter(configure(tmp_path, minimal(named("command:a") + COMMAND)))["filter.toml"]
    assert tomllib.loads(text)["checks"]["command:a"] == {
        "timeout_s": 30,
        "program": "a",
        "edits": True,
        "memory": 256 * 2**20,
        "cpu": 10,
        "files": 64 * 2**20,
        "processes": 32,
        "max_octets": 51 * 2**20,
    }


def test_database_is_wanted_where_it_is_the_host(tmp_path):
    """It is told what it is called, and who may read; both passwords are its own, one is the gates'."""
    told = '[directory]\nurl = "mysql://gates@database/people"\nadmin = "root-of-it"\n'
    configuration = configure(tmp_path, minimal(told))
    reading = {"directory-password": "directory-password"}
    assert wanted(configuration.settings) == {"database"}
    assert environment(configuration)["database"] == {
        "LISTEN": "198.18.25.231",
        "DATABASE": "people",
        "READER": "gates",
        "ADMIN": "root-of-it",
    }
    assert secrets(configuration.settings) == {
        "postfix-pre": reading,
        "postfix-post": reading,
        "database": reading | {"directory-admin-password": "directory-admin-password"},
    }


@pytest.mark.parametrize("url", ["sqlite:///mail", "mysql://gates@192.0.2.7/people"])
def test_database_is_not_wanted_elsewhere(tmp_path, url):
    """A file needs no password either; a server of the site wants it of the gates alone."""
    configuration = configure(
        tmp_path,
        minimal(
            f'[directory]\nurl = "{url}"\npassword = "other"\n' if "mysql" in url else f'[directory]\nurl = "{url}"\n'
        ),
    )
    assert wanted(configuration.settings) == set()
    assert "database" not in environment(configuration)
    gates = ("postfix-pre", "postfix-post") if "mysql" in url else ()
    assert secrets(configuration.settings) == {gate: {"directory-password": "other"} for gate in gates}
