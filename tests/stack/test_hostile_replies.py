"""
Hostile replies to the filter: a gate 2 that answers what no server should, in gate 2's place and at its address.

Whatever it says, gate 1 hears one well-formed reply to each command, and a 250 only where there was one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.stack import hostile
from tests.stack.appliance import Appliance
from tests.stack.client import ROOT, Client, Sink, run, wait_for
from tests.stack.hostile import message

LOST = "451 4.4.2 yard: connection to next hop lost"
# Verb that is answered so, the octets, and what gate 1 hears to the same verb.
LIES: dict[str, tuple[str, str, str]] = {
    "two replies to the dot": (".", "250 ok\r\n250 x\r\n", "250 ok"),
    "a second line without a dash": (".", "250 2.0.0 ok\r\nMAIL FROM:<evil@x>\r\n", "250 2.0.0 ok"),
    "2 kB": ("RCPT", f"550 5.1.1 {'x' * 2000}\r\n", f"550 5.1.1 {'x' * 500}"),
    "not ASCII": ("RCPT", "550 5.1.1 \xff\x1b[31m\r\n", "550 5.1.1 ??[31m"),
    "a lone CR": ("RCPT", "550 5.1.1 a\r250 ok\r\n", "550 5.1.1 a?250 ok"),
    "LF alone": ("RCPT", "250 ok\n", LOST),
    "no code": ("MAIL", "hello\r\n", LOST),
    "codes that differ": ("MAIL", "250-a\r\n550 b\r\n", LOST),
    "250 to DATA": ("DATA", "250 2.0.0 Ok\r\n", LOST),
    "354 to RCPT": ("RCPT", "354 Go ahead\r\n", LOST),
    "354 to the dot": (".", "354 Go ahead\r\n", "451 4.4.2 yard: no usable reply from next hop after end of data"),
    "two replies to DATA": ("DATA", "354 Go ahead\r\n250 2.0.0 Ok\r\n", LOST),
    "an endless reply": ("RCPT", "250-x\r\n" * 10_000, LOST),
    "ten lines": (".", "550-5.7.1 no\r\n" * 9 + "550 5.7.1 no\r\n", "550-5.7.1 no\n" * 9 + "550 5.7.1 no"),
}
PLACE = {"MAIL": 2, "RCPT": 3, "DATA": 4, ".": 5}  # of the reply in a dialogue


@pytest.fixture(scope="module")
def replies(site: Appliance, sink: Sink) -> Iterator[dict[str, list[str]]]:
    """Put the liar where gate 2 is, hold a dialogue for each lie, and put gate 2 back."""
    yard = hostile.place(site, sink, "postfix-pre", "filter", "scan", 10025)
    address, name = site.address("postfix-post", "reinject"), f"{site.project}-x-liar"
    told = json.dumps({f"lie{number}": lie[:2] for number, lie in enumerate(LIES.values())})
    script = (ROOT / "tests/stack/liar.py").read_text()
    run("docker", "rm", "-fv", name, check=False)
    site.adopt(name)
    container = site.container("postfix-post")
    run("docker", "stop", container)
    try:
        where = ("--network", f"{site.project}_reinject", "--ip", str(address))
        program = (f"sallyport-tools:{site.project}", "python3", "-c", script, "10026", told)
        run("docker", "run", "-d", "--init", "--name", name, *where, *program)
        liar = Client(name)
        wait_for(lambda: liar.reaches("127.0.0.1", 10026), "the liar's port")
        asked = [message(b"Subject: 1\r\n\r\nx", sender=f"lie{number}@client.example") for number in range(len(LIES))]
        yield dict(zip(LIES, yard.talk(*asked), strict=True))
    finally:
        run("docker", "rm", "-fv", name, check=False)
        run("docker", "start", container)
        site.healthy("postfix-post")


@pytest.mark.parametrize("lie", LIES)
def test_lie_of_gate_2_is_one_sound_reply(replies: dict[str, list[str]], lie: str) -> None:
    """Its class is kept where it is a reply at all, else it is a deferral; never a 250 that was not given."""
    verb, _, expected = LIES[lie]
    heard = replies[lie]
    assert heard[PLACE[verb]] == expected, heard
    assert all(len(line) <= 510 and line.isascii() and line.isprintable() for r in heard for line in r.splitlines())
