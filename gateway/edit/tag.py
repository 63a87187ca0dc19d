"""
tag: header fields that say what was found, and a prefix of the Subject.

Fields go behind the header section's last one.  Copies that came with the message are removed, for a filter behind
this one, or a user's rule, takes them for ours (RFC 8601 section 5 says so of its own field).
"""

from gateway.message.edit import Splice
from gateway.message.header import Field, every
from gateway.message.mail import MailObject
from gateway.message.policy import Policy


def tag(mail: MailObject, policy: Policy) -> list[Splice]:
    """Give the splices that mark a message as its policy says."""
    splices, end = [], mail.header.stop
    for name, body in policy.tag_fields:
        octets = name.encode("ascii")
        splices += [Splice(field.start, field.stop, b"") for field in every(mail.content, mail.header, octets)]
        splices.append(Splice(end, end, octets + b": " + body.encode("ascii") + b"\r\n"))
    if policy.subject_prefix:
        splices += _prefixed(mail, policy.subject_prefix.encode("ascii"))
    return splices


def _prefixed(mail: MailObject, prefix: bytes) -> list[Splice]:
    """Prefix the Subject; each of them, for of several any may be the one that is shown."""
    subjects = list(every(mail.content, mail.header, b"Subject"))
    if not subjects:
        return [Splice(mail.header.stop, mail.header.stop, b"Subject: " + prefix + b"\r\n")]
    return [_before_text(subject, prefix) for subject in subjects]


def _before_text(subject: Field, prefix: bytes) -> Splice:
    """Put a prefix before a Subject's text, and leave its folding and encoded words alone."""
    after = subject.raw.index(b":") + 1
    blank = b"" if subject.raw[after : after + 1] in (b" ", b"\t", b"\r") else b" "
    return Splice(subject.start + after, subject.start + after, b" " + prefix + blank)
