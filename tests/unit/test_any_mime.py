"""MIME structure of any content: places nest, and time is bounded; gateway/message/mime.py."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.message.mime import ANOMALIES, read_mime

LINES = [
    *(b"--b\r\n", b"--b--\r\n", b"--b \r\n", b"--c\r\n", b"--c--\r\n", b"--b--x\r\n", b"--b: c\r\n", b"--b: c--\r\n"),
    *(b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/digest; boundary=c\r\n"),
    *(b'Content-Type: multipart/mixed; boundary="b--"\r\n', b'Content-Type: multipart/x; boundary="b: c"\r\n'),
    *(b"Content-Type: message/rfc822\r\n", b"Content-Type: text/plain\r\n", b"X: y\r\n", b" folded\r\n"),
    *(b"\r\n", b"\r\n", b"text\r\n", b"--", b"-", b"x", b"\r\n--b", b"Content-Transfer-Encoding: base64\r\n"),
]
contents = st.lists(st.sampled_from(LINES) | st.binary(max_size=4), max_size=40).map(b"".join)


def check_nesting(content):
    """See that places nest: parents and children, siblings in order, header before body."""
    found = read_mime(content)
    parts = found.parts
    assert (parts[0].start, parts[0].stop, parts[0].parent, parts[0].depth) == (0, len(content), None, 0)
    for index, part in enumerate(parts):
        assert part.start <= part.header.stop <= part.body <= part.stop <= len(content)
        assert part.start == (part.header.fields[0].start if part.header.fields else part.start)
        place = part.body
        for child in part.children:
            assert parts[child].parent == index
            assert parts[child].depth == part.depth + 1
            assert place <= parts[child].start
            place = parts[child].stop
        assert place <= part.stop
        if part.parent is not None:
            assert index in parts[part.parent].children
            assert parts[part.parent].is_multipart or parts[part.parent].is_message
        if part.closed:
            assert part.body <= part.closing <= part.stop
            assert content[part.closing :].startswith(tuple(b"--%b--" % boundary for boundary in part.boundaries))
    assert [part.start for part in parts] == sorted(part.start for part in parts)
    assert {anomaly.kind for anomaly in found.anomalies} <= set(ANOMALIES)
    assert all(0 <= anomaly.place <= len(content) for anomaly in found.anomalies)


@settings(max_examples=500)
@given(contents)
@example(
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\n--b--"
)
def test_read_mime_places_nest_whatever_the_octets(content):
    """No edit at a part's end can land in another's midst."""
    check_nesting(content)


HEAD = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
COLON = b'Content-Type: multipart/mixed; boundary="b:"\r\n\r\n'
HOSTILE = {
    "parts": lambda n: HEAD + b"--b\r\n\r\nx\r\n" * n,
    "delimiters": lambda n: HEAD + b"--b\r\n" * n,
    "lines": lambda n: HEAD + b"--c\r\n" * n,
    "blanks": lambda n: HEAD + b"--c" + b" " * n + b"x\r\n",
    "levels": lambda n: HEAD + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * n,
    "messages": lambda n: b"Content-Type: message/rfc822\r\n\r\n" * n,
    "fields": lambda n: b"A: b\r\n" * n + HEAD,
    "field": lambda n: b"A: " + b"b" * n + b"\r\n" + HEAD,
    "folds": lambda n: b"A: " + b"b\r\n " * n + b"\r\n" + HEAD,
    "name": lambda n: b"A" * n,
    "fields of parts": lambda n: HEAD + (b"--b\r\n" + b"A:\r\n" * 100 + b"\r\n") * (n // 100),
    "delimiters that look like fields": lambda n: COLON + b"--b:\r\n" * 1000 + b"A:\r\n" * n,
    "values": lambda n: HEAD + (b"--b\r\nContent-Type: a/b" + b";n=" * 50 + b"\r\n\r\n") * (n // 100),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_read_mime_time_grows_with_the_content_alone(hostile):
    """Eight times as much takes eight times as long, not sixty-four; processor time, for machines are shared."""
    read_mime(hostile(1000))

    def seconds(n):
        content = hostile(n)
        began = time.process_time()
        read_mime(content)
        return time.process_time() - began

    small, large = min(seconds(12_500) for _ in range(3)), min(seconds(100_000) for _ in range(3))
    assert large < 24 * small + 0.02
