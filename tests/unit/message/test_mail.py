"""A message as checks see it."""

import dataclasses

from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject

MAIL = MailObject(Envelope(ReversePath(b"a@x.test")), Client(), b"Content-Type: text/html\r\n\r\n<p>\r\n")


def test_header_and_mime_are_read_once():
    """For all checks; the message's own header is that of its first part."""
    assert MAIL.header is MAIL.header
    assert MAIL.mime is MAIL.mime
    assert MAIL.mime.parts[0].header is MAIL.header
    assert MAIL.mime.parts[0].type == "text/html"


def test_replaced_content_is_read_anew():
    """What an editing check gives has places of its own."""
    assert MAIL.header.body == 27
    assert dataclasses.replace(MAIL, content=b"\r\n").header.body == 2
