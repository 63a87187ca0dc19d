"""gateway backup: archives on stdin and stdout, and exit codes."""

import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner

from gateway.operate.cli import main
from tests.unit.backup.trees import plant, seen


def run(*arguments, stdin=b""):
    """Run the command."""
    return CliRunner().invoke(main, ["backup", *map(str, arguments)], input=stdin)


@pytest.fixture
def source(tmp_path):
    """Give a directory with a message."""
    plant(tmp_path / "source", {"x.test/a/new/1": b"content"})
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path):
    """Give an empty directory."""
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def test_what_is_packed_is_unpacked(source, target):
    """And how much it was is said on stderr."""
    done = run("pack", "mail", source)
    assert (done.exit_code, done.stderr) == (0, "    1 files, 0.0 MB \n")
    back = run("unpack", "mail", target, stdin=done.stdout_bytes)
    assert (back.exit_code, back.stdout, back.stderr) == (0, "", "    1 files, 0.0 MB \n")
    assert seen(source) == seen(target)


def test_progress_rewrites_its_line(source):
    """For a terminal."""
    assert run("pack", "--progress", "mail", source).stderr == "\r    1 files, 0.0 MB \n"


def test_what_is_in_the_way_is_named(source, target):
    """Five of it will do."""
    archive = run("pack", "mail", source).stdout_bytes
    assert run("in-the-way", "mail", target, stdin=archive).stdout == ""
    plant(target, {f"x.test/a/new/{number}": b"" for number in range(9)})
    done = run("in-the-way", "mail", target, stdin=archive)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [f"x.test/a/new/{number}" for number in range(5)]


def test_replace_is_passed_on(source, target):
    """What was there is gone."""
    plant(target, {"file": b""})
    run("unpack", "--replace", "mail", target, stdin=run("pack", "mail", source).stdout_bytes)
    assert not (target / "file").exists()


def test_damaged_archive_is_exit_1(target):
    """The reason is on stderr."""
    done = run("unpack", "mail", target, stdin=b"no archive")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("backup: not an archive, or one that was cut: ")


@pytest.mark.parametrize("arguments", [("pack", "mail", "/nowhere"), ("pack", "wine", "/"), ("pack",)])
def test_wrong_usage_is_exit_2(arguments):
    """Kinds and directories are checked by the parser."""
    assert run(*arguments).exit_code == 2


def test_archive_is_not_for_a_terminal(source):
    """It would only make it beep."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from gateway.operate.cli import main; main()", "backup", "pack", "mail", source]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "an archive is not for a terminal: send it to a file" in done.stderr
