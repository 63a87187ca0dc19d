"""The check `command`: programs that end in every way, and what is left of them."""

from __future__ import annotations

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, wait_for
from tests.stack.mail import DISCARDED, NOT_NOW, NOT_SEARCHED, filtered, forget, fresh, message, send


def test_program_that_ends_with_0_passes(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Nothing is changed in the message."""
    token = fresh()
    send(searched, stranger, "anna@obeyed.test", message(token, b".\r\nbody\r\n", "X-Do: exit 0"))
    assert next_hop.arrived(token)["content"].endswith(b"\r\nX-Do: exit 0\r\n\r\n.\r\nbody\r\n")


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("exit 69", DISCARDED),
        ("exit 75", NOT_NOW),
        ("exit 1", NOT_SEARCHED),
        ("exit 70", NOT_SEARCHED),
        ("exit 127", NOT_SEARCHED),
        ("signal", NOT_SEARCHED),
        ("sleep", NOT_SEARCHED),
    ],
)
def test_program_that_ends_otherwise(searched: Appliance, stranger: Client, order: str, answer: str) -> None:
    """69 is a finding, 75 defers; codes it may not use, signals and time-outs follow on_error."""
    queue_id = send(searched, stranger, "anna@obeyed.test", message(fresh(), b"x\r\n", f"X-Do: {order}"))
    filtered(searched, queue_id, answer)
    if answer == DISCARDED:
        searched.logged("filter", rf"pre={queue_id}.*command:obey\.rejected")
    else:
        forget(searched, queue_id)


def test_program_leaves_nothing_behind_and_has_no_network(
    searched: Appliance, next_hop: Sink, stranger: Client
) -> None:
    """No process and no file, and nothing but its own loopback."""
    for order in ("linger", "reach"):
        token = fresh()
        send(searched, stranger, "anna@obeyed.test", message(token, b"x\r\n", f"X-Do: {order}"))
        next_hop.arrived(token)
    processes = "cat /proc/[0-9]*/comm"
    wait_for(lambda: "sleep" not in searched.exec("runner", "sh", "-c", processes).stdout, "the end of all programs")
    assert searched.exec("runner", "ls", "-A", "/tmp").stdout == ""


def test_program_edits(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """The sample adds a line with gate 1's queue id on top, and all else stays as it came."""
    token = fresh()
    queue_id = send(searched, stranger, "anna@edited.test", message(token, b"8bit: \xc3\xbc\r\n.\r\n..\r\n"))
    arrived = next_hop.arrived(token)["content"]
    assert f"\r\nX-Sample: seen by {queue_id}\r\n".encode() in arrived
    assert arrived.endswith(b"\r\n\r\n8bit: \xc3\xbc\r\n.\r\n..\r\n")


def test_sample_rejects_many_recipients(searched: Appliance) -> None:
    """Its own example of a rejection, tried by hand as the docs say."""
    (searched.config_dir / "message.eml").write_bytes(message(fresh()))
    words = ("PROGRAM=sample", f"MESSAGE={searched.config_dir}/message.eml")
    done = searched.make("try-command", *words)
    assert done.stdout.startswith("X-Sample: seen by by-hand\nX-Token:")
    assert "exit 0: passes" in done.stderr
    many = " ".join(f"r{number}@example.test" for number in range(51))
    done = searched.make("try-command", *words, f"TO={many}", check=False)
    assert done.stdout == ""
    assert "<someone@example.net> writes to 51 recipients\n" in done.stderr
    assert "exit 69: the finding command:NAME.rejected" in done.stderr
