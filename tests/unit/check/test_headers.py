"""Patterns in header fields."""

import pytest

from gateway.check.headers import Headers, Options
from gateway.message.header import MAX_FIELDS
from gateway.message.verdict import Finding

from .mails import mail


def look(header, *patterns):
    """Look for patterns given as (name, pattern) or (name, pattern, field)."""
    given = [dict(zip(("name", "pattern", "field"), pattern, strict=False)) for pattern in patterns]
    return Headers("headers", Options(given)).look(mail(header + b"\r\nbody: viagra\r\n")).findings


def test_look_pattern_is_found_in_any_field():
    """With the field and what matched as the detail."""
    assert look(b"From: a\r\nX-A: buy VIAGRA now\r\n", ("pill", "viagra")) == [
        Finding("headers", "pill", "X-A: VIAGRA")
    ]


def test_look_body_is_no_header():
    """What looks like a field behind the blank line."""
    assert look(b"From: a\r\n", ("pill", "viagra")) == []


def test_look_named_field_only():
    """In whatever case it is written."""
    header = b"From: viagra\r\nsUBJECT: viagra\r\n"
    assert look(header, ("pill", "viagra", "Subject")) == [Finding("headers", "pill", "sUBJECT: viagra")]
    assert look(b"From: viagra\r\n", ("pill", "viagra", "Subject")) == []


@pytest.mark.parametrize(
    "subject",
    [
        b"=?utf-8?q?v=69agra?=",
        b"=?utf-8?b?dmlhZ3Jh?=",
        b"=?utf-8?q?vi?=\r\n =?iso-8859-1?q?agra?=",
        b"=?utf-8?q?" + b"=20" * 20_000 + b"viagra?=",
        b"=?cp037?q?viagra?=",
        b"=?u16?q?viagra?=",
    ],
)
def test_look_encoded_words_are_decoded(subject):
    """Split over words and lines as well, and longer than the standard allows."""
    assert look(b"Subject: " + subject + b"\r\n", ("pill", "viagra")) == [Finding("headers", "pill", "Subject: viagra")]


def test_look_raw_form_is_searched_too():
    """A pattern may be about the encoding itself."""
    found = look(b"Subject: =?koi8-r?b?8A==?=\r\n", ("russian", r"=\?koi8-r\?"))
    assert found == [Finding("headers", "russian", "Subject: =?koi8-r?")]


def test_look_folded_field_is_one_line():
    """A pattern need not know where a line ends."""
    assert look(b"Subject: wire\r\n transfer\r\n", ("wire", "wire transfer"))[0].reason == "wire"


def test_look_8_bit_field_is_read_as_utf_8_or_latin_1():
    """Neither is allowed, both are sent."""
    for octets in ("Grüße".encode(), "Grüße".encode("latin-1")):
        assert look(b"Subject: " + octets + b"\r\n", ("hello", "grüße")) == [
            Finding("headers", "hello", "Subject: Grüße")
        ]


@pytest.mark.parametrize("pattern", ["^spam", "spam$", "^spam$", r"\Aspam\z"])
def test_look_anchors_mean_the_body_of_a_field(pattern):
    """Without its name and the blanks around it."""
    assert look(b"X-A: x\r\nX-B:  spam \r\nX-C: y\r\n", ("all", pattern))[0].detail == "X-B: spam"


def test_look_each_pattern_once_in_their_order():
    """However many fields have it."""
    header = b"A: two one\r\nB: one two\r\n"
    found = look(header, ("first", "one"), ("second", "two", "B"), ("third", "three"))
    assert found == [Finding("headers", "first", "A: one"), Finding("headers", "second", "B: two")]


def test_look_more_fields_than_are_read_is_told():
    """What stands behind them nobody has searched."""
    header = b"X: y\r\n" * MAX_FIELDS + b"Subject: viagra\r\n"
    assert look(header, ("pill", "viagra")) == [Finding("headers", "incomplete", "10000 fields, and more")]
    assert look(header) == []
    assert look(header[6:], ("pill", "viagra")) == [
        Finding("headers", "pill", "Subject: viagra"),
        Finding("headers", "incomplete", "10000 fields, and more"),
    ]
    assert look(header[12:], ("pill", "viagra")) == [Finding("headers", "pill", "Subject: viagra")]


def test_headers_bad_pattern_is_refused_when_made():
    """Not at the first message."""
    with pytest.raises(ValueError, match="a pattern that RE2 knows: bad"):
        Headers("headers", Options([{"name": "bad", "pattern": "("}]))
