"""All edits of a message in their order."""

import nacl.signing
import pytest

from gateway.check import rspamd
from gateway.check.auth_results import forged
from gateway.edit.archive import MailingList
from gateway.edit.dkim import Key, Signer
from gateway.edit.plan import NOTHING_STANDING, Standing, plan
from gateway.message.edit import Splice, apply
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject
from gateway.message.policy import Policy
from gateway.message.verdict import Report

from .made import edited, mail

TALK = MailingList("talk@lists.example.test", "talk.lists.example.test", "https://x.test/{message_id}", "footer")
CONTENT = b"From: a@example.test\r\nMessage-ID: <1@x.test>\r\nList-Id: <talk.lists.example.test>\r\n\r\nHello\r\n"
FIELDS = b"X-Spam-Score: 1\r\nSubject: s\r\n\r\nbody\r\n"
MAIL = MailObject(Envelope(ReversePath(b"a@x.test")), Client(), FIELDS)
POLICY = Policy("x", tag_fields=(("X-Spam", "yes"),))
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


def made(reports, *, tagged, policy=POLICY):
    """Give the content with all edits made."""
    return b"".join(apply(FIELDS, plan(MAIL, policy, reports, NOTHING_STANDING, tagged=tagged)))


def test_plan_nothing_to_do_is_nothing():
    """A policy's tags are for messages whose verdict asks for them."""
    assert plan(MAIL, POLICY, [Report()], NOTHING_STANDING, tagged=False) == []


def test_plan_what_checks_add_goes_before_the_tags():
    """At the place where the fields end."""
    reports = [Report(splices=[Splice(29, 29, b"X-One: 1\r\n")]), Report(splices=[Splice(29, 29, b"X-Two: 2\r\n")])]
    assert made(reports, tagged=True) == (
        b"X-Spam-Score: 1\r\nSubject: s\r\nX-One: 1\r\nX-Two: 2\r\nX-Spam: yes\r\n\r\nbody\r\n"
    )


def test_plan_a_check_and_the_tags_may_drop_the_same_copy():
    """Each adds its own."""
    reports = [Report(splices=[Splice(0, 17, b""), Splice(29, 29, b"X-Spam-Score: 9\r\n")])]
    policy = Policy("x", tag_fields=(("X-Spam-Score", "high"),))
    assert made(reports, tagged=True, policy=policy) == (
        b"Subject: s\r\nX-Spam-Score: 9\r\nX-Spam-Score: high\r\n\r\nbody\r\n"
    )


@pytest.mark.parametrize("name", ["X-Spam-Status", "x-spam-status"])
def test_plan_rspamd_and_the_tags_may_drop_the_same_forged_fields(name):
    """Identical removals are one, for each copy and whatever its case; each adds its own field."""
    forged_ones = b"X-Spam-Status: No\r\nX-SPAM-STATUS: No,\r\n folded\r\nX-Spam-Score: 0\r\n"
    message = mail(b"Subject: s\r\n" + forged_ones + b"X-Kept: 1\r\n\r\nbody\r\n")
    options = rspamd.Options("rspamd:11333", 6.0, 15.0, add_fields=True)
    answer = rspamd.Answer(7.0, "add header", ())
    told = rspamd.Rspamd("rspamd", options)._splices(message, answer, "probable")
    policy = Policy("x", tag_fields=((name, "tagged"), ("X-Kept", "2"), ("X-KEPT", "3")))
    splices = plan(message, policy, [Report(splices=told), Report(splices=told[:3])], NOTHING_STANDING, tagged=True)
    assert edited(message, splices) == (
        b"Subject: s\r\nX-Spam-Score: 7.00\r\nX-Spam-Status: Yes, score=7.00 required=6.00\r\n"
        + name.encode()
        + b": tagged\r\nX-Kept: 2\r\nX-KEPT: 3\r\n\r\nbody\r\n"
    )


def test_plan_all_that_drop_the_last_field_of_a_message_may():
    """auth, the tags and a list, each the same field, behind which all of them add something."""
    list_mail = b"Message-ID: <1@x.test>\r\nList-Id: <talk.lists.example.test>\r\n"
    message = mail(list_mail + b"Message-ID-Hash: x\r\nAuthentication-Results: mx.test; spf=pass\r\n\r\nbody\r\n")
    reports = [Report(splices=forged(message.content, message.header, "mx.test"))]
    policy = Policy(
        "x", tag_fields=(("Authentication-Results", "none"), ("Message-ID-Hash", "y")), subject_prefix="[S]"
    )
    standing = Standing((TALK,))
    assert len(reports[0].splices) == 1
    assert edited(message, plan(message, policy, reports, standing, tagged=True)) == (
        list_mail
        + b"Authentication-Results: none\r\nMessage-ID-Hash: y\r\nSubject: [S]\r\n"
        + b"Archived-At: <https://x.test/1%40x.test>\r\nMessage-ID-Hash: NE3CJ2Q7TZFJUICVDIKQVEO4FECKTGAI\r\n"
        + b"\r\nbody\r\n\r\nhttps://x.test/1%40x.test\r\n"
    )
