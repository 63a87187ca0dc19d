"""What takes the edits out again sees every octet that no edit names."""

import base64

import pytest

from tests.corpus.undo import HEADER_ALONE, NO_LINK, OWN_PART, TEXT, NotUndoneError, undo

DIGEST = b"NE3CJ2Q7TZFJUICVDIKQVEO4FECKTGAI"  # of 1@x.test
URL = b"https://l.test/" + DIGEST
TAGS = b"X-Searched: yes\r\nX-Mailer: removed\r\n"
LINKS = b"Archived-At: <%b>\r\nMessage-ID-Hash: %b\r\n" % (URL, DIGEST)
BEFORE = b"From: a@x.test\r\nX-Mailer: old\r\n folded\r\nSubject: s\r\nMessage-ID: <1@x.test>\r\n\r\nHello\r\nworld\r\n"
HEADER = b"From: a@x.test\r\nSubject: [SEARCHED] s\r\nMessage-ID: <1@x.test>\r\n" + TAGS
AFTER = HEADER + LINKS + b"\r\nHello\r\nworld\r\n\r\nArchived: " + URL + b"\r\n"
PART = (
    b"--b\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Disposition: inline\r\n\r\nArchived: "
    + URL
    + b"\r\n"
)
MIXED = b"From: a@x.test\r\nSubject: s\r\nMessage-ID: <1@x.test>\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"


def encoded(text):
    """Give a message with a text in base64."""
    return b"Message-ID: <1@x.test>\r\n\r\n" + base64.encodebytes(text).replace(b"\n", b"\r\n")


def edited(text):
    """Give the same message as it leaves, but for the foot."""
    header, _, body = encoded(text).partition(b"\r\n\r\n")
    return header + b"\r\n" + TAGS + b"Subject: [SEARCHED]\r\n" + LINKS + b"\r\n" + body


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (BEFORE, AFTER, TEXT),
        (BEFORE, HEADER + LINKS + b"\r\nHello\r\nworld\r\n", HEADER_ALONE),
        (BEFORE, HEADER + b"\r\nHello\r\nworld\r\n", NO_LINK),
        (MIXED, HEADER + LINKS + b"\r\n--b\r\n\r\nx\r\n" + PART + b"--b--\r\n", OWN_PART),
        (encoded(b"Hello\r\n"), edited(b"Hello\r\n\r\nArchived: " + URL + b"\r\n"), TEXT),
        (encoded(b"Hello!"), edited(b"Hello!\r\n\r\nArchived: " + URL), TEXT),
    ],
    ids=["text", "header", "tags", "part", "base64", "base64 of whole groups"],
)
def test_undo_tells_where_the_link_is(before, after, kind):
    """And finds nothing else changed."""
    assert undo(before, after) == kind


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"hello"),
        (b"Hello\r\n", b""),
        (b"Hello\r\n", b"Hello \r\n"),
        (b"\r\nworld", b"\r\n\r\nworld"),
        (b"From: a@x.test\r\n", b""),
        (b"From: a@x.test", b"From:  a@x.test"),
        (b"[SEARCHED] s", b"s"),
        (b"[SEARCHED] s", b"[SEARCHED]  s"),
        (b"X-Searched: yes\r\n", b""),
        (b"X-Mailer: removed\r\n", b"X-Mailer: removed\r\nX-Other: x\r\n"),
        (TAGS, b"X-Mailer: removed\r\nX-Searched: yes\r\n"),
        (b"From: a@x.test\r\n", b"From: a@x.test\r\nX-Mailer: old\r\n folded\r\n"),
        (LINKS, b""),
        (b"Message-ID-Hash: ", b"Message-ID-hash: "),
        (b"\r\nArchived: https", b"\r\nArchived: http"),
        (b"\r\nArchived: https", b"\r\n\r\n\r\nArchived: https"),
        (b"Archived: https", b"Archived: https://x.test/ https"),
    ],
)
def test_undo_sees_what_no_edit_names(old, new):
    """One octet is enough, and so is an edit that was not made."""
    assert AFTER.count(old) >= 1
    with pytest.raises(NotUndoneError):
        undo(BEFORE, AFTER.replace(old, new, 1))


@pytest.mark.parametrize(
    "after",
    [
        edited(b"Hell\r\n\r\nArchived: " + URL + b"\r\n"),
        edited(b"HellO\r\n\r\nArchived: " + URL + b"\r\n"),
        edited(b"Hello\r\n\r\nArchived: http://x.test\r\n"),
        edited(b"Hello\r\nArchived: " + URL + b"\r\n\r\n") + b"AAAA\r\n",
    ],
)
def test_undo_sees_what_base64_hides(after):
    """A group written anew must say what it said before."""
    with pytest.raises(NotUndoneError):
        undo(encoded(b"Hello\r\n"), after)


def test_undo_of_a_part_with_another_link_is_refused():
    """Whatever looks like one."""
    with pytest.raises(NotUndoneError):
        undo(MIXED, HEADER + LINKS + b"\r\n--b\r\n\r\nx\r\n" + PART.replace(DIGEST, b"A" * 32) + b"--b--\r\n")
