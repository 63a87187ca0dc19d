"""Each kind of MIME structure, and where the footer goes in it: for the tests here, and for one on the real road."""

from .made import URL

LINE = b"Archived: " + URL.encode()
PARAGRAPH = b'<p>Archived: <a href="' + URL.encode() + b'">' + URL.encode() + b"</a></p>"
NEW_PART = b"Content-Type: text/plain; charset=us-ascii\r\nContent-Disposition: inline\r\n\r\n" + LINE + b"\r\n"


def part(*fields, body):
    """Make a part or a message."""
    return b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def multipart(subtype, *parts, boundary=b"=_b", extra=b"", after=b""):
    """Make a message or a part of parts."""
    field = b"Content-Type: multipart/" + subtype + b'; boundary="' + boundary + b'"' + extra
    inner = b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in parts)
    return part(field, body=b"preamble\r\n" + inner + b"--" + boundary + b"--\r\n" + after)


def plain(body, *fields, charset=b"utf-8", extra=b""):
    """Make a part of plain text."""
    return part(b"Content-Type: text/plain; charset=" + charset + extra, *fields, body=body)


def html(body, *fields):
    """Make a part of HTML."""
    return part(b"Content-Type: text/html; charset=utf-8", *fields, body=body)


QP = b"Content-Transfer-Encoding: quoted-printable"
B64 = b"Content-Transfer-Encoding: base64"
ATTACHED = b"Content-Disposition: attachment; filename=a.txt"
PDF = part(b"Content-Type: application/pdf", B64, body=b"JVBERi0=")
AT = b"@@"  # where the footer goes: what stands here is replaced

# name: (the message with @@ in each place, what is put there, in order)
STRUCTURES = {
    "plain without MIME": (b"Subject: x\r\n\r\nHello\r\n@@", [b"\r\n" + LINE + b"\r\n"]),
    "plain whose last line is not ended": (b"Subject: x\r\n\r\nHello@@", [b"\r\n\r\n" + LINE]),
    "plain, 8bit, Latin-1": (plain(b"caf\xe9\r\n@@", charset=b"iso-8859-1"), [b"\r\n" + LINE + b"\r\n"]),
    "plain, 8bit, Shift_JIS": (plain(b"\x83\x41\r\n@@", charset=b"Shift_JIS"), [b"\r\n" + LINE + b"\r\n"]),
    "plain, 7bit, ISO-2022-JP that breaks off": (
        plain(b'\x1b$B%"\r\n@@', charset=b"iso-2022-jp"),
        [b"\x1b(B\r\n" + LINE + b"\r\n"],
    ),
    "plain, quoted-printable": (plain(b"caf=C3=A9\r\n@@", QP), [b"\r\n" + LINE + b"\r\n"]),
    "plain, quoted-printable, soft end": (plain(b"caf=C3=A9=\r\n@@", QP), [b"\r\n\r\n" + LINE]),
    "plain, flowed": (
        plain(b"flows \r\non\r\n@@", extra=b"; format=flowed; delsp=yes"),
        [b"\r\n" + LINE + b"\r\n"],
    ),
    "html": (html(b"<html><body>Hello@@</body></html>\r\n"), [b"\r\n" + PARAGRAPH + b"\r\n"]),
    "html in capitals": (html(b"<BODY>Hello@@</BODY >\r\n"), [b"\r\n" + PARAGRAPH + b"\r\n"]),
    "html without a body": (html(b"<html>Hello@@</html>\r\n"), [b"\r\n" + PARAGRAPH + b"\r\n"]),
    "html without any end": (html(b"<p>Hello\r\n@@"), [b"\r\n" + PARAGRAPH + b"\r\n"]),
    "html, quoted-printable": (
        html(b"<body>Hello@@</bo=\r\ndy></html>\r\n", QP),
        [
            b"=\r\n\r\n"
            b'<p>Archived: <a href=3D"https://lists.example.test/a/X/">https://lists.exam=\r\nple.test/a/X/</a></p>'
            b"\r\n=\r\n"
        ],
    ),
    "html, quoted-printable, tag encoded": (
        html(b"<body>Hello@@=3C/body>\r\n", QP),
        [
            b"=\r\n\r\n"
            b'<p>Archived: <a href=3D"https://lists.example.test/a/X/">https://lists.exam=\r\nple.test/a/X/</a></p>'
            b"\r\n=\r\n"
        ],
    ),
    "alternative": (
        multipart(b"alternative", plain(b"Hello@@"), html(b"<body>Hello@@</body>")),
        [b"\r\n\r\n" + LINE, b"\r\n" + PARAGRAPH + b"\r\n"],
    ),
    "alternative with related": (
        multipart(
            b"alternative",
            plain(b"Hello@@"),
            multipart(
                b"related", html(b"<body>Hello@@</body>"), part(b"Content-Type: image/png", body=b"x"), boundary=b"in"
            ),
        ),
        [b"\r\n\r\n" + LINE, b"\r\n" + PARAGRAPH + b"\r\n"],
    ),
    "alternative with a calendar": (
        multipart(b"alternative", plain(b"Hello@@"), part(b"Content-Type: text/calendar", body=b"BEGIN:VCALENDAR")),
        [b"\r\n\r\n" + LINE],
    ),
    "mixed with text first": (multipart(b"mixed", plain(b"Hello@@"), PDF), [b"\r\n\r\n" + LINE]),
    "mixed with alternative first": (
        multipart(
            b"mixed", multipart(b"alternative", plain(b"Hello@@"), html(b"<body>@@</body>"), boundary=b"in"), PDF
        ),
        [b"\r\n\r\n" + LINE, b"\r\n" + PARAGRAPH + b"\r\n"],
    ),
    "mixed without text": (
        multipart(b"mixed", PDF).replace(b"--=_b--", b"@@--=_b--"),
        [b"--=_b\r\n" + NEW_PART],
    ),
    "mixed with text attached": (
        multipart(b"mixed", plain(b"Hello", ATTACHED), after=b"epilogue\r\n").replace(b"--=_b--", b"@@--=_b--"),
        [b"--=_b\r\n" + NEW_PART],
    ),
    "mixed with signed first": (
        multipart(
            b"mixed",
            multipart(
                b"signed", plain(b"Hello"), part(b"Content-Type: application/pgp-signature", body=b"x"), boundary=b"s"
            ),
        ).replace(b"--=_b--", b"@@--=_b--"),
        [b"--=_b\r\n" + NEW_PART],
    ),
    "mixed with a message first": (
        multipart(b"mixed", part(b"Content-Type: message/rfc822", body=plain(b"Hello"))).replace(
            b"--=_b--", b"@@--=_b--"
        ),
        [b"--=_b\r\n" + NEW_PART],
    ),
    "mixed with an attachment's name that is not well-formed": (
        multipart(b"mixed", plain(b"Hello@@"), part(b"Content-Type: application/pdf; name=a b.pdf", body=b"x")),
        [b"\r\n\r\n" + LINE],
    ),
}


def with_footer(name):
    """Give a structure as it comes, and as it leaves."""
    marked, put = STRUCTURES[name]
    first, *rest = marked.split(AT)
    added = b"".join(octets + piece for octets, piece in zip(put, rest, strict=True))
    return first + b"".join(rest), first + added
