"""Octets put into encoded text: decoded, the text is the old one with them in it; encoded, the rest has not moved."""

import base64
import binascii
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edit.transfer import body_of, ends_line
from gateway.message.edit import apply


def after(body, splice):
    """Give the encoded body with the splice made; its part began at 100."""
    return b"".join(apply(b"\0" * 100 + body.encoded, [splice]))[100:]


def base64_lines(text, width, newline=b"\r\n"):
    """Encode in lines of *width* characters."""
    encoded = base64.b64encode(text)
    return newline.join(encoded[place : place + width] for place in range(0, len(encoded), width))


@given(st.binary(min_size=1, max_size=300), st.binary(min_size=1, max_size=200), st.integers(1, 100), st.booleans())
def test_append_base64_adds_to_the_text_and_rewrites_its_last_group_alone(text, more, width, ended):
    """Whatever the line length and the padding."""
    encoded = base64_lines(text, width) + b"\r\n" * ended
    body = body_of(100, encoded, "base64")
    result = after(body, body.append(more))
    assert base64.b64decode(result, validate=False) == text + more
    assert result.startswith(encoded[: len(base64_lines(text[: len(text) // 3 * 3], width))])
    assert result.endswith(b"\r\n") is ended
    assert all(len(line) <= max(width, 76) for line in result.split(b"\r\n"))


@given(st.binary(min_size=1, max_size=300), st.data(), st.integers(0, 60), st.integers(1, 100))
def test_put_base64_moves_nothing_behind_it(text, data, groups, width):
    """Octets that fill whole groups leave the characters behind them the same."""
    at = data.draw(st.integers(0, len(text)))
    more = b"x" * (3 * groups)
    body = body_of(100, base64_lines(text, width), "base64")
    result = after(body, body.put(at, 0, more))
    assert base64.b64decode(re.sub(rb"\s", b"", result), validate=True) == text[:at] + more + text[at:]
    behind = body.encoded.translate(None, b"\r\n")[(at + 2) // 3 * 4 :]
    assert result.translate(None, b"\r\n").endswith(behind)


@given(st.binary(max_size=300), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200))
def test_append_quoted_printable_adds_to_the_text(text, more):
    """A line that breaks off softly is ended first."""
    encoded = binascii.b2a_qp(text.replace(b"\r", b"").replace(b"\n", b"")).replace(b"\n", b"\r\n")
    body = body_of(100, encoded, "quoted-printable")
    result = after(body, body.append(b"\r\n" + more.encode() + b"\r\n"))
    assert result.startswith(encoded)
    assert binascii.a2b_qp(result) == binascii.a2b_qp(encoded) + b"\r\n" + more.encode() + b"\r\n"
    assert all(len(line) <= 76 for line in result[len(encoded) :].split(b"\r\n"))


@pytest.mark.parametrize(
    ("encoded", "result", "ended"),
    [
        (b"text", b"text\r\nx=3Dy", False),
        (b"text\r\n", b"text\r\n\r\nx=3Dy", True),
        (b"text=\r\n", b"text=\r\n\r\nx=3Dy", False),
        (b"text=", b"text=\r\n\r\nx=3Dy", False),
        (b"text= \r\n", b"text= \r\n\r\nx=3Dy", False),
        (b"", b"\r\nx=3Dy", True),
    ],
)
def test_append_quoted_printable_after_each_kind_of_end(encoded, result, ended):
    """Soft line breaks, with and without the line end that belongs to them."""
    body = body_of(100, encoded, "quoted-printable")
    assert ends_line(body, b"\n") is ended
    assert after(body, body.append(b"\r\nx=y")) == result


def test_put_quoted_printable_keeps_the_text_around():
    """Soft line breaks stand before and behind."""
    encoded = b"caf=C3=A9</body>"
    body = body_of(100, encoded, "quoted-printable")
    result = after(body, body.put(5, 9, b"\r\na=b\r\n"))
    assert result == b"caf=C3=A9=\r\n\r\na=3Db\r\n=\r\n</body>"
    assert binascii.a2b_qp(result) == "café".encode() + b"\r\na=b\r\n</body>"


@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "binary"])
def test_append_identity_is_what_it_says(encoding):
    """Nothing is encoded."""
    body = body_of(100, b"text\r\n", encoding)
    assert ends_line(body, b"\n")
    assert after(body, body.append(b"a=b\r\n")) == b"text\r\na=b\r\n"
    assert after(body, body.put(2, 2, b"--")) == b"te--xt\r\n"


@pytest.mark.parametrize(
    ("encoded", "encoding"),
    [
        (b"YQ==YQ==", "base64"),
        (b"YQ=", "base64"),
        (b"YWJ", "base64"),
        (b"YW*J", "base64"),
        (b"", "base64"),
        (b"\r\n", "base64"),
        (b"YWJj====", "base64"),
        (b"begin 644 x", "x-uuencode"),
        (b"text", "8 bit"),
    ],
)
def test_body_of_uncertain_encoding_is_none(encoded, encoding):
    """What decoders read differently is left alone."""
    assert body_of(100, encoded, encoding) is None
