"""MIME structure: places that nest, whatever the octets, and every ambiguity noted."""

import mmap
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import mime
from gateway.message.header import read_header
from gateway.message.mime import ANOMALIES, LIMITS, MAX_DEPTH, MAX_NOTED, MAX_PARTS, read_mime


def multipart(boundary, *parts, kind="mixed", close=True):
    """Write a multipart with its header."""
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\npreamble' % (kind.encode(), boundary)
    body = b"".join(b"\r\n--%s\r\n%s" % (boundary, part) for part in parts)
    return head + body + (b"\r\n--%s--\r\n" % boundary if close else b"\r\n")


def text(body, kind=b"text/plain"):
    """Write a leaf."""
    return b"Content-Type: %s\r\n\r\n%s" % (kind, body)


def bodies(content):
    """Give type and body of each leaf."""
    return [(part.type, content[part.body : part.stop]) for part in read_mime(content).leaves]


def kinds(content):
    """Give the kinds of all anomalies, in their order."""
    return [anomaly.kind for anomaly in read_mime(content).anomalies]


def test_read_mime_plain_message_is_one_part():
    """Its body is all behind the blank line."""
    content = b"Subject: x\r\n\r\nbody\r\n--b\r\n"
    (part,) = read_mime(content).parts
    assert (part.type, part.start, part.body, part.stop, part.depth, part.parent) == ("text/plain", 0, 14, 25, 0, None)
    assert kinds(content) == []


def test_read_mime_multipart_has_its_parts():
    """Without the line end before the delimiter; preamble and epilogue belong to no part."""
    content = multipart(b"b", text(b"one\r\n"), text(b"<p>", b"text/html")) + b"epilogue\r\n"
    found = read_mime(content)
    assert bodies(content) == [("text/plain", b"one\r\n"), ("text/html", b"<p>")]
    whole, one, two = found.parts
    assert (whole.children, one.parent, two.parent, one.depth) == ([1, 2], 0, 0, 1)
    assert (whole.boundary, whole.closed) == (b"b", True)
    assert content[whole.closing :].startswith(b"--b--\r\n")
    assert content[one.start :].startswith(b"Content-Type: text/plain")
    assert found.anomalies == []
    assert found.limit is None


def test_read_mime_levels_nest():
    """A multipart in a message in a multipart."""
    inner = b"Subject: inner\r\n" + multipart(b"c", text(b"1"), text(b"2"), kind="alternative")
    content = multipart(b"b", b"Content-Type: message/rfc822\r\n\r\n" + inner, text(b"3"))
    assert bodies(content) == [("text/plain", b"1"), ("text/plain", b"2"), ("text/plain", b"3")]
    found = read_mime(content)
    assert [part.type for part in found.parts] == [
        *("multipart/mixed", "message/rfc822", "multipart/alternative"),
        *("text/plain", "text/plain", "text/plain"),
    ]
    assert [part.depth for part in found.parts] == [0, 1, 2, 3, 3, 1]
    assert found.parts[2].header.first(b"subject").value == b"inner"
    assert found.anomalies == []


def test_read_mime_parts_of_a_digest_are_messages():
    """Each with a header of its own."""
    content = multipart(b"b", b"\r\nSubject: 1\r\n\r\none", b"\r\nSubject: 2\r\n\r\ntwo", kind="digest")
    assert bodies(content) == [("text/plain", b"one"), ("text/plain", b"two")]
    assert [part.type for part in read_mime(content).parts] == [
        "multipart/digest",
        *("message/rfc822", "text/plain") * 2,
    ]


@pytest.mark.parametrize(
    ("part", "body"),
    [
        (b"Content-Type: a/b\r\n\r\n", b""),
        (b"\r\n", b""),
        (b"Content-Type: a/b\r\n\r\n\r\n", b"\r\n"),
        (b"\r\nx\r\n", b"x\r\n"),
    ],
)
def test_read_mime_empty_parts_are_well_formed(part, body):
    """The blank line may be the delimiter's own line end: many programs write so."""
    content = multipart(b"b", part, text(b"x"))
    assert bodies(content)[0][1] == body
    assert kinds(content) == []


def test_read_mime_blanks_behind_a_delimiter_do_not_count():
    """RFC 2046 section 5.1.1: transport padding."""
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b \t\r\n\r\none\r\n--b-- \r\n"
    assert bodies(content) == [("text/plain", b"one")]
    assert kinds(content) == []


@pytest.mark.parametrize("line", [b" --b", b"-b", b"--", b"--B", b"--c", b"x--b", b"---b"])
def test_read_mime_other_lines_are_no_delimiters(line):
    """Case counts, and so does the beginning of the line."""
    content = multipart(b"b", text(b"one\r\n" + line + b"\r\ntwo"))
    assert bodies(content) == [("text/plain", b"one\r\n" + line + b"\r\ntwo")]
    assert kinds(content) == []


def test_read_mime_outer_delimiter_ends_what_is_open_within():
    """A part that is not closed ends where its parent goes on."""
    content = multipart(b"b", multipart(b"c", text(b"1"), close=False), text(b"2"))
    assert bodies(content) == [("text/plain", b"1\r\n"), ("text/plain", b"2")]
    assert kinds(content) == ["unclosed"]


def test_read_mime_boundary_that_is_a_prefix_of_another():
    """Each line is whose it is to the letter."""
    content = multipart(b"b", multipart(b"b1", text(b"1"), text(b"2")), text(b"3"))
    assert bodies(content) == [("text/plain", b"1"), ("text/plain", b"2"), ("text/plain", b"3")]
    assert kinds(content) == []


def test_read_mime_closing_delimiter_that_is_anothers_delimiter():
    """`--b--` closes b, or is a delimiter of b--: the innermost has it, and it is noted."""
    within = multipart(b"b--", multipart(b"b", text(b"1")), text(b"2"))
    assert bodies(within) == [("text/plain", b"1"), ("text/plain", b"2")]
    assert kinds(within) == ["boundary-reused"]
    around = multipart(b"b", multipart(b"b--", text(b"1"), text(b"2")))
    assert bodies(around) == [("text/plain", b"1"), ("text/plain", b"2")]
    assert kinds(around) == ["boundary-reused"] * 2


def test_read_mime_boundary_used_again_is_the_innermost():
    """And the outer one's once that is closed."""
    content = multipart(b"b", multipart(b"b", text(b"1")), text(b"2"))
    assert bodies(content) == [("text/plain", b"1"), ("text/plain", b"2")]
    assert [part.parent for part in read_mime(content).parts] == [None, 0, 1, 0]
    assert kinds(content) == ["boundary-reused"]


def test_read_mime_boundary_with_a_colon_is_no_field():
    """A delimiter that looks like a header field ends the header of an empty part, and is none in the message's own."""
    head = b'Content-Type: multipart/mixed; boundary="b: c"\r\n--b: c\r\n\r\n'
    content = head + b"--b: c\r\nX: y\r\n--b: c\r\n\r\none\r\n--b: c--\r\n"
    whole, empty, one = read_mime(content).parts
    assert len(whole.header.fields) == 2
    assert [field.raw for field in empty.header.fields] == [b"X: y\r\n"]
    assert content[empty.body : empty.stop] == b""
    assert content[one.body : one.stop] == b"one"
    assert kinds(content) == ["no-blank-line"]


@pytest.mark.parametrize("boundary", [b"=?utf-8?q?b?=", b"=?us-ascii?b?Yg==?=", b"b" * 300, b"b\xc3\xbc", b"(b)/=:?,"])
def test_read_mime_parts_behind_an_odd_boundary_are_seen(boundary):
    """What other programs see is seen here, whatever may be said against it."""
    content = multipart(boundary, text(b"MZ", b"application/x-msdownload"))
    assert bodies(content) == [("application/x-msdownload", b"MZ")]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (multipart(b"b", text(b"1"), close=False), "unclosed"),
        (multipart(b"b", text(b"1")) + b"--b\r\n\r\n2\r\n", "after-close"),
        (multipart(b"b", text(b"1")) + b"--b--\r\n", "after-close"),
        (multipart(b"b", text(b"1\r\n--bx")), "almost-delimiter"),
        (multipart(b"b", text(b"1\r\n--b--x")), "almost-delimiter"),
        (multipart(b"b", b"X: y"), "no-blank-line"),
        (multipart(b"b", b"no field\r\n\r\n1"), "no-blank-line"),
        (multipart(b"b", b"X: y\r\nno field\r\n\r\n1"), "no-blank-line"),
        (b"no field\r\n", "no-blank-line"),
        (multipart(b"b", b"Content-Type: message/rfc822\r\n\r\nno field"), "no-blank-line"),
        (b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n", "no-boundary"),
        (multipart(b"b", text(b"1", b"text")), "bad-type"),
        (b"X: y\r\n" * 10_000 + b"\r\n", "too-many-fields"),
    ],
)
def test_read_mime_ambiguity_is_noted(content, kind):
    """Once, and nothing else with it."""
    assert kinds(content) == [kind]


def test_read_mime_message_without_body_is_well_formed():
    """RFC 5322 section 3.5: the body is optional."""
    assert kinds(b"Subject: x\r\n") == kinds(b"Subject: x\r\n\r\n") == kinds(b"") == []


def test_read_mime_one_kind_does_not_crowd_out_another():
    """Whoever ignores one must hear of the others."""
    content = multipart(b"b", text(b"1\r\n" + b"--bx\r\n" * 5000)) + b"--b\r\n"
    assert kinds(content) == ["almost-delimiter"] * MAX_NOTED + ["after-close"]


def test_read_mime_levels_have_a_limit():
    """Multiparts, messages, and either in turn."""
    for level in (b"Content-Type: message/rfc822\r\n\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"):
        found = read_mime(level * 10_000)
        assert max(part.depth for part in found.parts) == MAX_DEPTH
        assert "too-deep" in {anomaly.kind for anomaly in found.anomalies}
        assert found.limit is not None


def test_read_mime_parts_have_a_limit():
    """What is behind it is not read, and that is said."""
    exactly = read_mime(multipart(b"b", *[text(b"x")] * (MAX_PARTS - 1)))
    assert (len(exactly.parts), exactly.anomalies) == (MAX_PARTS, [])
    more = read_mime(multipart(b"b", *[text(b"x")] * MAX_PARTS))
    assert (len(more.parts), more.limit is None) == (MAX_PARTS, False)
    assert [anomaly.kind for anomaly in more.anomalies] == ["too-many-parts"]
    assert (exactly.limit, more.limit) == (None, more.anomalies[0])


def test_read_mime_lines_have_a_limit(monkeypatch):
    """Of those that could be delimiters."""
    monkeypatch.setattr(mime, "MAX_LINES", 10)
    assert read_mime(multipart(b"b", text(b"x\r\n" + b"--c\r\n" * 8))).limit is None
    found = read_mime(multipart(b"b", text(b"x\r\n" + b"--c\r\n" * 9)))
    assert [anomaly.kind for anomaly in found.anomalies] == ["too-many-lines"]


def test_read_mime_fields_and_values_of_all_parts_have_a_limit(monkeypatch):
    """Each part still has as many as any real one."""
    monkeypatch.setattr(mime, "MAX_ALL_FIELDS", 100)
    monkeypatch.setattr(mime, "MAX_VALUES", 5000)
    part = b"X: y\r\n" * 60 + b"Content-Type: a/b; x=" + b"y" * 2500 + b"\r\n\r\n"
    whole, *parts = read_mime(multipart(b"b", part, part, part)).parts
    assert [len(part.header.fields) for part in (whole, *parts)] == [1, 61, 39, 21]
    assert [len(part.parameters.get("x", "")) for part in parts] == [2500, 2425, 249]


def test_read_mime_every_kind_is_in_the_list():
    """The check structure reports them by name."""
    assert set(ANOMALIES) >= LIMITS
    assert all(text and kind.replace("-", "").isalpha() for kind, text in ANOMALIES.items())


def test_read_mime_takes_a_header_that_is_there():
    """It is read once for all checks."""
    content = multipart(b"b", text(b"1"))
    header = read_header(content)
    found = read_mime(content, header)
    assert found.parts[0].header is header
    assert found == read_mime(content)


def test_read_mime_of_a_file_is_the_same():
    """A large message is a map of one, which can be closed afterwards."""
    content = multipart(b"b", multipart(b"c", text(b"1"), text(b"2")), text(b"3"), close=False)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert read_mime(mapped) == read_mime(content)


@given(
    st.recursive(
        st.binary(max_size=20).map(lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"").replace(b"-", b"")),
        lambda inner: st.lists(inner, min_size=1, max_size=3),
        max_leaves=12,
    )
)
def test_read_mime_reads_back_what_was_written(tree):
    """Any well-formed tree of multiparts: the leaves' bodies, in order, and no anomaly."""
    leaves = []

    def write(node, name):
        if isinstance(node, bytes):
            leaves.append(node)
            return text(node, b"application/x")
        return multipart(b"b" + name, *(write(child, name + b".%d" % number) for number, child in enumerate(node)))

    content = write(tree, b"")
    assert [body for _, body in bodies(content)] == leaves
    assert kinds(content) == []
