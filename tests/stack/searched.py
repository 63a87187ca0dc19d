"""Messages with something in them, and what the filter makes of them at the site `searched`."""

from __future__ import annotations

import base64
import io
import zipfile

# In two pieces, so that this file is not itself refused when mailed.
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def zipped(name: str, content: bytes) -> bytes:
    """Return a zip archive with one file."""
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        archive.writestr(name, content)
    return octets.getvalue()


def attached(name: str, content: bytes) -> bytes:
    """Return the body of a multipart message with a file, and the fields that say so."""
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nsee file\r\n--b\r\n'
        b'Content-Type: application/octet-stream; name="' + name.encode() + b'"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded + b"--b--\r\n"
    )


PROGRAM = b"MZ" + bytes(100)
# What is found -> the message without X-Token; its header section comes first.
FOUND: dict[str, bytes] = {
    "headers.casino": b"Subject: =?utf-8?b?Q0FTSU5P?= tonight\r\n\r\nhello\r\n",
    "body.pills": b"Subject: hi\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode(b"CHEAP   pills here")
    + b"\r\n",
    "attachments.executable": attached("invoice.pdf.EXE", PROGRAM),
    "gtube.gtube": b"Subject: hi\r\n\r\n" + GTUBE.encode() + b"\r\n",
}
ZIPPED = attached("invoice.zip", zipped("a/invoice.exe", PROGRAM))
NESTED = attached("invoice.zip", zipped("inner.zip", zipped("invoice.exe", PROGRAM)))
CLEAN = b"Subject: hi\r\n\r\nhello\r\n"
