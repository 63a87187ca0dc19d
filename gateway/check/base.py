"""
What a check is: one object for each configured check, made once, that looks at one message after the other.

Each looks at the whole of a message.  Reading along while it arrives was given up: the message has to be kept anyway,
to be held or edited after the verdict; scanners begin at its end; and a parser that may be cut anywhere is a second
parser, which is a gap between two readings.  What a check holds of a message is bounded, and so is its time.
"""

import asyncio
from typing import Protocol

from gateway.message.mail import MailObject
from gateway.message.verdict import Report

CONNECT_S = 5  # for a connection to a scanner: one that is down would hold a slot of the filter for a whole time-out
LARGE = 262_144  # octets of a message from which on it is looked at in a thread, so that others are served meanwhile


class CheckFailed(Exception):  # noqa: N818 - names what happened
    """A check cannot do its work: its scanner is down, full or talks nonsense.  The text is for our log."""


class Check(Protocol):
    """What every check offers; calls for different messages run side by side."""

    async def examine(self, mail: MailObject) -> Report:
        """
        Report what there is to say about a message.

        Raises:
            CheckFailed: it could not be looked at; the check's on_error says what follows.
        """


class Inspection:
    """Base of checks that only compute: look() in the loop where that is quick, else in a thread."""

    async def examine(self, mail: MailObject) -> Report:
        """Run look()."""
        if len(mail.content) < LARGE:
            return self.look(mail)
        return await asyncio.to_thread(self.look, mail)

    def look(self, mail: MailObject) -> Report:
        """Report what there is to say about a message; any thread."""
        raise NotImplementedError
