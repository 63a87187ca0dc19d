"""gateway quarantine: what it prints, what it does, and its exit codes."""

import asyncio
import json
import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner

from gateway.message.edit import Splice
from gateway.operate.cli import main
from gateway.quarantine.store import Quarantine
from tests.unit.quarantine.messages import CONTENT, VERDICT, mail
from tests.unit.sink import Sink

SETTINGS = """\
next_hops = ["127.0.0.1:{port}"]
helo_name = "filter.test"
max_transactions = 1
max_message_octets = 1000000
max_recipients = 10
command_timeout_s = 5
data_timeout_s = 5
connect_timeout_s = 5
reply_timeout_s = 5
commit_timeout_s = 5
transaction_timeout_s = 60
drain_timeout_s = 5
log_format = "human"
log_level = "info"
xforward_peers = []
inside = []
quarantine = "{quarantine}"
quarantine_max_octets = 1000000
quarantine_retention_s = 86400
doors = {{}}
checks = {{}}
policies = {{ default = {{ checks = [] }} }}
"""


class Held:
    """A quarantine with two messages, and the command run on it."""

    def __init__(self, folder):
        self.root = folder / "quarantine"
        self.root.mkdir()
        self.settings = folder / "filter.toml"
        self.store = Quarantine(self.root, 10**6)
        self.write(9)
        self.ids = [asyncio.run(self.store.hold(mail(), VERDICT)) for _ in range(2)]

    def write(self, port, quarantine=None):
        """Write the settings."""
        self.settings.write_text(SETTINGS.format(port=port, quarantine=self.root if quarantine is None else quarantine))

    def run(self, *arguments):
        """Run the command."""
        return CliRunner().invoke(main, ["quarantine", arguments[0], "--settings", str(self.settings), *arguments[1:]])


@pytest.fixture
def held(tmp_path):
    """Give a quarantine with two messages."""
    return Held(tmp_path)


@pytest.fixture
def gate_2(held):
    """Give a gate 2 that answers while a command runs in another process."""

    async def serve(*arguments):
        async with Sink() as sink:
            held.write(sink.port)
            command = [sys.executable, "-c", "from gateway.operate.cli import main; main()", "quarantine", *arguments]
            process = await asyncio.create_subprocess_exec(
                *command, "--settings", str(held.settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            out, err = await process.communicate()
            return process.returncode, out.decode(), err.decode(), sink.messages

    return lambda *arguments: asyncio.run(serve(*arguments))


def test_list_names_what_is_held(held):
    """Envelope and findings, control characters escaped."""
    done = held.run("list")
    assert done.exit_code == 0
    assert all(id_ in done.output for id_ in held.ids)
    rows = json.loads(held.run("list", "--json").output)
    assert [row["id"] for row in rows] == sorted(held.ids)
    assert rows[0] | {"id": "", "held_at": ""} == {
        "id": "",
        "held_at": "",
        "policy": "strict",
        "queue_id_pre": "4pre",
        "client": "far.test[192.0.2.7]",
        "reverse_path": r"\xc3\xa4\xff@x.test",
        "recipients": ["b@y.test", "c@y.test"],
        "octets": len(CONTENT),
        "findings": [r'attachments.executable a"\n.exe'],
        "released": [],
    }


def test_empty_quarantine_is_said_to_be(held):
    """No table of nothing."""
    held.run("delete", *held.ids)
    assert held.run("list").output == "Nothing is held.\n"
    assert held.run("list", "--json").output == "[]\n"


def test_show_escapes_the_header(held):
    """A stranger's escape sequences do not reach the terminal."""
    done = held.run("show", held.ids[0])
    assert done.output.isascii()
    assert "\x1b" not in done.output
    assert r"header        Subject: \xe4\x1b[31m" in done.output
    assert json.loads(held.run("show", held.ids[0], "--json").output)["header"] == [
        "From: a@x.test",
        r"Subject: \xe4\x1b[31m",
    ]


def test_show_tells_the_edits(held):
    """As a diff of what is kept, with everything escaped."""
    id_ = asyncio.run(held.store.hold(mail(), VERDICT, [Splice(0, 0, b"X: \x1b\r\n"), Splice(0, 16, b"")]))
    assert json.loads(held.run("show", id_, "--json").output)["edits"] == [
        "@@ header, octet 0 @@",
        r"+X: \x1b",
        "@@ header, octet 0 @@",
        "-From: a@x.test",
    ]


def test_content_goes_to_a_pipe_octet_by_octet(held):
    """As it came."""
    assert held.run("show", "--content", held.ids[0]).stdout_bytes == CONTENT


def test_content_does_not_go_to_a_terminal(held):
    """It may hold anything."""
    ours, theirs = pty.openpty()
    command = "from gateway.operate.cli import main; main()"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            command,
            "quarantine",
            "show",
            "--content",
            held.ids[0],
            "--settings",
            str(held.settings),
        ],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "is not for a terminal" in done.stderr


def test_release_sends_once(held, gate_2):
    """The second time nothing is left to send; list says so."""
    code, out, err, messages = gate_2("release", held.ids[0])
    assert (code, err, len(messages)) == (0, "", 1)
    assert out.splitlines() == [
        f"{held.ids[0]} <{recipient}> sent: 250 2.0.0 Ok: queued as 4ABCdefGHI"
        for recipient in ("b@y.test", "c@y.test")
    ]
    code, out, err, messages = gate_2("release", "--json", held.ids[0])
    assert (code, err, messages) == (0, "", [])
    assert json.loads(out)[0]["sent"] == {}
    assert held.ids[0] not in held.run("list").output
    assert held.ids[0] in held.run("list", "--all").output


def test_release_that_fails_says_so(held):
    """Exit code 1, the reply on stderr, and the message stays."""
    done = held.run("release", held.ids[0])
    assert done.exit_code == 1
    assert "not sent: 451 4.4.1 yard: next hop cannot be reached" in done.stderr
    assert held.ids[0] in held.run("list").output


def test_delete_and_expire(held):
    """By id; by age, that of the settings or one given."""
    assert held.run("delete", held.ids[0]).output == f"{held.ids[0]} deleted\n"
    assert held.run("expire").output == "0 messages deleted\n"
    assert json.loads(held.run("expire", "--days", "0", "--json").output) == [held.ids[1]]


def test_mistakes_of_the_operator_are_said(held):
    """Unknown ids, no quarantine, settings that cannot be read."""
    unknown = held.run("show", "0" * 16)
    assert (unknown.exit_code, unknown.stderr) == (1, f"quarantine: {'0' * 16}: no such message is held\n")
    held.write(9, quarantine="")
    assert held.run("list").stderr == "Error: no policy has checks, so nothing can be held\n"
    held.settings.write_text("")
    assert held.run("list").exit_code == 3
