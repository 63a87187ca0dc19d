"""The footer in each kind of structure, compared byte by byte, and where there is none."""

import base64
import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edit.footer import MAX_TEXT, Present, Unfit, footer

from .made import LINES, URL, edited, mail
from .structures import ATTACHED, B64, LINE, PARAGRAPH, PDF, QP, STRUCTURES, html, multipart, part, plain, with_footer

BASE64 = {  # text: what stands for it afterwards, when it was base64 in lines of 8
    b"abcdef": b"YWJjZGVm\r\n" + base64.b64encode(b"\r\n\r\n" + LINE),
    b"abcdefg": b"YWJjZGVm\r\n" + base64.b64encode(b"g\r\n\r\n" + LINE),
    b"abcdefgh": b"YWJjZGVm\r\n" + base64.b64encode(b"gh\r\n\r\n" + LINE),
    b"abcd\r\n": b"YWJjZA0K\r\n" + base64.b64encode(b"\r\n" + LINE + b"\r\n"),
    b"abcde\n": b"YWJjZGUK\r\n" + base64.b64encode(b"\n" + LINE + b"\n"),
    b"abcd\n": b"YWJj\r\n" + base64.b64encode(b"d\n\n" + LINE + b"\n"),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_footer_stands_there_and_nowhere_else(name):
    """All other octets are those that came."""
    before, after = with_footer(name)
    message = mail(before)
    assert edited(message, footer(message, LINES)) == after


@pytest.mark.parametrize("text", BASE64)
def test_footer_in_base64_rewrites_the_last_group_alone(text):
    """With each padding, and in the line ends the text has."""
    encoded = base64.b64encode(text)
    lines = b"\r\n".join(encoded[place : place + 8] for place in range(0, len(encoded), 8))
    message = mail(multipart(b"mixed", plain(lines, B64), PDF))
    assert edited(message, footer(message, LINES)) == multipart(b"mixed", plain(BASE64[text], B64), PDF)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8", "iso-2022-jp", "euc-jp"])
@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("length", range(4))
def test_footer_in_base64_reads_right_in_any_charset(charset, kind, length):
    """Another parser, told the charset, reads the old text with the line in it."""
    before, behind = ("日本" + "x" * length, "</body></html>\n") if kind == "html" else ("日本" + "x" * length, "")
    encoded = base64.encodebytes((before + behind).encode(charset)).replace(b"\n", b"\r\n")
    fields = (f"Content-Type: text/{kind}; charset={charset}".encode(), B64)
    message = mail(part(*fields, body=encoded))
    found = email.message_from_bytes(edited(message, footer(message, LINES))).get_payload(decode=True).decode(charset)
    added = PARAGRAPH if kind == "html" else LINE
    assert found.startswith(before)
    assert found.endswith(behind)
    assert found[len(before) : len(found) - len(behind)].strip() == added.decode()


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (multipart(b"signed", plain(b"Hello"), part(b"Content-Type: application/pgp-signature", body=b"x")), "signed"),
        (multipart(b"encrypted", part(b"Content-Type: application/pgp-encrypted", body=b"Version: 1")), "encrypted"),
        (part(b"Content-Type: application/pkcs7-mime; smime-type=signed-data", B64, body=b"MIIB\r\n"), "pkcs7"),
        (part(b"Content-Type: message/rfc822", body=plain(b"Hello\r\n")), "message/rfc822"),
        (multipart(b"report", plain(b"Hello")), "report"),
        (multipart(b"alternative", part(b"Content-Type: text/calendar", body=b"x")), "alternative"),
        (plain(b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\nHello\r\n"), "PGP"),
        (plain(base64.b64encode(b"-----BEGIN PGP MESSAGE-----\r\n"), B64), "PGP"),
        (plain(b"Hello\r\n", charset=b"utf-7"), "charset"),
        (plain(b"H\0i\0\r\n", charset=b"utf-16le"), "charset"),
        (plain(b"Hello\r\n", b"Content-Transfer-Encoding: x-uuencode"), "transfer encoding"),
        (plain(b"Hello\r\n", b"Content-Transfer-Encoding: 8 bit"), "bad-encoding"),
        (plain(b"Hello\r\n", ATTACHED), "text/plain without"),
        (plain(b""), "empty"),
        (plain(b"x" * MAX_TEXT + b"\r\n"), "too long"),
        (multipart(b"mixed", plain(b"Hello"))[:-9], "unclosed"),
        (multipart(b"mixed", plain(b"Hello"), extra=b"; boundary=other"), "parameter-twice"),
        (multipart(b"related", html(b"Hello"), extra=b'; start="<other>"'), "related"),
    ],
)
def test_footer_unfit_says_why(content, cause):
    """Signed, encrypted, attached, or open to two readings."""
    with pytest.raises(Unfit, match=cause):
        footer(mail(content), LINES)


@pytest.mark.parametrize(
    "content",
    [with_footer(name)[0] for name in STRUCTURES]
    + [plain(base64.encodebytes(text).replace(b"\n", b"\r\n"), B64) for text in BASE64],
)
def test_footer_twice_is_once(content):
    """In text it is found again; a new part is marked in the header section (lists.py)."""
    message = mail(content)
    again = mail(edited(message, footer(message, LINES)))
    if b"Content-Disposition: inline" in again.content:
        return
    with pytest.raises(Present):
        footer(again, LINES)


def test_footer_never_makes_a_delimiter():
    """The boundary and the link both come of what a stranger wrote."""
    content = multipart(b"mixed", plain(b"Hello\r\n"), boundary=b"x https")
    with pytest.raises(Unfit, match="delimiter"):
        footer(mail(content), [("--x {url}", URL)])


def test_footer_in_flowed_text_is_no_quotation():
    """A line that begins as quoted ones do gets a blank before it (RFC 3676 section 4.4)."""
    message = mail(plain(b"Hello\r\n", extra=b"; format=flowed"))
    assert edited(message, footer(message, [("> {url}", URL)])).endswith(b"\r\n\r\n > " + URL.encode() + b"\r\n")


def test_footer_in_html_escapes():
    """What the operator or a Message-ID brings is text there."""
    message = mail(html(b"<body></body>"))
    result = edited(message, footer(message, [("<b> & {url}", "https://x.test/?a=1&b='")]))
    assert b'&lt;b&gt; &amp; <a href="https://x.test/?a=1&amp;b=&#x27;">https://x.test/?a=1&amp;b=&#x27;</a>' in result


@given(st.binary(max_size=400))
def test_footer_of_anything_is_only_added(body):
    """Whatever comes, all octets stay, in their order, or there is no footer."""
    content = plain(body.replace(b"\r", b"").replace(b"\n", b"\r\n"), QP)
    message = mail(content)
    try:
        splices = footer(message, LINES)
    except Unfit:
        return
    assert all(splice.start == splice.stop for splice in splices)
    result = edited(message, splices)
    read = email.message_from_bytes(result, policy=email.policy.compat32)
    assert LINE in read.get_payload(decode=True)
