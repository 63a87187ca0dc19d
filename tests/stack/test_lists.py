"""The link to the archive in list mail, on the real road."""

from __future__ import annotations

import base64
import hashlib
import time

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, wait_for
from tests.unit.edit.made import URL
from tests.unit.edit.structures import STRUCTURES, with_footer

LIST = b"List-Id: Talk <talk.lists.test>\r\n"


def passed(searched: Appliance, next_hop: Sink, client: Client, content: bytes) -> tuple[str, bytes]:
    """Send list mail with a Message-ID; return its hash, and what arrived behind the fields that Postfix added."""
    token = f"l{time.time_ns():x}"
    content = f"X-Token: {token}\r\nMessage-ID: <{token}@far.example>\r\n".encode() + content
    client.send(searched.outside, [content], to="member@lists.test")
    arrived = next_hop.arrived(token)["content"]
    digest = base64.b32encode(hashlib.sha1(f"{token}@far.example".encode()).digest()).decode()
    kept = arrived[arrived.index(b"X-Token:") :]
    return digest, kept.replace(token.encode(), b"TOKEN")


def test_link_stands_in_header_and_foot(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Every other octet is as it came."""
    digest, content = passed(searched, next_hop, stranger, LIST + b"Subject: hi\r\n\r\nhello\r\n")
    url = f"https://lists.example.test/archives/list/talk@lists.test/message/{digest}/".encode()
    assert content == (
        b"X-Token: TOKEN\r\nMessage-ID: <TOKEN@far.example>\r\n" + LIST + b"Subject: hi\r\n"
        b"Archived-At: <" + url + b">\r\nMessage-ID-Hash: " + digest.encode() + b"\r\n\r\nhello\r\n\r\n" + url + b"\r\n"
    )


# What does not end in a line end cannot come by SMTP.
ROAD = [name for name in STRUCTURES if with_footer(name)[0].endswith(b"\r\n")]


def test_footer_stands_in_each_structure_and_nothing_else_changes(
    searched: Appliance, next_hop: Sink, stranger: Client
) -> None:
    """Octet by octet, but for the fields at the end of the header section."""
    assert len(ROAD) == len(STRUCTURES) - 1
    run_id = f"f{time.time_ns():x}"
    sent, expected = [], {}
    for number, name in enumerate(ROAD):
        identifier = f"{run_id}.{number}@far.example"
        own = f"Message-ID: <{identifier}>\r\nList-Id: <structures.lists.test>\r\n".encode()
        digest = base64.b32encode(hashlib.sha1(identifier.encode()).digest())
        before, after = with_footer(name)
        header, blank, body = after.partition(b"\r\n\r\n")
        fields = b"\r\nArchived-At: <" + URL.encode() + b">\r\nMessage-ID-Hash: " + digest
        sent.append(own + before)
        end = b"" if body.endswith(b"\r\n") else b"\r\n"  # with which SMTP ends the last line
        expected[name] = own + header + fields + blank + body + end
    assert {answer.code for answer in stranger.send(searched.outside, sent, to="member@lists.test")} == {250}
    wait_for(lambda: len(next_hop.messages(run_id)) == len(ROAD), "all of them at the next hop")
    arrived = [message["content"] for message in next_hop.messages(run_id)]
    left = {content[content.index(b"Message-ID: <" + run_id.encode()) :] for content in arrived}
    assert {name for name in ROAD if expected[name] not in left} == set()


def test_signed_message_gets_no_footer(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """multipart/signed stays as it is; the header has the link."""
    body = (
        b'Content-Type: multipart/signed; boundary="b"; protocol="application/pgp-signature"\r\n\r\n'
        b"--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    )
    _, content = passed(searched, next_hop, stranger, LIST + body)
    assert content.endswith(body.partition(b"\r\n\r\n")[2])
    assert content.count(b"Archived-At: <https://lists.example.test/") == 1


def test_other_mail_is_left_alone(searched: Appliance, next_hop: Sink, stranger: Client) -> None:
    """Another list's mail is none of ours."""
    _, content = passed(searched, next_hop, stranger, b"List-Id: <other.lists.test>\r\n\r\nhello\r\n")
    assert (
        content == b"X-Token: TOKEN\r\nMessage-ID: <TOKEN@far.example>\r\nList-Id: <other.lists.test>\r\n\r\nhello\r\n"
    )
