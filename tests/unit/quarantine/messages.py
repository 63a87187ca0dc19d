"""Messages to hold, for the tests of the quarantine and of what uses it."""

from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.mail import MailObject
from gateway.message.verdict import Action, Finding, Outcome, Verdict

CONTENT = b"From: a@x.test\r\nSubject: \xe4\x1b[31m\r\n\r\n.dot\r\n\r\nlast\r\n"
VERDICT = Verdict(Outcome(Action.HOLD), None, (Finding("attachments", "executable", 'a"\n.exe'),))


def mail(content=CONTENT, *recipients):
    """Give a message from odd addresses."""
    envelope = Envelope(
        ReversePath(b"\xc3\xa4\xff@x.test", (b"SIZE=60", b"SMTPUTF8"), 60, True),
        [Recipient(path) for path in recipients]
        or [Recipient(b"b@y.test", (b"NOTIFY=NEVER",)), Recipient(b"c@y.test")],
    )
    return MailObject(
        envelope, Client({"IDENT": b"4pre", "ADDR": b"192.0.2.7", "NAME": b"far.test"}), content, False, "strict"
    )
