"""Edits leave all else as it is: the messages made to be odd, and kinds of MIME that a link fits into."""

import pytest

from tests.corpus import edits
from tests.corpus.messages import Message, wire_form
from tests.corpus.undo import HEADER_ALONE, NO_LINK, OWN_PART, TEXT

HEAD = b"From: a@x.test\nSubject: s\nX-Mailer: old\nMessage-ID: <1@x.test>\n"
ALTERNATIVE = (
    b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello\n"
    b"--b\nContent-Type: text/html\n\n<html><body>Hello</body></html>\n--b--\n"
)
KINDS = {
    "plain": (b"\nHello\n", TEXT),
    "no body": (b"\n", HEADER_ALONE),
    "html": (b"Content-Type: text/html\n\n<html><body>Hello</body></html>\n", TEXT),
    "html without an end": (b"Content-Type: text/html\n\nHello\n", TEXT),
    "quoted-printable": (b"Content-Transfer-Encoding: quoted-printable\n\nHell=6F=20\n", TEXT),
    "quoted-printable html": (
        b"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>x=\ny</p></bo=64y>\n",
        TEXT,
    ),
    "base64 of 0 over": (b"Content-Transfer-Encoding: base64\n\nSGVsbG8h\n", TEXT),
    "base64 of 1 over": (b"Content-Transfer-Encoding: base64\n\nSGVsbA==\n", TEXT),
    "base64 of 2 over": (b"Content-Transfer-Encoding: base64\n\nSGVsbG8=\n", TEXT),
    "base64 html": (b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGI+eHg8L2I+PC9ib2R5Pg==\n", TEXT),
    "alternative": (ALTERNATIVE, TEXT),
    "mixed, of an image": (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nx\n--b--\n",
        OWN_PART,
    ),
    "signed": (
        b"Content-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: a/b\n\nx\n--b--\n",
        HEADER_ALONE,
    ),
    "signed by others": (b"DKIM-Signature: v=1; h=from\n\nHello\n", HEADER_ALONE),
    "another Message-ID": (b"Message-ID: <2@x.test>\n\nHello\n", NO_LINK),
}


@pytest.mark.parametrize(("content", "kind"), KINDS.values(), ids=KINDS)
def test_edits_of_each_kind_of_mime_are_found_and_all_else_as_it_came(content, kind):
    """The link is where it belongs."""
    edited = edits.run([Message("kinds/x", wire_form(HEAD + content))])
    assert (edited.problems, dict(edited.counts["kinds"])) == ([], {kind: 1})


def test_edits_of_odd_messages_leave_all_else_as_it_came():
    """None of them has a good Message-ID, so there is no link."""
    told: list[int] = []
    messages = edits.taken()
    edited = edits.run(messages, told.append)
    assert edited.problems == []
    assert dict(edited.counts["made"]) == {NO_LINK: len(messages)}
    assert told == list(range(1, len(messages) + 1))
