"""
Messages of every shape that breaks software: name -> content, and where Postfix's cleanup alters it, what it becomes.

All have their first octets after a header field of ours.  Dots that begin a line are on the wire as here.
"""

from __future__ import annotations

LONGEST_FIELD = 1_048_576  # octets; gate 2's header_size_limit, beyond which gate 1 refuses


def body(text: bytes) -> bytes:
    """Return a message with a text."""
    return b"Subject: 1\r\n\r\n" + text


def nested(levels: int) -> bytes:
    """Return multiparts within multiparts, none of them closed."""
    part = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    return b"".join(part % (level, level) for level in range(levels)) + b"x"


SAME: dict[str, bytes] = {
    **{f"a line of {octets}": body(b"x" * octets) for octets in (998, 999, 1000, 2048, 65_536, 1_000_000)},
    "8-bit header": b"Subject: \xe4\xff\xfe \xc3\r\n\r\nx",
    "8-bit body, no UTF-8": body(bytes(range(0x80, 0x100)) + b"\xc3\x28\xed\xa0\x80"),
    "UTF-16": body("hällo".encode("utf-16")),
    "NUL in the body": body(b"a\0\0b\r\n\0"),
    "control characters": body(bytes(octet for octet in range(1, 32) if octet not in (10, 13)) + b"\x7f"),
    "100,000 header fields": b"".join(b"X-%d: y\r\n" % number for number in range(100_000)) + b"\r\nx",
    "a header field of 1 MB": b"X-Long: " + b"y" * 1_000_000 + b"\r\n\r\nx",
    "10,000 continuation lines": b"X-Long: a\r\n" + b" b\r\n" * 10_000 + b"\r\nx",
    "no blank line": b"Subject: 1",
    "no body, no more header": b"",
    "a body and no more header": b"\r\nbody only",
    "dots": body(b"..\r\n...\r\n..x\r\n...."),
    **{f"multipart {levels} deep": nested(levels) for levels in (100, 1000, 10_000)},
    "message/rfc822 10,000 deep": b"Content-Type: message/rfc822\r\n\r\n" * 10_000 + b"x",
    "100,000 parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--",
    "a boundary of 10 kB": b"Content-Type: multipart/mixed; boundary=" + b"b" * 10_000 + b"\r\n\r\n--" + b"b" * 10_000,
    "an empty boundary": b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nx',
    "two boundaries, one the other's prefix": (
        b"Content-Type: multipart/mixed; boundary=a; boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n--a--"
    ),
    "base64 around a multipart": (
        b"Content-Type: multipart/mixed; boundary=a\r\nContent-Transfer-Encoding: base64\r\n\r\n--a\r\n\r\n\xff"
    ),
    "forged header fields": (
        b"X-Spam-Flag: NO\r\nAuthentication-Results: mx.example.test; dkim=pass\r\nX-Policy: none\r\n"
        b"Received: from mx.example.test by filter\r\nReturn-Path: <a@b>\r\nBcc: v@third.example\r\n"
        b"Content-Length: 3\r\nX-Postfix-Queue-ID: 1\r\n\r\nx"
    ),
}
CHANGED: dict[str, tuple[bytes, bytes]] = {
    # Postfix's strings end at NUL in a header, and a header ends where something else begins.
    "NUL in a header field": (b"Subject: a\0b\r\n\r\nx", b"Subject: a\r\n\r\nx"),
    "a line without a colon": (b"no colon\r\nSubject: 2\r\n\r\nx", b"\r\nno colon\r\nSubject: 2\r\n\r\nx"),
    "a line `From `": (b"From s@x Mon\r\nSubject: 2\r\n\r\nx", b"\r\nFrom s@x Mon\r\nSubject: 2\r\n\r\nx"),
    "a field without a name": (b": x\r\nSubject: 2\r\n\r\nx", b"\r\n: x\r\nSubject: 2\r\n\r\nx"),
    "a header field over 1 MiB": (
        b"X-Long: " + b"y" * LONGEST_FIELD + b"\r\n\r\nx",
        b"X-Long: " + b"y" * (LONGEST_FIELD - 8) + b"\r\n\r\nx",
    ),
}
LONE = body(b"a\rb\nc\r\r\nd\n\r\ne")


def unstuffed(content: bytes) -> bytes:
    """Return the content as a reader gets it."""
    return content.replace(b"\r\n.", b"\r\n") + b"\r\n"
