"""What a part's header says of it, and what it says in two ways."""

import pytest

from gateway.message.header import read_header
from gateway.message.part import Part, describe


def described(*lines, in_digest=False, max_value=16_384):
    """Describe a header section; give the part and the kinds of its anomalies."""
    content = b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    part, anomalies = describe(read_header(content), 0, in_digest=in_digest, max_value=max_value)
    return part, [anomaly.kind for anomaly in anomalies]


def test_describe_without_fields_is_plain_text():
    """RFC 2045 section 5.2."""
    part, kinds = described()
    assert (part.type, part.encoding, part.disposition, part.filename, part.names) == ("text/plain", "", "", "", [])
    assert kinds == []


def test_describe_all_fields():
    """Type and encoding in lower case, names decoded."""
    part, kinds = described(
        b'Content-type: Application/PDF; name="=?utf-8?q?gr=C3=BCn.pdf?="; X-Y=Z',
        b"CONTENT-TRANSFER-ENCODING: Base64 ",
        b"Content-Disposition: ATTACHMENT; filename*=utf-8''gr%C3%BCn.pdf",
    )
    assert (part.type, part.encoding, part.disposition) == ("application/pdf", "base64", "attachment")
    assert part.parameters == {"name": "grün.pdf", "x-y": "Z"}
    assert (part.filename, part.names) == ("grün.pdf", ["grün.pdf"])
    assert kinds == []


def test_describe_every_name_is_kept():
    """Of the disposition first; some program saves it under the last."""
    part, kinds = described(
        b"Content-Type: a/b; name=one.txt",
        b"Content-Type: a/b; name=two.exe",
        b"Content-Disposition: inline; filename=three.txt; filename*=''four.scr",
    )
    assert part.names == ["three.txt", "four.scr", "one.txt", "two.exe"]
    assert part.filename == "three.txt"
    assert kinds == ["field-twice"]


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        ([b"Content-Type: text"], ["bad-type"]),
        ([b"Content-Type:"], ["bad-type"]),
        ([b"Content-Type: text/plain charset=x"], ["bad-parameter", "bad-type"]),
        ([b"Content-Type: text/plain (comment)"], ["bad-type"]),
        ([b"Content-Type: (x)multipart/mixed; boundary=b"], ["bad-type"]),
        ([b"Content-Type: multipart/mixed; boundary=b(x)"], ["bad-boundary"]),
        ([b'Content-Type: multipart/mixed; boundary="b""c"'], ["bad-parameter", "bad-boundary"]),
        ([b"Content-Type: text/plain; charset=utf-8 (the usual)"], ["bad-parameter"]),
        ([b"Content-Type: message/partial; id=a; number=1"], ["partial"]),
        ([b"Content-Transfer-Encoding: base64 (x)"], ["bad-encoding"]),
        ([b"Content-Type: a/b; x=1; x=2"], ["parameter-twice"]),
        ([b"Content-Type: a/b; junk"], ["bad-parameter"]),
        ([b"Content-Disposition: attachment; filename=a; filename=b"], ["parameter-twice"]),
        ([b"Content-Disposition: a", b"Content-Disposition: a"], ["field-twice"]),
        ([b"Content-Transfer-Encoding: base64", b"content-transfer-encoding: 7bit"], ["field-twice"]),
        ([b"Content-Transfer-Encoding: rot13"], ["bad-encoding"]),
        ([b"Content-Transfer-Encoding: base64 junk"], ["bad-encoding"]),
        ([b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: base64"], ["bad-encoding"]),
        ([b"Content-Type: multipart/mixed; boundary=b", b"Content-Transfer-Encoding: base64"], ["bad-encoding"]),
        ([b"Content-Type: multipart/mixed"], ["no-boundary"]),
        ([b'Content-Type: multipart/mixed; boundary=""'], ["no-boundary"]),
        ([b'Content-Type: multipart/mixed; boundary=" "'], ["no-boundary"]),
        ([b'Content-Type: multipart/mixed; boundary="b "'], ["bad-boundary"]),
        ([b"Content-Type: multipart/mixed; boundary=" + b"b" * 71], ["bad-boundary"]),
        ([b"Content-Type: multipart/mixed; boundary=b\xc3\xbc"], ["bad-boundary"]),
        ([b"Content-Type: multipart/mixed; boundary*=us-ascii''b"], ["bad-boundary"]),
        ([b"Content-Type: multipart/mixed; boundary=b; boundary*0=c"], ["bad-boundary"]),
        ([b"Content-Type: multipart/mixed; boundary=b; boundary=c"], ["parameter-twice", "bad-boundary"]),
        ([b"Content-Type: multipart/mixed; boundary=b; boundary=b"], ["parameter-twice"]),
        ([b"Content-Type: a/b; x=" + b"y" * 20_000], ["too-many-parameters"]),
    ],
)
def test_describe_what_has_two_readings_is_noted(lines, kinds):
    """Whoever reads it the other way sees another message."""
    assert described(*lines)[1] == kinds


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        (b"b", b"b"),
        (b'"b c"', b"b c"),
        (b"b" * 70, b"b" * 70),
        (b"b" * 71, b"b" * 71),
        (b'"b "', b"b"),
        (b'"=?utf-8?q?b?="', b"=?utf-8?q?b?="),
        (b'"=?utf-8?b?Yg==?="', b"=?utf-8?b?Yg==?="),
        (b"b\xc3\xbc", b"b\xc3\xbc"),
        (b"b; boundary*=us-ascii''c", b"b"),
        (b"(x)b", b"b"),
    ],
)
def test_describe_boundary_is_the_octets_that_delimiters_have(value, boundary):
    """Decoded as a file name is, an encoded word would be a boundary that nobody else sees."""
    part, _ = described(b"Content-Type: multipart/mixed; boundary=" + value)
    assert part.boundary == boundary


def test_describe_boundaries_are_all_that_programs_may_take_for_one():
    """Not without limit, for each line is compared with all of them."""
    given = b"Content-Type: multipart/mixed; boundary=b (x); boundary*=''c; boundary=d"
    assert described(given)[0].boundaries == (b"b", b"c", b"d")
    assert described(given[:-12])[0].boundaries == (b"b", b"c", b"b (x)")


def test_describe_comments_are_left_out_of_type_and_encoding():
    """Some programs read the standard."""
    part, _ = described(b"Content-Type: (x)image/(y)png", b"Content-Transfer-Encoding: (x) base64")
    assert (part.type, part.encoding) == ("image/png", "base64")


def test_describe_boundary_of_no_multipart_is_none():
    """A parameter like any other."""
    part, kinds = described(b"Content-Type: text/plain; boundary=b")
    assert (part.boundary, kinds) == (b"", [])


def test_describe_part_of_a_digest_is_a_message():
    """RFC 2046 section 5.1.5, unless it says otherwise."""
    assert described(in_digest=True)[0].is_message
    assert not described(b"Content-Type: text/plain", in_digest=True)[0].is_message


@pytest.mark.parametrize(
    ("kind", "encoding", "message"),
    [
        ("message/rfc822", "", True),
        ("message/global", "8bit", True),
        ("message/news", "", True),
        ("message/rfc822", "base64", False),
        ("message/partial", "", False),
    ],
)
def test_is_message_what_can_be_read_where_it_stands(kind, encoding, message):
    """Nothing is decoded to look for structure in it."""
    assert Part(read_header(b""), 0, type=kind, encoding=encoding).is_message is message


@pytest.mark.parametrize(
    ("kind", "encoding", "children", "sealed"),
    [
        ("message/rfc822", "base64", [], True),
        ("message/news", "nonesuch", [], True),
        ("message/rfc822", "7bit", [], False),
        ("message/partial", "", [], True),
        ("message/delivery-status", "base64", [], False),
        ("multipart/mixed", "base64", [], True),
        ("multipart/mixed", "base64", [1], False),
        ("text/plain", "base64", [], False),
    ],
)
def test_is_sealed_what_only_the_recipients_program_opens(kind, encoding, children, sealed):
    """Encoded where nothing may be encoded, or in pieces."""
    assert Part(read_header(b""), 0, type=kind, encoding=encoding, children=children).is_sealed is sealed


def test_describe_too_many_fields_are_noted():
    """By the part that has them."""
    header = read_header(b"A: b\r\n" * 3, max_fields=2)
    assert [(anomaly.kind, anomaly.place) for anomaly in describe(header, 7)[1]] == [("too-many-fields", 7)]


def test_describe_reads_values_so_far():
    """And says that there was more."""
    part, kinds = described(b"Content-Type: multipart/mixed; boundary=b", max_value=15)
    assert (part.type, kinds) == ("multipart/mixed", ["too-many-parameters", "no-boundary"])
