"""Which messages are linked to an archive, how, and how often."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edit.archive import MailingList
from gateway.edit.lists import link, lists_of

from .made import edited, mail

TALK = MailingList("talk@lists.example.test", "talk.lists.example.test", "https://x.test/{message_id}")
FOOT = MailingList("talk@lists.example.test", "talk.lists.example.test", "https://x.test/{message_id}", "footer")
NEWS = MailingList("news@lists.example.test", "news.lists.example.test", "https://y.test/{message_id}")
ID = b"Message-ID: <1@x.test>\r\n"
HASH = b"Message-ID-Hash: NE3CJ2Q7TZFJUICVDIKQVEO4FECKTGAI\r\n"
AT_X = b"Archived-At: <https://x.test/1%40x.test>\r\n"
AT_Y = b"Archived-At: <https://y.test/1%40x.test>\r\n"
LIST_ID = b"List-Id: Talk, all of it <talk.lists.example.test>\r\n"
BODY = b"\r\nHello\r\n"
LINE = b"\r\nhttps://x.test/1%40x.test\r\n"


def linked(content, *recipients, lists=(TALK,), signed_after=False):
    """Give the message with its links."""
    message = mail(content, *recipients)
    return edited(message, link(message, lists, signed_after=signed_after))


def test_link_by_list_id():
    """What the list sends to its members."""
    assert linked(ID + LIST_ID + BODY, b"member@x.test") == ID + LIST_ID + AT_X + HASH + BODY


def test_link_by_recipient():
    """What is on its way to the list."""
    assert linked(ID + BODY, b"other@x.test", b"Talk@LISTS.example.test") == ID + AT_X + HASH + BODY


def test_link_by_recipient_can_be_left_to_the_list():
    """Posts = false: what the list sends has it, and its archive has the message as it came."""
    sent_only = MailingList(TALK.address, TALK.list_id, TALK.archive_url, posts=False)
    assert linked(ID + BODY, b"talk@lists.example.test", lists=[sent_only]) == ID + BODY
    assert linked(ID + LIST_ID + BODY, b"talk@lists.example.test", lists=[sent_only]) != ID + LIST_ID + BODY


@pytest.mark.parametrize(
    "field",
    [
        b"List-Id: <TALK.lists.EXAMPLE.test>",
        b"list-id: =?utf-8?q?a_<b>?= <talk.lists.example.test>",
        b"List-ID:\r\n <talk.lists.example.test>",
        b"List-Id: <other.test>\r\nList-Id: < talk.lists.example.test >",
    ],
)
def test_lists_of_reads_list_id(field):
    """In any letter case, folded, behind any phrase, and one of several."""
    message = mail(ID + field + b"\r\n" + BODY)
    assert lists_of(message.envelope, message.header, [NEWS, TALK]) == [TALK]


@pytest.mark.parametrize(
    ("content", "recipient"),
    [
        (ID + b"List-Id: talk.lists.example.test\r\n" + BODY, b"anna@x.test"),
        (ID + b"List-Id: <talk.lists.example.test> and more\r\n" + BODY, b"anna@x.test"),
        (ID + b"List-Id: <xtalk.lists.example.test>\r\n" + BODY, b"anna@x.test"),
        (ID + b"To: talk@lists.example.test\r\n" + BODY, b"anna@x.test"),
        (ID + BODY, b"talk-request@lists.example.test"),
        (ID + BODY, b"talk+confirm@lists.example.test"),
    ],
)
def test_link_not_of_other_mail(content, recipient):
    """What only looks like mail of the list stays as it came."""
    assert linked(content, recipient) == content


def test_link_of_two_lists():
    """Each archive has the message (RFC 5064 section 2.2)."""
    found = linked(ID + LIST_ID + BODY, b"news@lists.example.test", lists=[TALK, NEWS])
    assert found == ID + LIST_ID + AT_X + AT_Y + HASH + BODY


def test_link_keeps_those_of_others():
    """A sublist adds its own."""
    assert linked(ID + LIST_ID + AT_Y + BODY) == ID + LIST_ID + AT_Y + AT_X + HASH + BODY


def test_link_replaces_a_wrong_hash():
    """As Mailman does; a stranger may have sent any."""
    wrong = b"Message-ID-Hash: X\r\n"
    assert linked(wrong + ID + LIST_ID + HASH + BODY) == ID + LIST_ID + AT_X + HASH + BODY


def test_link_none_gives_the_hash_alone():
    """For archives that find messages by it."""
    quiet = MailingList(TALK.address, TALK.list_id, TALK.archive_url, "none")
    once = linked(ID + LIST_ID + BODY, lists=[quiet])
    assert once == ID + LIST_ID + HASH + BODY
    assert linked(once, lists=[quiet]) == once


def test_link_with_footer():
    """Both, in one go."""
    assert linked(ID + LIST_ID + BODY, lists=[FOOT]) == ID + LIST_ID + AT_X + HASH + BODY + LINE


@pytest.mark.parametrize(
    "removed",
    [b"", AT_X, HASH, AT_X + HASH],
    ids=["nothing", "Archived-At", "Message-ID-Hash", "both"],
)
def test_link_twice_is_once(removed):
    """On the way to the list and back, whatever the list's server took out of the header section."""
    once = linked(ID + LIST_ID + BODY, lists=[FOOT]).replace(removed, b"", 1)
    assert linked(once, lists=[FOOT]) == once


def test_link_twice_is_once_though_folded():
    """The address may be folded anywhere."""
    folded = ID + LIST_ID + b"Archived-At:\r\n <https://x.test/\r\n\t1%40x.test>\r\n" + BODY
    assert linked(folded, lists=[FOOT]) == folded


@pytest.mark.parametrize("name", [b"DKIM-Signature", b"ARC-Message-Signature"])
def test_link_of_signed_mail_has_no_footer(name, caplog):
    """It would break the signature, unless the author's domain signs afterwards."""
    caplog.set_level(logging.INFO)
    signature = name + b": v=1; d=x.test; h=from:to; bh=x; b=x\r\n"
    content = signature + ID + LIST_ID + BODY
    assert linked(content, lists=[FOOT]) == signature + ID + LIST_ID + AT_X + HASH + BODY
    assert caplog.records[0].fields["cause"] == "signed by others"
    signed = linked(content, lists=[FOOT], signed_after=True)
    assert signed == signature + ID + LIST_ID + AT_X + HASH + BODY + LINE


@pytest.mark.parametrize(
    ("names", "added"),
    [
        (b"from : Archived-At", HASH),
        (b"from:message-id-hash:to", AT_X),
        (b"archived-at:\r\n\tmessage-id-hash", b""),
    ],
)
def test_link_leaves_out_what_a_signature_covers(names, added):
    """A field that was signed as not being there would break the signature."""
    signature = b"DKIM-Signature: v=1; bh=x; h=" + names + b"; b=x\r\n"
    content = signature + ID + LIST_ID + BODY
    once = signature + ID + LIST_ID + added + BODY
    assert linked(content) == once
    assert linked(once) == once
    assert linked(content, signed_after=True) == signature + ID + LIST_ID + AT_X + HASH + BODY


@pytest.mark.parametrize(
    "field",
    [b"", b"Message-ID: <1@x.test>\r\nMessage-ID: <2@x.test>\r\n", b"Message-ID: <1@x.test>\r\n Archived-At: <x>\r\n"],
)
def test_link_without_a_good_message_id(field, caplog):
    """No link, and a line in the log."""
    caplog.set_level(logging.INFO)
    assert linked(field + LIST_ID + BODY) == field + LIST_ID + BODY
    assert [record.getMessage() for record in caplog.records] == ["no link"]


def test_link_too_long_is_none():
    """A field of more than 998 octets would be folded by others, or cut."""
    content = b"Message-ID: <" + b"/" * 400 + b"@x.test>\r\n" + LIST_ID + BODY
    assert linked(content) == content


@given(st.binary(max_size=80), st.sampled_from([TALK, FOOT]))
def test_link_adds_whole_lines_whatever_the_message_id(value, each):
    """No octet of a stranger ends a field or makes one longer than 998 octets."""
    content = b"Message-ID: <" + value.replace(b"\r", b"").replace(b"\n", b"") + b"@x.test>\r\n" + LIST_ID + BODY
    message = mail(content)
    splices = link(message, [each], signed_after=False)
    added = [line for splice in splices for line in splice.octets.split(b"\r\n")]
    assert all(len(line) <= 998 and line.isascii() for line in added)
    assert all(splice.octets.endswith(b"\r\n") for splice in splices)
    if splices:
        assert edited(message, splices).count(b"\r\n") == content.count(b"\r\n") + sum(
            splice.octets.count(b"\r\n") for splice in splices
        )
        assert link(mail(edited(message, splices)), [each], signed_after=False) == []
