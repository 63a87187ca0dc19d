"""
gtube: the string that stands for spam in tests (spamassassin.apache.org/gtube), anywhere in the content.

It is looked for as octets, in headers and encoded parts as well, and nothing is decoded.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.check.base import Inspection
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Report

# Written in two pieces, so that this file is not itself refused when mailed.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

Reason = Literal["gtube"]
FOUND: Reason = "gtube"


@dataclass(frozen=True, slots=True)
class Options:
    """Nothing to choose."""


class Gtube(Inspection):
    """Look for GTUBE."""

    def __init__(self, name: str, options: Options) -> None:
        del options
        self._name = name

    def look(self, mail: MailObject) -> Report:
        """Report whether the string is there."""
        return Report([Finding(self._name, FOUND)] if mail.content.find(GTUBE) >= 0 else [])
