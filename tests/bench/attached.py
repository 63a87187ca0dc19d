"""A message as people send them, for checks to have something to look at: text, HTML, and a zip file of pictures."""

from __future__ import annotations

import base64
import io
import random
import zipfile

WORDS = ("the", "minutes", "of", "our", "last", "meeting", "are", "attached", "with", "two", "pictures", "from", "it")
FIELDS = 6  # header fields of other programs beside the usual ones
SHARE = 0.75  # octets that go into the zip file of those that base64 makes room for, line ends counted


def message(octets: int) -> bytes:
    """Make a message of about that size, lines ended as in a file; the same each time."""
    chance = random.Random(octets)
    text = "\n".join(" ".join(chance.choices(WORDS, k=10)) for _ in range(12))
    inner = _multipart(
        "alternative",
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n",
        f"Content-Type: text/html; charset=utf-8\n\n<html><body><p>{text}</p></body></html>\n",
    )
    usual = "From: Sender <sender@client.test>\nTo: Someone <someone@searched.test>\nSubject: =?utf-8?q?minutes?=\n"
    usual += "Date: Sun, 22 Nov 2026 10:40:22 +0000\nMessage-ID: <minutes@client.test>\nMIME-Version: 1.0\n"
    usual += "".join(f"X-Field-{number}: {text[:60]!r}\n" for number in range(FIELDS))
    room = octets - len(usual) - len(inner) - 600
    pictures = _zip(chance.randbytes(max(300, int(room * SHARE * 76 / 78))))
    encoded = base64.encodebytes(pictures).decode()
    attachment = "Content-Type: application/zip; name=pictures.zip\nContent-Transfer-Encoding: base64\n"
    attachment += f"Content-Disposition: attachment; filename=pictures.zip\n\n{encoded}"
    return (usual + _multipart("mixed", inner, attachment)).encode()


def _multipart(kind: str, *parts: str) -> str:
    inner = "".join(f"--={kind}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="={kind}"\n\n{inner}--={kind}--\n'


def _zip(octets: bytes) -> bytes:
    made = io.BytesIO()
    half = len(octets) // 2
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in (("one.jpg", octets[:half]), ("two.jpg", octets[half:])):
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 22, 10, 40, 22)), part)
    return made.getvalue()
