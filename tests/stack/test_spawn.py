"""The filter under a stock Postfix of one instance: started by spawn(8), as FILTER_README has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import ROOT, Answer, Client, run, wait_for
from tests.stack.test_filter import GTUBE


class Stock(Client):
    """The container; its only network is its loopback, so it is its own client."""

    def take(self, content: str, sender: str = "anna@spawn.test") -> Answer:
        """Send a message to bob."""
        return self.send("127.0.0.1:25", [content.encode()], to="bob@spawn.test", sender=sender)[0]

    def mailbox(self, name: str) -> str:
        """Return all messages of a mailbox, as one text."""
        return self.sh(f"cat /var/mail/vhosts/{name}/new/* 2>/dev/null || true").stdout

    def logs(self) -> str:
        """Return Postfix's log."""
        return run("docker", "logs", self.name).stdout


@pytest.fixture(scope="module")
def stock(small: Appliance) -> Iterator[Stock]:
    """Build the image from those of an appliance and start it."""
    name = f"{small.project}-x-spawn"
    run("docker", "build", "-q", "-t", name, "--build-arg", f"PROJECT={small.project}", str(ROOT / "tests/stack/spawn"))
    run("docker", "rm", "-fv", name, check=False)
    run("docker", "run", "-d", "--name", name, "--network", "none", name)
    stock = Stock(name)
    wait_for(lambda: stock.reaches("127.0.0.1", 25), "the listener")
    yield stock
    run("docker", "rm", "-fv", name, check=False)
    run("docker", "rmi", "-f", name, check=False)


def test_message_passes_and_10026_knows_whose_it_is(stock: Stock) -> None:
    """Spawned as user filter, logging to its file; the second smtpd logs the first one's client and queue id."""
    sent = stock.take("X-Token: passes\r\n\r\n..dot\r\n")
    assert sent.code == 250, sent
    wait_for(lambda: "X-Token: passes" in stock.mailbox("bob"), "the message")
    assert "\n.dot\n" in stock.mailbox("bob") or "\n..dot\n" in stock.mailbox("bob")
    line = wait_for(
        lambda: re.search(rf"pre={sent.queue_id} post=(\w+) .*", stock.sh("cat /var/log/filter/log").stdout), "it"
    )
    assert "outcome=sent" in line[0]
    assert f"{line[1]}: client=localhost[127.0.0.1], orig_queue_id={sent.queue_id}" in stock.logs()
    assert stock.sh("stat -c %U /var/log/filter/log").stdout == "filter\n"


def test_rejected_content_becomes_a_dsn(stock: Stock) -> None:
    """The 550 of a check comes back to the sender, and the message arrives nowhere."""
    sent = stock.take(f"X-Token: rejected\r\n\r\n{GTUBE}\r\n")
    assert sent.code == 250, sent
    wait_for(lambda: "550 5.7.1 Message content rejected" in stock.mailbox("anna").replace("\n    ", " "), "the DSN")
    assert "X-Token: rejected" not in stock.mailbox("bob")


def test_many_messages_use_few_processes(stock: Stock) -> None:
    """One after the other and at once: each arrives once, nothing is deferred, and the processes end."""
    contents = [f"X-Token: many-{number}.\r\n\r\nx\r\n".encode() for number in range(40)]
    answers = stock.send("127.0.0.1:25", contents, to="bob@spawn.test", sender="anna@spawn.test", parallel=5)
    assert {answer.code for answer in answers} == {250}

    def arrived() -> list[str]:
        return re.findall(r"X-Token: many-(\d+)\.", stock.mailbox("bob"))

    wait_for(lambda: len(arrived()) >= len(contents), "all of them")
    assert sorted(map(int, arrived())) == list(range(len(contents)))
    assert not re.search(r"status=deferred", stock.logs())
    wait_for(lambda: "python /usr/local/bin/gateway" not in run("docker", "top", stock.name).stdout, "their end")


def test_mail_waits_while_10026_is_down(stock: Stock) -> None:
    """The filter says 451, Postfix keeps the message, and it arrives when 10026 is back."""
    stock.sh("postconf -MX 127.0.0.1:10026/inet && postfix reload")
    try:
        wait_for(lambda: not stock.reaches("127.0.0.1", 10026), "10026 to go")
        sent = stock.take("X-Token: waits\r\n\r\nx\r\n")
        assert sent.code == 250, sent

        def reason() -> str:
            messages = [json.loads(line) for line in stock.sh("postqueue -j").stdout.splitlines()]
            return next(
                (m["recipients"][0].get("delay_reason", "") for m in messages if m["queue_id"] == sent.queue_id), ""
            )

        assert "451 4.4.1 yard: next hop cannot be reached" in wait_for(reason, "the deferral")
    finally:
        stock.sh(
            "cat >/etc/postfix/master.cf && postfix reload", stdin=(ROOT / "tests/stack/spawn/master.cf").read_text()
        )
    wait_for(lambda: "X-Token: waits" in stock.mailbox("bob"), "the message")
    assert stock.mailbox("bob").count("X-Token: waits") == 1
