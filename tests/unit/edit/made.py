"""Messages for the tests here, and what is left of them after edits."""

from gateway.message.edit import apply
from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.mail import MailObject

URL = "https://lists.example.test/a/X/"
LINES = [("Archived: {url}", URL)]


def mail(content, *recipients, inside=False):
    """Make a message; its lines may end in LF alone."""
    if b"\r\n" not in content:
        content = content.replace(b"\n", b"\r\n")
    paths = [Recipient(path) for path in recipients]
    return MailObject(Envelope(ReversePath(b"anna@example.test"), paths), Client(), content, inside=inside)


def edited(message, splices):
    """Give the content with the splices made."""
    return b"".join(apply(message.content, splices))
