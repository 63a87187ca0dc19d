"""Every verdict, and the quarantine, on the real road."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Answer, Client, Sink, run, wait_for
from tests.stack.mail import transaction
from tests.stack.searched import CLEAN, FOUND, NESTED, ZIPPED


class Message:
    """A message with a token, and its envelope."""

    def __init__(self, content: bytes) -> None:
        self.token = f"v{time.time_ns():x}"
        self.content = f"X-Token: {self.token}\r\n".encode() + content

    def send(self, client: Client, server: str, to: str, sender: str = "someone@client.example") -> Answer:
        """Send it; give gate 1's answer."""
        [answer] = client.send(server, [self.content], to=to, sender=sender)
        return answer


def held(searched: Appliance) -> list[dict[str, Any]]:
    """Return what the quarantine holds."""
    return json.loads(quarantine(searched, "list", "--json"))


def quarantine(searched: Appliance, *arguments: str) -> str:
    """Run `gateway quarantine` as an operator does."""
    return run(
        "env", f"PROJECT={searched.project}", f"CONFIG_DIR={searched.config_dir}", "scripts/quarantine", *arguments
    ).stdout


def held_for(searched: Appliance, answer: Answer) -> dict[str, Any]:
    """Wait until a message is held, and return what is known of it."""
    return wait_for(
        lambda: next((row for row in held(searched) if row["queue_id_pre"] == answer.queue_id), None),
        "the message to be held",
    )


# --- verdicts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["hold.test", "reject.test", "defer.test", "discard.test", "tag.test"])
def test_clean_mail_passes_unchanged(searched: Appliance, next_hop: Sink, stranger: Client, domain: str) -> None:
    """Whatever a policy would do about findings, there are none."""
    message = Message(CLEAN)
    message.send(stranger, searched.outside, f"x@{domain}")
    assert next_hop.arrived(message.token)["content"].endswith(message.content)


@pytest.mark.parametrize("finding", FOUND)
def test_finding_from_outside_is_held(searched: Appliance, next_hop: Sink, stranger: Client, finding: str) -> None:
    """That is the default: 250 to gate 1, nothing at the next hop, no DSN."""
    message = Message(FOUND[finding])
    answer = message.send(stranger, searched.outside, "x@hold.test")
    row = held_for(searched, answer)
    assert finding in [found.partition(" ")[0] for found in row["findings"]]
    assert (row["reverse_path"], row["recipients"]) == ("someone@client.example", ["x@hold.test"])
    assert re.search(rf'verdict=hold .*reply="250 2.0.0 Held as {row["id"]}"', transaction(searched, answer.queue_id))
    assert next_hop.with_token(message.token) == []


@pytest.mark.parametrize("content", [ZIPPED, NESTED], ids=["zip", "nested zip"])
def test_program_within_archives_is_found(searched: Appliance, stranger: Client, content: bytes) -> None:
    """By its name in there."""
    answer = Message(content).send(stranger, searched.outside, "x@hold.test")
    assert any(found.startswith("attachments.executable") for found in held_for(searched, answer)["findings"])


def test_reject_bounces_to_the_sender(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """The reply says no more than that; the DSN comes from gate 1."""
    message = Message(FOUND["headers.casino"])
    answer = message.send(stranger, searched.outside, "x@reject.test", "anna@plain.test")
    assert 'verdict=reject outcome=rejected reply="550 5.7.1 Message content rejected"' in transaction(
        searched, answer.queue_id
    )
    dsn = wait_for(lambda: searched.mailbox("anna@plain.test", message.token), "the DSN")[0]
    assert "550 5.7.1 Message content rejected" in dsn
    assert next_hop.with_token(message.token) == []


def test_reject_of_null_sender_holds(searched: Appliance, stranger: Client) -> None:
    """There is nobody to tell, and gate 1 could only drop it."""
    answer = Message(FOUND["headers.casino"]).send(stranger, searched.outside, "x@reject.test", "")
    assert held_for(searched, answer)["reverse_path"] == ""


def test_defer_keeps_it_in_gate_1(searched: Appliance, stranger: Client) -> None:
    """Until the message is removed, or the policy changes."""
    message = Message(FOUND["body.pills"])
    answer = message.send(stranger, searched.outside, "x@defer.test")
    assert 'verdict=defer outcome=deferred reply="451 4.7.1 Message content not accepted now"' in transaction(
        searched, answer.queue_id
    )
    assert answer.queue_id in [entry["queue_id"] for entry in searched.queue("postfix-pre")]
    searched.exec("postfix-pre", "postsuper", "-d", answer.queue_id)


def test_discard_is_logged_and_nothing_else(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Gate 1 hears 250, nobody gets it, nothing is held."""
    message = Message(FOUND["gtube.gtube"])
    answer = message.send(stranger, searched.outside, "x@discard.test")
    assert 'verdict=discard outcome=sent reply="250 2.0.0 Discarded"' in transaction(searched, answer.queue_id)
    searched.logged("postfix-pre", rf"{answer.queue_id}: removed")
    assert next_hop.with_token(message.token) == []
    assert answer.queue_id not in [row["queue_id_pre"] for row in held(searched)]


def test_tag_adds_fields_and_prefix_and_nothing_else(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """A copy of the field that came is removed; every other octet is as it was."""
    message = Message(b"x-spam-flag: NO\r\nSubject: the casino\r\nX-Last: 1\r\n\r\nhello\r\n")
    message.send(stranger, searched.outside, "x@tag.test")
    content = next_hop.arrived(message.token)["content"]
    fields = f"X-Token: {message.token}\r\nSubject: [SPAM] the casino\r\nX-Last: 1\r\nX-Spam-Flag: YES\r\n".encode()
    assert content[content.index(b"X-Token:") :] == fields + b"\r\nhello\r\n"


def test_worst_finding_wins(searched: Appliance, stranger: Client) -> None:
    """One asks for a tag, the other for the quarantine."""
    answer = Message(b"Subject: casino\r\n" + FOUND["attachments.executable"]).send(
        stranger, searched.outside, "x@tag.test"
    )
    assert {found.partition(" ")[0] for found in held_for(searched, answer)["findings"]} >= {
        "attachments.executable",
        "headers.casino",
    }


def test_finding_from_inside_is_rejected(searched: Appliance) -> None:
    """A client of ours is told: its address is not forged."""
    host = searched.lan.host(7)
    message = Message(FOUND["gtube.gtube"])
    answer = message.send(host, f"{searched.lan.network[1]}:2526", "x@elsewhere.example", "anna@plain.test")
    assert "policy=hold verdict=reject" in transaction(searched, answer.queue_id)
    assert "550 5.7.1" in wait_for(lambda: searched.mailbox("anna@plain.test", message.token), "the DSN")[0]


# --- the quarantine ---------------------------------------------------------------------------------------------


def test_released_message_arrives_as_it_came_and_once(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """With its envelope; a second release sends nothing."""
    message = Message(b".dot\r\n".join([b"Subject: casino\r\n\r\n", b"", b"x\r\n"]))
    id_ = held_for(searched, message.send(stranger, searched.outside, "x+y@hold.test"))["id"]
    assert "<x+y@hold.test> sent: 250 2.0.0 Ok: queued as " in quarantine(searched, "release", id_)
    stored = next_hop.arrived(message.token)
    assert stored["content"].endswith(message.content.replace(b"\r\n.", b"\r\n."))
    assert stored["recipients"] == ["TO:<x+y@hold.test> ORCPT=rfc822;x+2By@hold.test"]
    assert "had it before" in quarantine(searched, "release", id_)
    assert len(next_hop.with_token(message.token)) == 1


def test_released_message_leaves_with_its_edits(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """A list's link is added when it is released; what is kept is what came."""
    message = Message(b"Message-ID: <a@far.example>\r\nList-Id: <talk.lists.test>\r\nSubject: casino\r\n\r\nx\r\n")
    id_ = held_for(searched, message.send(stranger, searched.outside, "x@hold.test"))["id"]
    quarantine(searched, "release", id_)
    arrived = next_hop.arrived(message.token)["content"]
    header, _, body = arrived[arrived.index(b"X-Token:") :].partition(b"\r\n\r\n")
    url = b"https://lists.example.test/archives/list/talk@lists.test/message/"
    assert re.fullmatch(re.escape(message.content[:-7]) + rb"\r\nArchived-At: <" + url + rb"\w+/>\r\n.*", header)
    assert re.fullmatch(rb"x\r\n\r\n" + url + rb"\w+/\r\n", body)
    assert quarantine(searched, "show", "--content", id_).encode().endswith(message.content.replace(b"\r\n", b"\n"))


def test_held_message_outlives_the_container(searched: Appliance, stranger: Client) -> None:
    """It is in a volume; the index may be lost."""
    id_ = held_for(searched, Message(FOUND["gtube.gtube"]).send(stranger, searched.outside, "x@hold.test"))["id"]
    searched.exec("filter", "rm", "/var/lib/sallyport/quarantine/index.sqlite")
    searched.compose("up", "-d", "--force-recreate", "--no-deps", "--wait", "filter")
    assert id_ in [row["id"] for row in held(searched)]
    assert f"{id_} deleted" in quarantine(searched, "delete", id_)
    assert id_ not in [row["id"] for row in held(searched)]


def test_full_disk_defers(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """What cannot be held waits in gate 1, and is held when there is room again."""
    filter_ = searched.container("filter")
    pid = run("docker", "inspect", "-f", "{{.State.Pid}}", filter_).stdout.strip()
    place = "/var/lib/sallyport/quarantine"
    run("nsenter", "-t", pid, "-m", "mount", "-t", "tmpfs", "-o", "size=64k,uid=10001", "tmpfs", place)
    try:
        message = Message(FOUND["gtube.gtube"] + b"x" * 100_000 + b"\r\n")
        answer = message.send(stranger, searched.outside, "x@hold.test")
        assert 'outcome=deferred reply="452 4.3.1 yard: quarantine is full"' in transaction(searched, answer.queue_id)
    finally:
        run("nsenter", "-t", pid, "-m", "umount", place)
    searched.exec("postfix-pre", "postqueue", "-f")
    assert held_for(searched, answer)["octets"] > 100_000
    assert next_hop.with_token(message.token) == []
