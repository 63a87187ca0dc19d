"""All edits of a message in their order."""

import nacl.signing
import pytest

from gateway.edit.archive import MailingList
from gateway.edit.dkim import Key, Signer
from gateway.edit.plan import NOTHING_STANDING, Standing, plan
from gateway.message.edit import Splice
from gateway.message.policy import Policy
from gateway.message.verdict import Report

from .made import edited, mail

TALK = MailingList("talk@lists.example.test", "talk.lists.example.test", "https://x.test/{message_id}", "footer")
CONTENT = b"From: a@example.test\r\nMessage-ID: <1@x.test>\r\nList-Id: <talk.lists.example.test>\r\n\r\nHello\r\n"
TAGGED = Policy("default", tag_fields=(("X-Spam", "yes"),))


@pytest.fixture(scope="module")
def signer():
    """Give one with a key."""
    return Signer({"example.test": Key(b"example.test", b"s", b"ed25519-sha256", nacl.signing.SigningKey.generate())})


def test_plan_of_nothing_is_empty():
    """What no policy asks to change stays as it came."""
    message = mail(CONTENT, inside=True)
    assert plan(message, TAGGED, [Report()], NOTHING_STANDING, tagged=False) == []
    assert not NOTHING_STANDING


def test_plan_checks_then_tags_then_links():
    """At one place in this order; the links at the foot as well."""
    message = mail(CONTENT)
    at = message.header.stop
    splices = plan(message, TAGGED, [Report((), [Splice(at, at, b"X-C: y\r\n")])], Standing((TALK,)), tagged=True)
    assert edited(message, splices).split(b"\r\n")[3:] == [
        b"X-C: y",
        b"X-Spam: yes",
        b"Archived-At: <https://x.test/1%40x.test>",
        b"Message-ID-Hash: NE3CJ2Q7TZFJUICVDIKQVEO4FECKTGAI",
        b"",
        b"Hello",
        b"",
        b"https://x.test/1%40x.test",
        b"",
    ]


def test_plan_signs_last(signer):
    """The signature covers what the other edits made, and only mail from inside has one."""
    standing = Standing((TALK,), signer)
    for inside in (True, False):
        message = mail(b"DKIM-Signature: v=1; h=from\r\n" + CONTENT, inside=inside)
        result = edited(message, plan(message, TAGGED, [], standing, tagged=True))
        assert result.startswith(b"DKIM-Signature: v=1; a=ed25519-sha256;") is inside
        assert result.endswith(b"https://x.test/1%40x.test\r\n") is inside
        assert (b"archived-at" in result) is inside


@pytest.mark.parametrize(
    ("content", "recipient", "inside", "concerned"),
    [
        (CONTENT, b"x@y.test", False, True),
        (b"From: a@x.test\r\n\r\n", b"talk@lists.example.test", False, True),
        (b"From: a@example.test\r\n\r\n", b"x@y.test", True, True),
        (b"From: a@example.test\r\n\r\n", b"x@y.test", False, False),
        (b"From: a@x.test\r\n\r\n", b"x@y.test", True, False),
    ],
)
def test_concern_needs_no_body(signer, content, recipient, inside, concerned):
    """Envelope and header section tell whether a message must be kept whole."""
    message = mail(content, recipient)
    assert Standing((TALK,), signer).concern(message.envelope, message.header, inside=inside) is concerned
