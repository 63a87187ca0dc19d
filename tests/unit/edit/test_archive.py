"""Where a message is in an archive, as the archives themselves have it."""

import email
import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edit.archive import MailingList, archive_url, message_id, message_id_hash
from gateway.message.header import read_header

# Of images/test: Mailman's wheel, unpacked and not installed, for its dependencies are no use here.
MAILMAN = Path("/opt/mailman/mailman/utilities/email.py")
ATEXT = st.text("ABCxyz0189!#$%&'*+/=?^_`{|}~.-", min_size=1, max_size=60)


def header(*fields):
    """Read a header section of these fields."""
    return read_header(b"".join(field + b"\r\n" for field in fields) + b"\r\n")


def list_with(url):
    """Make a list with an archive."""
    return MailingList("talk@lists.example.test", "talk.lists.example.test", url)


@pytest.fixture(scope="module")
def mailman():
    """Give Mailman's own module."""
    spec = importlib.util.spec_from_file_location("mailman_email", MAILMAN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(ATEXT, ATEXT)
def test_message_id_hash_is_mailman_s(mailman, left, right):
    """What Mailman 3 puts into the field, of any good Message-ID."""
    content = f"Message-ID: <{left}@{right}>\r\n\r\n".encode()
    message = email.message_from_bytes(content)
    mailman.add_message_hash(message)
    found = message_id(read_header(content))
    assert found == f"{left}@{right}".encode()
    assert message["Message-ID-Hash"] == message_id_hash(found)


def test_message_id_hash_known_value():
    """The example in Mailman's documentation."""
    assert message_id_hash(b"first") == "4CMWUN6BHVCMHMDAOSJZ2Q72G5M32MWB"


@pytest.mark.parametrize(
    "value",
    [
        b"<a b@x.test>",
        b"<a@x.test> <b@x.test>",
        b"<a@x.test> (comment)",
        b"a@x.test",
        b"<a>",
        b"<>",
        b"",
        b"<a@x.test\x00>",
        b"<a\xc3\xa4@x.test>",
        b"<a@x.test>>",
        b'<"a b"@x.test>',
        b"<" + b"a" * 501 + b"@x.test>",
        b"<a@" + b"x" * 251 + b">",
        b"<a@\r\n x.test>",
    ],
)
def test_message_id_that_is_none_is_none(value):
    """Nothing that would have to be repaired becomes a link."""
    assert message_id(header(b"Message-ID: " + value)) is None


def test_message_id_given_twice_is_none():
    """Nobody knows which of them the archive goes by."""
    assert message_id(header(b"Message-ID: <a@x.test>", b"Message-ID: <a@x.test>")) is None
    assert message_id(header(b"Subject: x")) is None


@pytest.mark.parametrize("field", [b"Message-ID: <a@x.test>", b"message-id:<a@x.test>", b"Message-ID:\r\n <a@x.test>"])
def test_message_id_is_read_in_any_dress(field):
    """Letter case, blanks and folding do not count."""
    assert message_id(header(field)) == b"a@x.test"


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        (
            "hyperkitty:https://lists.example.test/archives/",
            "https://lists.example.test/archives/list/talk@lists.example.test/message/{hash}/",
        ),
        ("public-inbox:https://inbox.example.test/talk", "https://inbox.example.test/talk/a%2Fb%25c+d=e&f@x.test/"),
        ("mail-archive", "https://www.mail-archive.com/search?l=mid&q=a%2Fb%25c%2Bd%3De%26f%40x.test"),
        (
            "https://x.test/{local}/{domain}/{list}?id={message_id}&h={message_id_hash}",
            "https://x.test/talk/lists.example.test/talk@lists.example.test?id=a%2Fb%25c%2Bd%3De%26f%40x.test&h={hash}",
        ),
    ],
)
def test_archive_url_of_presets_and_templates(setting, url):
    """Each escapes what would be more than a segment or a value there."""
    identifier = b"a/b%c+d=e&f@x.test"
    assert archive_url(list_with(setting), identifier) == url.replace("{hash}", message_id_hash(identifier))


def test_archive_url_too_long_is_none():
    """A line of the header section has 998 octets."""
    assert archive_url(list_with("https://x.test/{message_id}"), b"/" * 400 + b"@x.test") is None


@given(ATEXT, ATEXT, st.sampled_from(["hyperkitty:https://x.test", "public-inbox:https://x.test", "mail-archive"]))
def test_archive_url_has_no_octet_that_ends_it(left, right, setting):
    """Neither blank, quote, angle bracket nor control character, whatever the Message-ID."""
    url = archive_url(list_with(setting), f"{left}@{right}".encode())
    assert url.isascii()
    assert url.isprintable()
    assert not set(url) & set(' "<>\\^`{|}')
