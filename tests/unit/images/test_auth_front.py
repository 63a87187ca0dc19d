"""images/postfix/bin/auth-front, between a smtpd and a Dovecot that are this test."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from threading import Thread

import pytest

PROGRAM = Path(__file__).parents[3] / "images/postfix/bin/auth-front"
HELLO = "VERSION\t1\t0\nCPID\t7\n"
GREETING = "VERSION\t1\t3\nMECH\tPLAIN\tplaintext\nDONE\n"


def front(port: int, requests: str) -> list[str]:
    """Run it; return what it answers behind its greeting, until it ends or smtpd does."""
    command = [PROGRAM, "127.0.0.1", str(port)]
    done = subprocess.run(command, input=HELLO + requests, capture_output=True, text=True, check=False, timeout=60)
    greeting, _, answers = done.stdout.partition("DONE\n")
    assert "MECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n" in greeting
    assert done.stderr == ""
    return answers.splitlines()


def dovecot(*rounds: str) -> tuple[int, list[str]]:
    """Answer one dialogue, a round for each line behind the hello; return the port, and what will have been asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[str] = []

    def serve() -> None:
        with listener, listener.accept()[0] as connection, connection.makefile("rw") as stream:
            stream.write(GREETING)
            stream.flush()
            stream.readline(), stream.readline()  # VERSION, CPID
            for answer in rounds:
                asked.append(stream.readline())
                stream.write(answer)
                stream.flush()

    Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], asked


@pytest.mark.parametrize("answer", ["OK\t1\tuser=anna@example.test", "FAIL\t1\tuser=anna@example.test"])
def test_answer_of_dovecot_is_passed_on(answer):
    """As it came, and so was the question."""
    port, asked = dovecot(f"{answer}\n")
    assert front(port, "AUTH\t1\tPLAIN\tresp=AGE=\n") == [answer]
    assert asked == ["AUTH\t1\tPLAIN\tresp=AGE=\n"]


def test_question_of_dovecot_is_answered_by_smtpd():
    """LOGIN asks for name and password, one after the other."""
    port, asked = dovecot("CONT\t1\tVXNlcg==\n", "CONT\t1\tUGFzcw==\n", "OK\t1\tuser=anna\n")
    assert front(port, "AUTH\t1\tLOGIN\nCONT\t1\tYW5uYQ==\nCONT\t1\tcHc=\n") == [
        "CONT\t1\tVXNlcg==",
        "CONT\t1\tUGFzcw==",
        "OK\t1\tuser=anna",
    ]
    assert asked == ["AUTH\t1\tLOGIN\n", "CONT\t1\tYW5uYQ==\n", "CONT\t1\tcHc=\n"]


@pytest.mark.parametrize(
    "answer", ["FAIL\t1\tuser=anna\tcode=temp_fail\n", "FAIL\t1\ttemp\n", "FAIL\t1\tuser=anna\ttemp\tx=y\n", ""]
)
def test_temporary_failure_ends_it_without_a_word(answer):
    """Postfix answers 535 to any FAIL, and 454 to the end of its connection."""
    port, _ = dovecot(answer)
    assert front(port, "AUTH\t1\tPLAIN\tresp=AGE=\nAUTH\t2\tPLAIN\tresp=AGE=\n") == []


def test_dovecot_that_is_not_there_ends_it_at_the_question():
    """Not before: the mechanisms are told first, or smtpd would end."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert front(port, "AUTH\t1\tPLAIN\tresp=AGE=\n") == []
