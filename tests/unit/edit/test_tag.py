"""tag: fields of ours and no others of their name, and a prefix of the Subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edit.tag import tag
from gateway.message.edit import apply
from gateway.message.header import MAX_FIELDS, read_header
from gateway.message.policy import Policy

from .made import mail

FIELDS = Policy("x", tag_fields=(("X-Spam", "yes"), ("X-Why", "pattern")))
PREFIX = Policy("x", subject_prefix="[SPAM]")


def tagged(content, policy):
    """Give the content with its tags."""
    return b"".join(apply(content, tag(mail(content), policy)))


def test_tag_adds_fields_behind_the_last_one():
    """In the order of the policy; the body stays."""
    content = b"From: a@x.test\r\nSubject: s\r\n\r\nX-Spam: no\r\n"
    assert (
        tagged(content, FIELDS)
        == b"From: a@x.test\r\nSubject: s\r\nX-Spam: yes\r\nX-Why: pattern\r\n\r\nX-Spam: no\r\n"
    )


def test_tag_removes_the_copies_that_came():
    """In any case, folded, several, also the last field: a filter behind us takes them for ours."""
    content = b"x-spam: no\r\nA: b\r\nX-SPAM : no\r\n really\r\n\r\nbody\r\n"
    assert tagged(content, FIELDS) == b"A: b\r\nX-Spam: yes\r\nX-Why: pattern\r\n\r\nbody\r\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: text", b"Subject: [SPAM] text"),
        (b"subject:text", b"subject: [SPAM] text"),
        (b"Subject : =?utf-8?q?x?=", b"Subject : [SPAM] =?utf-8?q?x?="),
        (b"Subject:\r\n folded\r\n text", b"Subject: [SPAM]\r\n folded\r\n text"),
        (b"Subject:\ttext", b"Subject: [SPAM]\ttext"),
        (b"Subject:", b"Subject: [SPAM]"),
        (b"Subject: a: b", b"Subject: [SPAM] a: b"),
    ],
)
def test_tag_prefix_goes_before_the_text(before, after):
    """Folding and encoded words stay as they came."""
    content = b"A: b\r\n%s\r\nC: d\r\n\r\nSubject: body\r\n"
    assert tagged(content % before, PREFIX) == content % after


def test_tag_every_subject_is_prefixed():
    """Programs differ in which of two they show."""
    content = b"Subject: one\r\nSubject: two\r\n\r\n"
    assert tagged(content, PREFIX) == b"Subject: [SPAM] one\r\nSubject: [SPAM] two\r\n\r\n"


def test_tag_reaches_behind_all_fields_that_are_read():
    """Copies that came are removed there too, and each Subject is prefixed."""
    junk = b"X: y\r\n" * MAX_FIELDS
    policy = Policy("x", tag_fields=(("X-Spam", "yes"),), subject_prefix="[SPAM]")
    content = junk + b"X-Spam: no\r\nx-spam: no\r\nSubject: s\r\n\r\nbody\r\n"
    assert tagged(content, policy) == junk + b"Subject: [SPAM] s\r\nX-Spam: yes\r\n\r\nbody\r\n"


def test_tag_without_subject_gets_one():
    """Behind the fields of the policy."""
    policy = Policy("x", tag_fields=(("X-Spam", "yes"),), subject_prefix="[SPAM]")
    assert tagged(b"A: b\r\n\r\nbody\r\n", policy) == b"A: b\r\nX-Spam: yes\r\nSubject: [SPAM]\r\n\r\nbody\r\n"


def test_tag_of_a_policy_without_any_changes_nothing():
    """The verdict may ask for what the policy does not have."""
    assert tag(mail(b"Subject: x\r\n\r\n"), Policy("x")) == []


@given(
    st.lists(st.sampled_from([b"A: b", b"X-Spam: no", b"x-spam:", b" c", b"Subject: s", b"X-Why: \xff"]), max_size=8)
)
def test_tag_twice_is_tag_once(lines):
    """Ours is a copy that came, to the next filter; the fields that nobody names stay in their order."""
    content = b"A: b\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\nbody\r\n"
    once = tagged(content, FIELDS)
    assert tagged(once, FIELDS) == once
    ours = (b"x-spam", b"x-why")
    kept = [field.raw for field in read_header(content).fields if field.name.lower() not in ours]
    assert [field.raw for field in read_header(once).fields] == [*kept, b"X-Spam: yes\r\n", b"X-Why: pattern\r\n"]
    assert once[read_header(once).body :] == b"body\r\n"
