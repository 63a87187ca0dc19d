"""Messages for the tests of checks."""

import base64
import io
import tarfile
import zipfile

from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.header import Buffer
from gateway.message.mail import MailObject

PROGRAM = b"MZ" + b"\0" * 100  # enough of one to be taken for it


def mail(content: Buffer) -> MailObject:
    """Give a message from somebody."""
    return MailObject(Envelope(ReversePath(b"a@example.test")), Client(), content)


def one_part(body: bytes, kind: str = "text/plain", encoding: str = "7bit", more: str = "") -> bytes:
    """Give a message of one part; *more* are header fields with their line ends."""
    head = f"Subject: x\r\n{more}Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode("utf-8") + body


def file(octets: bytes, name: str, kind: str = "application/octet-stream") -> bytes:
    """Give a message that is one file."""
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    disposition = f'Content-Disposition: attachment; filename="{name}"\r\n'
    return one_part(encoded, kind, "base64", disposition)


def parts(*bodies: bytes) -> bytes:
    """Give a multipart of parts that have their own header sections."""
    inner = b"".join(b"--b\r\n" + body + b"\r\n" for body in bodies)
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inner + b"--b--\r\n"


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Give a zip file of names and octets."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, octets in files:
            archive.writestr(name, octets)
    return made.getvalue()


def old(tar: bytes) -> bytes:
    """Make the first entry of a tar one of before 1988: without a signature, and with what followed it."""
    head = tar[:148] + b" " * 8 + tar[156:257] + bytes(255)
    return head[:148] + b"%06o\0 " % sum(head) + head[156:] + tar[512:]


def tarred(*files: tuple[str, bytes], mode: str = "w:gz") -> bytes:
    """Give a tar file of names and octets, compressed as *mode* says."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, octets in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(octets)
            archive.addfile(entry, io.BytesIO(octets))
    return made.getvalue()
