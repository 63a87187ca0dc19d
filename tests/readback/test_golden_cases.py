"""Each golden case, read back by every daemon's parser."""

from __future__ import annotations

import subprocess

import pytest

from gateway.render.tree import of_service
from gateway.settings.load import load
from tests.golden.cases import CASES, rendered, write
from tests.readback.daemons import Bind, Postfix, parsed, said
from tests.readback.meaning import check

EXPLICIT = {  # set although Postfix's default comes to the same: why
    "smtp_tls_security_level",  # of master.cf: gate 1 never starts TLS inside, whatever main.cf may say one day
    "allow-transfer",  # none since BIND 9.20, all before: the promise does not hang on the version
}


@pytest.mark.parametrize("case", CASES)
def test_daemons_read_what_is_meant(case):
    """Parameters, services, tables, zones, records, programs: all of them, and nothing more."""
    check(load(CASES[case]))


@pytest.mark.parametrize("service", ["postfix-pre", "postfix-post"])
@pytest.mark.parametrize("case", CASES)
def test_postfix_check_is_silent(case, service, tmp_path):
    """Postfix's own check of the installation and of what main.cf names."""
    write(tmp_path, rendered(case))
    done = subprocess.run(
        # One at a time: the first check makes the queue's directories, and two at once trip over each other.
        ["flock", "/tmp/postfix-check", "postfix", "-c", str(tmp_path / service), "check"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYNC_CHROOT": "n"},
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "postfix-script: updating" not in line]
    lines = [line for line in lines if line and not line.startswith("updating /etc/")]
    assert (done.returncode, lines) == (0, [])


@pytest.mark.parametrize("service", ["postfix-pre", "postfix-post"])
@pytest.mark.parametrize("case", CASES)
def test_only_differences_from_the_defaults_are_set(case, service, tmp_path):
    """A file that repeats defaults hides what is decided."""
    write(tmp_path, rendered(case))
    postfix = Postfix(tmp_path / service)
    defaults = dict(line.partition(" =")[::2] for line in said("postconf", "-d").splitlines())
    assert {name for name, value in postfix.parameters().items() if defaults.get(name, "").strip() == value} <= (
        # Without a default of their own; empty where nobody is in it.
        {"relay_domains", "virtual_mailbox_domains", "mynetworks"}
    )
    for service_name, options in postfix.options().items():
        inherited = {name: defaults.get(name, "").strip() for name in options} | postfix.parameters()
        repeated = {name for name, value in options.items() if inherited[name] == value}
        assert repeated <= EXPLICIT, service_name


@pytest.mark.parametrize("case", CASES)
def test_only_differences_from_the_defaults_of_named_are_set(case, tmp_path):
    """The same for named.conf: named -C prints the options it would take without any."""
    bind = Bind(tmp_path)
    bind.prepare(of_service(rendered(case), "bind"))
    defaults = parsed(said("named", "-C"))
    options = next(body for head, body in bind.statements() if head == ("options",))
    builtin = next(body for head, body in defaults if head == ("options",))
    repeated = {" ".join(name) for name, body in options if (name, body) in builtin}
    assert repeated <= EXPLICIT
