"""
The people of the appliance `directory`, in whichever kind of database a test wants them.

    mysql         MariaDB, the appliance's own container
    sqlite        a file of its volume
    postgresql    a server made here from Debian's packages, attached to its network `directory`
    postfixadmin  tables as PostfixAdmin makes them, in the appliance's MariaDB, asked by [directory.queries]
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
from pathlib import Path

from tests.stack.appliance import Appliance
from tests.stack.client import ROOT, Done, run, wait_for

URLS = {
    "mysql": "mysql://gateway@database/mail",
    "sqlite": "sqlite:///mail.sqlite",
    "postgresql": "postgresql://gateway@db.people.test/mail",  # by a name that bind alone knows
    "postfixadmin": "mysql://gateway@database/postfix",
}
LAYOUT = Path(__file__).parent / "postfixadmin"
PEOPLE = """
domain add dir.test
domain add catch.test
domain add ali.test --deliver alias
domain add relay.test --deliver relay --next-hop [sink]:25 --recipients any
domain add verify.test --deliver relay --next-hop [sink]:25
mailbox add anna@dir.test
mailbox add ben@dir.test --quota 1GiB
mailbox add box@catch.test
alias add sales@dir.test anna@dir.test ben@dir.test
alias add all@dir.test sales@dir.test
alias add away@dir.test someone@relay.test
alias add team@ali.test anna@dir.test
alias add @catch.test anna@dir.test
"""


def command(appliance: Appliance, *arguments: str, check: bool = True, stdin: str | None = None) -> Done:
    """Run scripts/directory for the appliance."""
    environment = (f"PROJECT={appliance.project}", f"CONFIG_DIR={appliance.config_dir}")
    return run("env", *environment, "scripts/directory", *arguments, check=check, stdin=stdin or "")


def on_terminal(appliance: Appliance, *arguments: str) -> tuple[str, str]:
    """Run scripts/directory with a terminal for stderr; give what came on stdout, and what the terminal shows."""
    environment = {"PROJECT": appliance.project, "CONFIG_DIR": str(appliance.config_dir)}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["scripts/directory", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the script has ended
            while octets := os.read(ours, 4096):
                shown += octets
        os.close(ours)
        assert process.stdout
        said = process.stdout.read()
    assert process.returncode == 0, shown.decode()
    return said, shown.decode()


def become(appliance: Appliance, kind: str) -> None:
    """Give the appliance a directory of a kind, with the people in it."""
    if kind == "postgresql":
        _start_postgresql(appliance)
    text = re.sub(r"(?ms)^\[directory\].*", f'[directory]\nurl = "{URLS[kind]}"\n', appliance.config.read_text())
    if kind == "postfixadmin":
        text += (LAYOUT / "queries.toml").read_text()
    appliance.config.write_text(text)
    appliance.make("apply")
    if kind == "postfixadmin":
        _fill_postfixadmin(appliance)
        return
    commands(appliance, PEOPLE)


def commands(appliance: Appliance, lines: str) -> None:
    """Run commands of `gateway` about the directory, in one container: each takes seconds to start."""
    script = "set -e\n" + "".join(f"gateway {line}\n" for line in lines.strip().splitlines())
    environment = (f"PROJECT={appliance.project}", f"CONFIG_DIR={appliance.config_dir}")
    run(
        "env",
        *environment,
        "bash",
        "-c",
        '. scripts/project.sh; in_directory bash -c "$1"',
        "scripts/test",
        script,
        stdin="",
    )


def secret(appliance: Appliance, name: str) -> str:
    """Return a password of the database."""
    return (appliance.config_dir / "secrets" / name).read_text().strip()


def sql(appliance: Appliance, user: str, database: str, statements: str, *, check: bool = True) -> Done:
    """Run statements in the appliance's MariaDB, as gateway (who may only read) or admin."""
    name = "directory-password" if user == "gateway" else "directory-admin-password"
    options = f"[client]\nuser={user}\npassword={secret(appliance, name)}\n"
    script = 'umask 077; cat >/tmp/client.cnf <<<"$1"; exec mariadb --defaults-file=/tmp/client.cnf -h "$LISTEN" "$2"'
    return appliance.exec("database", "bash", "-c", script, "-", options, database, check=check, stdin=statements)


def _start_postgresql(appliance: Appliance) -> None:
    name = f"{appliance.project}-x-people"
    image = f"sallyport-postgresql:{appliance.project}"
    run("docker", "build", "-q", "-t", image, f"{ROOT}/tests/stack/postgresql")
    run("docker", "rm", "-fv", name, check=False)
    passwords = {"READING": "directory-password", "WRITING": "directory-admin-password"}
    told = [f"{variable}={secret(appliance, file)}" for variable, file in passwords.items()]
    options = [part for entry in told for part in ("-e", entry)]
    place = ["--network", f"{appliance.project}_directory", "--ip", str(appliance.network("directory")[12])]
    run("docker", "run", "-d", "--init", "--name", name, *place, *options, image)
    appliance.adopt(name)

    def answers() -> bool:
        asked = ("docker", "exec", name, "psql", "-h", "/tmp", "-U", "postgres", "-tAc", "SELECT 1", "mail")
        return run(*asked, check=False).stdout.strip() == "1"

    wait_for(answers, "an answer of PostgreSQL")


def _fill_postfixadmin(appliance: Appliance) -> None:
    """Make PostfixAdmin's tables and put the same people into them."""
    sql(appliance, "admin", "postfix", (LAYOUT / "tables.sql").read_text() + (LAYOUT / "people.sql").read_text())
