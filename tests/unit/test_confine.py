"""The keeper of one program, as it is used by hand; what goes wrong with programs is in test_runner.py."""

import os
import signal
import subprocess
import sys

import pytest

from gateway import confine


@pytest.fixture
def keep(tmp_path):
    """Give a function that runs a script under a keeper, in a directory that is gone afterwards."""
    directory = tmp_path / "work"

    def run(script, limits="", stdin=b""):
        words = [sys.executable, "-I", "-S", confine.__file__, limits, directory, "/bin/sh", "-c", script]
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=60)
        assert not directory.exists()
        return done

    return run


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -PIPE $$", 141)],
)
def test_exit_code_is_that_of_a_shell(keep, script, code):
    """The program's own, or 128 and the signal."""
    assert keep(script).returncode == code


def test_streams_are_those_of_the_keeper(keep):
    """So that a program can be tried by hand."""
    done = keep("cat; echo said >&2", stdin=b"message")
    assert (done.stdout, done.stderr, done.returncode) == (b"message", b"said\n", 0)


def test_limits_are_set_as_given(keep):
    """Each in the unit the shell shows: seconds, 512 octets, KiB, processes."""
    done = keep("ulimit -t; ulimit -f; ulimit -v; ulimit -n; ulimit -c", "memory=536870912,cpu=7,files=1048576")
    assert done.stdout.split() == [b"7", b"2048", b"524288", b"256", b"0"]


def test_program_has_a_session_of_its_own(keep):
    """No signal of a terminal's reaches it, and none of its own reaches others."""
    own, session = keep("cut -d' ' -f1,6 /proc/self/stat; cut -d' ' -f1,6 /proc/$$/stat").stdout.splitlines()
    assert own.split()[1] == session.split()[0] == session.split()[1]


def test_deep_and_locked_trees_are_removed(keep):
    """Deeper than a path may be long."""
    steps = "import os\nfor _ in range(600): os.mkdir('x' * 20); os.chdir('x' * 20)\nos.chmod('.', 0)"
    done = keep(f'exec {sys.executable} -c "{steps}"')
    assert (done.returncode, done.stderr) == (0, b"")


def test_sigterm_ends_the_program_and_cleans_up(tmp_path):
    """As the runner sends it when nobody wants the result any more."""
    directory = tmp_path / "work"
    words = [sys.executable, "-I", "-S", confine.__file__, "", directory, "/bin/sh", "-c", "echo ready; sleep 1000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b""  # nobody holds the pipe any more
        assert process.wait(60) == 128 + signal.SIGTERM
    assert not directory.exists()


def test_descendants_are_all_below_and_end_with_end_all():
    """However deep; a process that is spared stays."""
    script = "sleep 1000 & sh -c 'sleep 1000 & sleep 1000' & echo ready; wait"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        while len(confine.descendants(process.pid)) < 4:
            pass
        assert process.pid in confine.children(os.getpid())
        assert confine.end_all(lambda _: confine.descendants(process.pid))
        assert process.stdout.read() == b""
