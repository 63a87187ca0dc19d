"""make backup and make restore: everything comes back on an empty host, under another name, octet by octet."""

from __future__ import annotations

import json
import re
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Done, run, wait_for
from tests.stack.conftest import PREFIX
from tests.stack.directory import command, commands
from tests.stack.searched import FOUND

HELD = FOUND["gtube.gtube"]
PARTS = ["settings", "directory", "rendered", "queue-pre", "quarantine", "queue-post", "mail"]
PEOPLE = """
domain add rows.test
mailbox add ida@rows.test --quota 1GiB
alias add all@rows.test ida@rows.test carl@kept.test
"""
LIST = """
cd /data
find . ! -name 'index.sqlite*' ! -type d -printf '%p %m %U:%G ' -exec sha256sum {} ';' | sed 's/  .*//' | sort
"""


@dataclass
class Kept:
    """An appliance that was backed up and removed, and what it had."""

    old: Appliance
    new: Appliance
    backup: Path
    token: str  # of a message in carl's mailbox
    queued: str  # of a message that waits for its next hop
    held: str  # id in the quarantine
    rows: list[str]  # of the directory, by table
    files: dict[str, str] = field(default_factory=dict)  # volume -> a line for each file: name, mode, owner, checksum

    def restore(self, *variables: str, backup: Path | None = None) -> Done:
        """Bring a backup to the new project; give what make said."""
        return self.new.make("restore", f"BACKUP={backup or self.backup}", *variables, check=False)


def files(appliance: Appliance, volume: str) -> str:
    """List what a volume holds; indexes, which are made anew, left out."""
    mount = f"{appliance.project}_{volume}:/data:ro"
    return run(
        "docker", "run", "--rm", "--network", "none", "-v", mount, "debian:trixie-slim", "bash", "-c", LIST
    ).stdout


def volumes(project: str) -> list[str]:
    """Give the names of a project's volumes."""
    return run("docker", "volume", "ls", "-q", "--filter", f"name=^{project}_").stdout.split()


def quarantine(appliance: Appliance, *arguments: str) -> str:
    """Run `gateway quarantine` as an operator does."""
    variables = (f"PROJECT={appliance.project}", f"CONFIG_DIR={appliance.config_dir}")
    return run("env", *variables, "scripts/quarantine", *arguments).stdout


def rows(appliance: Appliance) -> list[str]:
    """List what the tables of the directory have, as JSON."""
    return [command(appliance, kind, "list", "--json").stdout for kind in ("domain", "mailbox", "alias")]


def exit_code(done: Done) -> int:
    """Give what the script ended with; make itself ends with 2 whatever that was."""
    found = re.search(r"Error (\d+)$", done.stderr, re.MULTILINE)
    return int(found[1]) if found else done.returncode


@pytest.fixture(scope="module")
def kept(make_appliance: Callable[..., Appliance], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Give a site with people in rows and mail in a Maildir, a queue and the quarantine, backed up and then removed."""
    old = make_appliance("kept")
    commands(old, PEOPLE)
    (old.config_dir / "secrets/canary").chmod(0o600)
    folder = tmp_path_factory.mktemp("host")
    client = old.client("client")
    token = client.swaks(old.outside, to="carl@kept.test").token
    queued = client.swaks(old.outside, to="x@hop.test").token
    client.send(old.outside, [HELD], to="dora@kept.test")
    old.arrived("carl@kept.test", token)
    wait_for(lambda: [row for row in old.queue("postfix-post") if row["queue_name"] == "deferred"], "the deferral")
    held = wait_for(lambda: json.loads(quarantine(old, "list", "--json")), "the message to be held")[0]["id"]
    old.exec(
        "postfix-post",
        "bash",
        "-c",
        "cd /var/mail/vhosts/kept.test/carl && mv new/* cur/ && for f in cur/*; do mv $f $f:2,S; done",
    )

    new = Appliance(f"{PREFIX}-moved", folder / "config", old.subnet, old.lan)
    site = Kept(old, new, folder / "backup", token, queued, held, rows(old))
    old.make("backup", f"BACKUP={site.backup}")
    site.files = {volume: files(old, volume) for volume in ("mail", "quarantine", "directory")}
    run("docker", "rm", "-fv", client.name)
    old.make("clean", "YES=1")
    yield site
    new.down()


def test_backup_is_whole_and_for_its_owner_alone(kept: Kept) -> None:
    """Each part has its checksum, and nobody else may read the secrets in it."""
    names = sorted(path.name for path in kept.backup.iterdir())
    assert names == sorted(["SHA256SUMS", *(f"{part}.tar" for part in PARTS)])
    run("bash", "-c", f"cd {kept.backup} && sha256sum --check --strict SHA256SUMS")
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept.backup.iterdir()} == {0o600}
    assert stat.S_IMODE(kept.backup.stat().st_mode) == 0o700
    with tarfile.open(kept.backup / "settings.tar") as archive:
        assert {"gateway.toml", "secrets/canary"} <= set(archive.getnames())
        assert archive.getmember("secrets/canary").mode == 0o600


def test_second_backup_to_one_place_is_refused(kept: Kept) -> None:
    """The first stays what it was."""
    done = run(
        "env", f"PROJECT={kept.old.project}", "CONFIG_DIR=config", "scripts/backup", str(kept.backup), check=False
    )
    assert (done.returncode, done.stderr) == (
        1,
        f"backup: there is a {kept.backup} already; expected a new directory\n",
    )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda backup: (backup / "SHA256SUMS").unlink(), "has no SHA256SUMS: it is no backup, or one that was cut"),
        (lambda backup: (backup / "mail.tar").unlink(), "is damaged; nothing was touched"),
        (lambda backup: flip(backup / "quarantine.tar"), "is damaged; nothing was touched"),
    ],
    ids=["no manifest", "a part is missing", "an octet is another"],
)
def test_damaged_backup_is_refused_before_anything_is_touched(
    kept: Kept, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    """The checksums are compared first."""
    shutil.copytree(kept.backup, tmp_path / "backup")
    damage(tmp_path / "backup")
    done = kept.restore(backup=tmp_path / "backup")
    assert exit_code(done) == 3
    assert said in done.stderr
    assert volumes(kept.new.project) == []
    assert not kept.new.config_dir.exists()


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)


def test_restored_appliance_has_everything(kept: Kept) -> None:
    """Mail, quarantine and people octet by octet, with owners and modes; settings, secrets; it comes up and works."""
    done = kept.restore()
    assert (exit_code(done), done.stdout.splitlines()[0]) == (
        0,
        f"Restored from {kept.backup}.  Next: make up PROJECT={kept.new.project}",
    )
    assert {volume: files(kept.new, volume) for volume in kept.files} == kept.files
    assert kept.files["mail"].count(":2,S 600 5000:5000 ") == 1
    assert kept.files["directory"].startswith("./people.sqlite 644 0:0 ")
    for name in ("gateway.toml", "secrets/canary"):
        assert (kept.new.config_dir / name).read_bytes() == (kept.old.config_dir / name).read_bytes()
    kept.new.up()
    assert [[row["in"] for row in json.loads(table)][-1] for table in kept.rows] == ["tables"] * 3
    assert rows(kept.new) == kept.rows
    cur = kept.new.exec("postfix-post", "bash", "-c", "cat /var/mail/vhosts/kept.test/carl/cur/*").stdout
    assert f"X-Token: {kept.token}" in cur
    quarantine(kept.new, "release", kept.held)
    wait_for(lambda: kept.new.mailbox("dora@kept.test", "GTUBE"), "the released message")


def test_queued_message_is_on_hold_until_it_is_let_go(kept: Kept) -> None:
    """Not sent again by itself, and not lost."""
    sink = kept.new.sink("hop")
    kept.new.exec("postfix-post", "postqueue", "-f")
    [row] = kept.new.queue("postfix-post")
    assert (row["queue_name"], row["recipients"][0]["address"]) == ("hold", "x@hop.test")
    sent = kept.new.client("client").swaks(kept.new.outside, to="y@hop.test")
    sink.arrived(sent.token)
    assert sink.with_token(kept.queued) == []
    kept.new.exec("postfix-post", "postsuper", "-H", "ALL")
    kept.new.exec("postfix-post", "postqueue", "-f")
    sink.arrived(kept.queued)
    wait_for(lambda: kept.new.queue("postfix-post") == [], "the queue to be empty")
    assert len(sink.with_token(kept.queued)) == 1


def test_nothing_that_was_there_before_a_backup_is_missed_while_mail_flows(kept: Kept, tmp_path: Path) -> None:
    """A client looks at each message while it is copied: all go from new/ to cur/ and back, again and again."""
    box = "/var/mail/vhosts/kept.test/moving"
    plant = f"mkdir -p {box}/new {box}/cur && cd {box} && for i in $(seq 3000); do echo $i >new/$i.moving; done"
    kept.new.exec("postfix-post", "bash", "-c", plant)
    look = (
        f"cd {box} && touch run && while [ -e run ]; do for f in new/*; do mv $f cur/${{f#new/}}:2,S; done; "
        "for f in cur/*; do g=${f#cur/}; mv $f new/${g%:*}; done; done"
    )
    run("docker", "exec", "-d", kept.new.container("postfix-post"), "bash", "-c", look)
    wait_for(lambda: kept.new.exec("postfix-post", "test", "-e", f"{box}/run", check=False).returncode == 0, "the look")
    kept.new.make("backup", f"BACKUP={tmp_path / 'moving'}")
    kept.new.exec("postfix-post", "rm", f"{box}/run")
    with tarfile.open(tmp_path / "moving" / "mail.tar") as archive:
        numbers = [name.rpartition("/")[2].partition(".")[0] for name in archive.getnames() if ".moving" in name]
    assert sorted(numbers, key=int) == [str(number) for number in range(1, 3001)]


def test_host_that_is_not_empty_is_refused_unless_told(kept: Kept) -> None:
    """While it runs, and with its volumes; YES=1 replaces them, and what was not in the backup is gone."""
    done = kept.restore()
    assert exit_code(done) == 4
    assert f"there are containers of {kept.new.project}: make down first" in done.stderr
    for name in ("client", "hop"):
        run("docker", "rm", "-fv", f"{kept.new.project}-x-{name}")
    kept.new.make("down")
    before = files(kept.new, "mail")
    done = kept.restore()
    assert exit_code(done) == 4
    assert f"in the way in {kept.new.project}_" in done.stderr
    assert files(kept.new, "mail") == before
    with kept.new.config.open("a") as file:
        file.write("# edited\n")
    done = kept.restore("YES=1", "QUEUES=none")
    assert (exit_code(done), files(kept.new, "mail")) == (0, kept.files["mail"])
    assert "# edited" not in kept.new.config.read_text()


def test_other_settings_are_in_the_way(kept: Kept) -> None:
    """Those of the operator, edited since."""
    run("docker", "volume", "rm", *volumes(kept.new.project))
    with kept.new.config.open("a") as file:
        file.write("# edited\n")
    done = kept.restore()
    assert exit_code(done) == 4
    assert f"in the way in {kept.new.config_dir}, such as gateway.toml: YES=1 replaces it" in done.stderr
    assert volumes(kept.new.project) == []


def test_queue_can_come_back_as_it_was(kept: Kept) -> None:
    """For a host that was stopped and moved: what waits is sent."""
    assert exit_code(kept.restore("YES=1", "QUEUES=release")) == 0
    kept.new.up()
    sink = kept.new.sink("hop")
    kept.new.exec("postfix-post", "postqueue", "-f")
    sink.arrived(kept.queued)
