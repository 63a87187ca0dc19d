"""What checks that only compute have in common."""

import threading

from gateway.check.base import LARGE, Inspection
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Report


class Where(Inspection):
    """Report the thread it looks in."""

    def look(self, mail):
        """Tell."""
        return Report([Finding("where", threading.current_thread().name)])


async def where(octets):
    """Let it look at that many octets."""
    mail = MailObject(Envelope(ReversePath(b"")), Client(), b"x" * octets)
    return (await Where().examine(mail)).findings[0].reason


async def test_examine_small_message_is_looked_at_in_the_loop():
    """A thread would cost more than the look."""
    assert await where(LARGE - 1) == threading.current_thread().name


async def test_examine_large_message_is_looked_at_in_a_thread():
    """So that the other transactions are served."""
    assert await where(LARGE) != threading.current_thread().name
