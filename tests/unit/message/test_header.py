"""Header sections as places in the content."""

import mmap
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.header import MAX_FIELDS, MAX_MIME_FIELDS, Field, Header, every, read_header

lines = st.sampled_from(
    [
        b"A: b\r\n",
        b"B:\r\n",
        b" c\r\n",
        b"\td\r\n",
        b"\r\n",
        b"no field\r\n",
        b"C : e",
        b":\r\n",
        b"--x: y\r\n",
        b"\xff: z\r\n",
    ]
)
contents = st.lists(lines | st.binary(max_size=5), max_size=12).map(b"".join)


def test_read_header_fields_have_name_place_and_octets():
    """As they stand there, folding and all."""
    content = b"Subject: one\r\n two\r\nX-Empty:\r\nto : b@y.test\r\n\r\nbody\r\n"
    assert read_header(content) == Header(
        (
            Field(b"Subject", 0, 20, b"Subject: one\r\n two\r\n"),
            Field(b"X-Empty", 20, 30, b"X-Empty:\r\n"),
            Field(b"to", 30, 45, b"to : b@y.test\r\n"),
        ),
        stop=45,
        body=47,
        rest=45,
    )


@pytest.mark.parametrize(
    ("content", "fields", "stop", "body"),
    [
        (b"", 0, 0, 0),
        (b"\r\n", 0, 0, 2),
        (b"\r\nA: b\r\n", 0, 0, 2),
        (b"A: b\r\n", 1, 6, 6),
        (b"A: b", 1, 4, 4),
        (b"A: b\r\nno field\r\n\r\n", 1, 6, 6),
        (b" folded: above nothing\r\n\r\n", 0, 0, 0),
        (b"A: b\r\n \r\n\tc\r\n\r\nx", 1, 13, 15),
        (b": no name\r\n\r\n", 0, 0, 0),
        ("Ä: b\r\n\r\n".encode(), 0, 0, 0),
        (b"From a@x.test Thu\r\nA: b\r\n\r\n", 0, 0, 0),
    ],
)
def test_read_header_ends_at_the_first_line_that_is_no_field(content, fields, stop, body):
    """And the body begins behind a blank line, if there is one."""
    header = read_header(content)
    assert (len(header.fields), header.stop, header.body, header.complete) == (fields, stop, body, True)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"A: b\r\n", b"b"),
        (b"A:b\r\n", b"b"),
        (b"A : b \t\r\n", b"b"),
        (b"A:\r\n b\r\n\tc\r\n", b"b\tc"),
        (b"A: b: c\r\n", b"b: c"),
        (b"A:\r\n", b""),
        (b"A: \xff\0\r\n", b"\xff\0"),
    ],
)
def test_value_is_unfolded_and_not_decoded(raw, value):
    """RFC 5322 section 2.2.3."""
    assert Field(b"A", 0, len(raw), raw).value == value


def test_all_and_first_compare_names_in_any_case():
    """In their order."""
    header = read_header(b"a: 1\r\nB: 2\r\nA: 3\r\n\r\n")
    assert [field.value for field in header.all(b"A")] == [b"1", b"3"]
    assert header.first(b"b").value == b"2"
    assert header.first(b"c") is None


def test_read_header_of_a_part_stays_within_it():
    """From its start to its stop."""
    content = b"A: 1\r\n\r\n--b\r\nB: 2\r\n\r\n--b\r\n"
    header = read_header(content, 13, 19)
    assert [(field.name, field.start, field.stop) for field in header.fields] == [(b"B", 13, 19)]
    assert (header.stop, header.body) == (19, 19)


def test_read_header_of_a_file_is_the_same():
    """A large message is a map of one."""
    content = b"A: b\r\n c\r\n\r\nbody"
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert read_header(mapped) == read_header(content)


def test_read_header_delimiter_with_a_colon_ends_the_section():
    """What looks like a field is asked about."""
    asked = []

    def ends(field):
        asked.append(field)
        return field == b"--b: c\r\n"

    header = read_header(b"A: 1\r\n--a: x\r\n--b: c\r\nB: 2\r\n", ends_at=ends)
    assert [field.name for field in header.fields] == [b"A", b"--a"]
    assert header.stop == header.body == 14
    assert asked == [b"--a: x\r\n", b"--b: c\r\n"]


def test_read_header_padding_hides_no_part():
    """Beyond the limit fields of MIME are read still, and the body begins where it does."""
    content = b"X: y\r\n" * (MAX_FIELDS + 5) + b"content-Type: a/b;\r\n c=d\r\nContent-Typ: z\r\n\r\nbody"
    header = read_header(content)
    assert len(header.fields) == MAX_FIELDS + 1
    assert header.fields[-1].name == b"content-Type"
    assert content[header.fields[-1].start : header.fields[-1].stop] == b"content-Type: a/b;\r\n c=d\r\n"
    assert content[header.body :] == b"body"
    assert not header.complete


def test_every_field_of_a_name_is_given_however_many_fields_there_are():
    """Adjacent ones, folded ones, those of MIME that were read once already; none of the body."""
    named = [b"to: a\r\n", b"To: b\r\n c\r\n", b"TO : d\r\n", b"to: e\r\n"]
    content = named[0] + b"Tom: y\r\n" * 5 + b"".join(named[1:]) + b"\r\nto: f\r\n"
    for limit in range(1, 11):
        header = read_header(content, max_fields=limit)
        found = list(every(content, header, b"To"))
        assert [field.raw for field in found] == named
        assert all(content[field.start : field.stop] == field.raw for field in found)
        assert [field.name for field in found] == [b"to", b"To", b"TO", b"to"]
    content = b"X: y\r\n" * 5 + b"Content-Type: a/b\r\n\r\n"
    assert len(list(every(content, read_header(content, max_fields=3), b"content-type"))) == 1


def test_read_header_limit_is_said_when_it_is_reached():
    """The body begins where it does all the same."""
    assert read_header(b"X: y\r\n" * 4 + b"\r\n", max_fields=5).complete
    for fields in (5, 6):
        header = read_header(b"X: y\r\n" * fields + b"\r\n", max_fields=5)
        assert (header.complete, len(header.fields), header.body) == (False, 5, fields * 6 + 2)


def test_read_header_of_too_many_fields_keeps_few_of_mime():
    """Bounded, whatever there is."""
    header = read_header(b"Content-Type: a/b\r\n" * 100, max_fields=5)
    assert len(header.fields) == 5 + MAX_MIME_FIELDS
    assert header.stop == header.body == 1900


@given(contents, st.integers(1, 12))
def test_read_header_covers_a_prefix_without_gap(content, max_fields):
    """Fields lie end to end from the start; each is what stands there; then comes the end or the blank line."""
    header = read_header(content, max_fields=max_fields)
    place = 0
    for field in header.fields[:max_fields]:
        assert field.start == place
        assert content[field.start : field.stop] == field.raw
        assert field.raw.startswith(field.name)
        place = field.stop
    assert header.stop == place if header.complete else header.stop >= place
    assert header.body - header.stop == (2 if content[header.stop :].startswith(b"\r\n") else 0)


@given(contents, contents)
def test_read_header_in_the_midst_equals_alone(before, content):
    """A part's header is read as a message's."""
    alone, within = read_header(content), read_header(before + content, len(before))
    assert [(field.name, field.raw) for field in alone.fields] == [(field.name, field.raw) for field in within.fields]
    assert (within.stop - len(before), within.body - len(before)) == (alone.stop, alone.body)
