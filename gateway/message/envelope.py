"""
Envelope and client: what gate 1 says about a message before its content.

Paths and parameters stay the octets that came, checked by accept.paths and accept.parameters and sent on verbatim.
Nothing here is ever decoded: a parser that decoded RFC 2047 words in a local part turned one RCPT into two.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.message.reply import Reply

# The attributes of XFORWARD in the order we announce and send them.  Source: Postfix XFORWARD_README.
XFORWARD_ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")

_XTEXT = re.compile(r"\+([0-9A-F]{2})")  # RFC 3461 section 4

# The recipient of our own healthcheck (gateway.probe): asked for, never sent a message.
PROBE_RECIPIENT = b"postmaster@probe.invalid"


@dataclass(frozen=True, slots=True)
class ReversePath:
    """One MAIL command: where a DSN would go.  An empty path is the null reverse-path `<>`."""

    path: bytes  # between the angle brackets, verbatim; empty for <>
    parameters: tuple[bytes, ...] = ()  # keyword or keyword=value, verbatim, in the order they came
    size: int | None = None  # octets, as SIZE= declared; None when it did not
    smtputf8: bool = False  # SMTPUTF8 was given

    @property
    def is_null(self) -> bool:
        """True for `<>`: a DSN or another message that must not be answered by one."""
        return not self.path


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT command."""

    path: bytes  # between the angle brackets, verbatim, never empty
    parameters: tuple[bytes, ...] = ()  # NOTIFY= and ORCPT=, verbatim


@dataclass(frozen=True, slots=True)
class StartContent:
    """One DATA command: the envelope is complete, content would follow."""


# What gate 1 sends before the content, in its order.  A Reply in this place is an answer already found (a syntax
# error, a NOOP) that has to keep its turn among the answers of gate 2.
type EnvelopeCommand = ReversePath | Recipient | StartContent | Reply


@dataclass(slots=True)
class Envelope:
    """Reverse-path and recipients, as far as gate 2 has taken them."""

    reverse_path: ReversePath
    recipients: list[Recipient] = field(default_factory=list)  # answered 2xx, in order, duplicates kept
    refused: list[tuple[Recipient, Reply]] = field(default_factory=list)  # answered 4xx or 5xx, with that answer


UNAVAILABLE = b"[UNAVAILABLE]"  # XFORWARD's word for an attribute that is not known


@dataclass(frozen=True, slots=True)
class Client:
    """The SMTP client of gate 1, as XFORWARD told."""

    attributes: Mapping[str, bytes] = field(default_factory=dict)  # upper-case name to xtext, verbatim, never empty

    @property
    def queue_id_pre(self) -> bytes:
        """The queue id of gate 1, empty when not told."""
        return self.attributes.get("IDENT", b"")

    @property
    def logged_in(self) -> bool:
        """True for a client that gate 1 let in by its password: XFORWARD has no login, but SOURCE=LOCAL says this."""
        return self.attributes.get("SOURCE", b"").upper() == b"LOCAL"

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The client's IP address, None when not told or not one."""
        try:
            return ip_address(self.told("ADDR").removeprefix("IPv6:"))
        except ValueError:
            return None

    def told(self, name: str) -> str:
        """Give an attribute decoded from xtext, empty when not told; any character may be in it."""
        value = self.attributes.get(name, b"").decode("latin-1")
        value = _XTEXT.sub(lambda match: chr(int(match[1], 16)), value)
        return "" if value.upper() == UNAVAILABLE.decode("ascii") else value
