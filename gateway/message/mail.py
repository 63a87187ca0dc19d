"""MailObject: envelope and content of one message as checks see them (RFC 5321 2.3.1), parsed once for all of them."""

from dataclasses import dataclass
from functools import cached_property

from gateway.message.envelope import Client, Envelope
from gateway.message.header import Buffer, Header, read_header
from gateway.message.mime import Mime, read_mime


@dataclass(frozen=True)
class MailObject:
    """One message, whole."""

    envelope: Envelope  # recipients are those that gate 2 took
    client: Client
    content: Buffer  # CRLF line ends, no dot-stuffing; good until the transaction ends
    inside: bool = False  # from a client that may relay, or has authenticated
    policy: str = "default"

    @cached_property
    def header(self) -> Header:
        """Give the header section of the message."""
        return read_header(self.content)

    @cached_property
    def mime(self) -> Mime:
        """Give its MIME structure."""
        return read_mime(self.content, self.header)
