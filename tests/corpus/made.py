"""
Messages made for their oddness, each with what must become of it.

Only the standard library: this runs in the tools image.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.corpus.messages import Message, wire_form

HEADER = b"From: a@made.test\r\nSubject: made\r\n"
BODY = b"\r\nbody\r\n"
MBOX = b"From a@made.test Mon Jan  1 00:00:00 2024\r\n"
MIME = HEADER + b"MIME-Version: 1.0\r\nContent-Type: "
FIELD_LIMIT = 1_048_576  # octets of a header field; header_size_limit of both gates
LONG = b"X-A: " + b"x" * (FIELD_LIMIT - 6)  # the longest that passes
DROPPED_BY_DEFAULT = b"Return-Path: <a@b>\r\nBcc: b@c\r\nResent-Bcc: c@d\r\nContent-Length: 5\r\n"
DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(150))


@dataclass(frozen=True)
class Made(Message):
    """A message and what must become of it."""

    arrives: bytes | None  # content at the sink, `Received:` not counted; None: it does not arrive
    refused: str = ""  # gate 1's reply, for what does not arrive


# They arrive as they are.
SAME = {
    "0 octets": b"",
    "one blank line": b"\r\n",
    "blank lines": b"\r\n\r\n\r\n",
    "header only": HEADER,
    "header and blank line": HEADER + b"\r\n",
    "body only": BODY,
    "last line without an end, in wire form": wire_form(HEADER + b"\r\nbody"),
    "line of 1 MB": HEADER + b"\r\n" + b"0123456789" * 100_000 + b"\r\nend\r\n",
    "lines of 998, 999, 2048, 2049 octets": HEADER
    + b"".join(b"\r\n" + b"x" * n for n in (0, 998, 999, 2048, 2049))
    + b"\r\n",
    "line with a dot at each 4096th octet": HEADER + b"\r\n" + (b"x" * 4095 + b".") * 40 + b"\r\n",
    "100,000 header lines": HEADER + b"X: 12345\r\n" * 100_000 + BODY,
    "header field of 1 MiB less 1": HEADER + LONG + b"\r\n" + BODY,
    "header field folded over 30,000 lines": HEADER + b"X-A:" + b" xxxxxxxxx\r\n" * 30_000 + BODY,
    "header fields folded oddly": HEADER + b"X-A: b\r\n c\r\n\td\r\n \r\n  \t\r\nX-B:\r\nX-C:e\r\nX-D: \t \r\n" + BODY,
    "8-bit header": HEADER + "X-A: ü €\r\nX-B: ".encode() + b"\xff\xfe\x80\r\n" + BODY,
    "control characters in the header": HEADER + b"X-A: \x01\x08\x0b\x0c\x1b\x1f\x7f\r\n" + BODY,
    "each octet but CR and LF": HEADER + b"\r\n" + bytes(n for n in range(256) if n not in b"\r\n") * 3 + b"\r\n",
    "NUL in the body": HEADER + b"\r\n\0\r\na\0b\0\r\n",
    "dots": HEADER + b"\r\n.\r\n..\r\n.a\r\n. \r\n\r\n.\r\n",
    "dot first": b".Subject: x\r\n" + BODY,
    "fields that Postfix drops by default": DROPPED_BY_DEFAULT + HEADER + BODY,
    "fields that Postfix adds by default": b"Subject: made\r\n" + BODY,
    "addresses without domains": b'From: anna\r\nTo: bob, c@d\r\nCc: "x y" <z>\r\n' + BODY,
    "nonsense in known fields": b'From: a@, <<>>\r\nTo: (((\r\nCc: "x\r\nDate: -\r\nMessage-Id: -\r\n' + BODY,
    "40 Received": b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 40 + HEADER + BODY,
    "forwarded message with an odd header": MIME
    + b"message/rfc822\r\n\r\nSubject : in\r\nBcc: x\r\nX-A: b\0c\r\nnot a header\r\n",
    "part with an odd header": MIME
    + b"multipart/mixed; boundary=b\r\n\r\n--b\r\nX-A : b\r\nnot a header\r\n--b\r\n"
    + LONG
    + b"xx\r\n\r\n--b--\r\n",
    "150 parts in each other": HEADER + b"MIME-Version: 1.0\r\n" + DEEP,
    "8-bit text that says 7bit": MIME + b"text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\xff\xfe\r\n",
}
# They arrive changed, as changes.py says and here once more.
CHANGED = {
    "first line From": (MBOX + HEADER + BODY, b"X-Mailbox-Line: " + MBOX + HEADER + BODY),
    "first line >From": (b">" + MBOX + HEADER + BODY, b"X-Mailbox-Line: >" + MBOX + HEADER + BODY),
    "first line blank": (b" x\r\n" + HEADER + BODY, b"\r\n x\r\n" + HEADER + BODY),
    "no header": (b"nothing like a header\r\n", b"\r\nnothing like a header\r\n"),
    "no blank line": (HEADER + b"no header\r\nX-A: b\r\n", HEADER + b"\r\nno header\r\nX-A: b\r\n"),
    "From line later": (HEADER + MBOX + BODY, HEADER + b"\r\n" + MBOX + BODY),
    "8-bit field name": (HEADER + b"X-\xe9: b\r\n" + BODY, HEADER + b"\r\nX-\xe9: b\r\n" + BODY),
    "field name of 3000 octets": (
        HEADER + b"X" * 3000 + b": b\r\n" + BODY,
        HEADER + b"\r\n" + b"X" * 3000 + b": b\r\n" + BODY,
    ),
    "blanks before colons": (b"Subject : x\r\nX-A\t :b\r\n" + BODY, b"Subject: x\r\nX-A:b\r\n" + BODY),
    "NUL in the header": (
        HEADER + b"X-A: b\0c\r\n d\r\nX-B: e\r\n" + BODY,
        HEADER + b"X-A: b\r\n d\r\nX-B: e\r\n" + BODY,
    ),
    "lone CR": (HEADER + b"X-A: b\rc\r\n\r\na\r\rb\r\n\r\r\n", HEADER + b"X-A: b c\r\n\r\na  b\r\n \r\n"),
    "lone LF": (HEADER + b"X-A: b\nX-B: c\n\na\n\nb\r\n", HEADER + b"X-A: b\r\nX-B: c\r\n\r\na\r\n\r\nb\r\n"),
}
# They are refused, so that nothing is cut.
REFUSED = {
    "header field of 1 MiB": (HEADER + LONG + b"x\r\n" + BODY, "550 5.3.4 Header field too long"),
    "header field of 1.5 MB in 140,000 lines": (
        HEADER + b"X-A:" + b" xxxxxxxxx\r\n" * 140_000 + BODY,
        "550 5.3.4 Header field too long",
    ),
}


def made() -> list[Made]:
    """Return them all."""
    return [
        *(Made(f"made/{name}", content, content) for name, content in SAME.items()),
        *(Made(f"made/{name}", content, arrives) for name, (content, arrives) in CHANGED.items()),
        *(Made(f"made/{name}", content, None, reply) for name, (content, reply) in REFUSED.items()),
    ]
