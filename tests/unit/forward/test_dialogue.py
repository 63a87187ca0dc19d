"""Command lines to gate 2 and its replies, as octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.forward.dialogue import (
    MAX_REPLY,
    MalformedReply,
    ReplyReader,
    command,
    envelope_command,
    xforward_commands,
)
from gateway.message.envelope import XFORWARD_ATTRIBUTES, Recipient, ReversePath, StartContent
from gateway.message.reply import Reply

from ..hop import splits

ALL = frozenset({b"SIZE", b"8BITMIME", b"DSN", b"SMTPUTF8"})
OFFERED = frozenset(name.encode() for name in XFORWARD_ATTRIBUTES)


@pytest.mark.parametrize("word", [b"a\rb", b"a\nb", b"a\0b", b"a\r\nRCPT TO:<z@evil.org>"])
def test_command_line_end_within_is_refused(word):
    """The one place all commands pass."""
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        command(b"RCPT", word)
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        envelope_command(Recipient(word), ALL)
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        xforward_commands({"NAME": word}, OFFERED)


def test_envelope_command_parameters_are_verbatim():
    """In their order and case."""
    path = ReversePath(b'"a b"@x.test', (b"size=1", b"BODY=8BITMIME", b"Ret=HDRS", b"ENVID=a+0Db"), 1)
    assert envelope_command(path, ALL) == b'MAIL FROM:<"a b"@x.test> size=1 BODY=8BITMIME Ret=HDRS ENVID=a+0Db\r\n'
    recipient = Recipient(b"b@y.test", (b"NOTIFY=NEVER", b"ORCPT=rfc822;B@y.test"))
    assert envelope_command(recipient, ALL) == b"RCPT TO:<b@y.test> NOTIFY=NEVER ORCPT=rfc822;B@y.test\r\n"
    assert envelope_command(ReversePath(b""), ALL) == b"MAIL FROM:<>\r\n"
    assert envelope_command(StartContent(), ALL) == b"DATA\r\n"


def test_envelope_command_parameters_not_offered_are_left_out():
    """Gate 2 would refuse them."""
    path = ReversePath(b"a@x.test", (b"SIZE=1", b"BODY=8BITMIME", b"RET=HDRS"), 1)
    assert envelope_command(path, frozenset({b"SIZE"})) == b"MAIL FROM:<a@x.test> SIZE=1\r\n"
    recipient = Recipient(b"b@y.test", (b"NOTIFY=NEVER",))
    assert envelope_command(recipient, frozenset()) == b"RCPT TO:<b@y.test>\r\n"


def test_xforward_commands_missing_attributes_are_told_unavailable():
    """What an earlier client left must not stand."""
    assert xforward_commands({"NAME": b"mx.test", "IDENT": b"4a"}, OFFERED) == [
        b"XFORWARD NAME=mx.test ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE]\r\n",
        b"XFORWARD PROTO=[UNAVAILABLE] HELO=[UNAVAILABLE] IDENT=4a SOURCE=REMOTE\r\n",
    ]
    assert xforward_commands({"NAME": b"mx.test"}, frozenset({b"ADDR"})) == [b"XFORWARD ADDR=[UNAVAILABLE]\r\n"]
    assert xforward_commands({"NAME": b"mx.test"}, frozenset()) == []


def test_xforward_commands_say_remote_whatever_gate_1_said():
    """Under LOCAL gate 2 would write into the header, which may be signed by now."""
    assert xforward_commands({"SOURCE": b"LOCAL"}, frozenset({b"SOURCE"})) == [b"XFORWARD SOURCE=REMOTE\r\n"]


def test_xforward_commands_long_values_take_more_lines():
    """No line beyond 512 octets."""
    lines = xforward_commands(dict.fromkeys(XFORWARD_ATTRIBUTES, b"x" * 255), OFFERED)
    assert len(lines) == len(XFORWARD_ATTRIBUTES)
    assert all(len(line) <= 512 for line in lines)


def read(slices):
    """Give all replies; a malformed one ends them and reads as None."""
    reader, replies = ReplyReader(), []
    for data in slices:
        reader.feed(data)
        try:
            while (reply := reader.next()) is not None:
                replies.append(reply)
        except MalformedReply:
            return [*replies, None]
    return replies


@pytest.mark.parametrize(
    ("octets", "replies"),
    [
        (b"250 2.1.0 Ok\r\n", [Reply(250, (b"2.1.0 Ok",))]),
        (b"250\r\n", [Reply(250, (b"",))]),
        (b"250-a\r\n250-\r\n250 c\r\n", [Reply(250, (b"a", b"", b"c"))]),
        (b"250 a\r\n451 b\r\n", [Reply(250, (b"a",)), Reply(451, (b"b",))]),
        (b"550 " + b"x" * 2000 + b"\r\n", [Reply(550, (b"x" * 2000,))]),
        (b"250 \xff\r\x1b\r\n", [Reply(250, (b"\xff\r\x1b",))]),
        (b"250 ok\n", [None]),
        (b"ok\r\n", [None]),
        (b"199 x\r\n", [None]),
        (b"600 x\r\n", [None]),
        (b"25 x\r\n", [None]),
        (b"2500 x\r\n", [None]),
        (b"\r\n", [None]),
        (b"250-a\r\n251 b\r\n", [None]),
        (b"\xb2\xb5\xb0 a\r\n", [None]),
    ],
)
def test_next_reply_is_read_or_malformed(octets, replies):
    """RFC 5321 section 4.2, no more and no less."""
    assert read([octets]) == replies
    assert read(splits(octets, [1])) == replies


@given(
    st.lists(st.sampled_from([b"250", b"-", b" ", b"\r\n", b"\n", b"\r", b"x", b"451", b"\0"]), max_size=30),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
def test_next_any_split_equals_the_whole(pieces, sizes):
    """Whole = any split = octet by octet."""
    data = b"".join(pieces)
    assert read([data]) == read(splits(data, sizes)) == read(splits(data, [1]))


def test_next_endless_reply_is_malformed():
    """Bounded, in one line and in many."""
    assert read([b"250-" + b"x" * 1000] * 70) == [None]
    assert read([b"250-x\r\n" * 1000] * (MAX_REPLY // 7000 + 1)) == [None]


def test_pending_tells_of_what_nobody_asked_for():
    """A whole reply too many, or the beginning of one."""
    reader = ReplyReader()
    assert not reader.pending
    reader.feed(b"250 a\r\n2")
    assert reader.next() == Reply(250, (b"a",))
    assert reader.next() is None
    assert reader.pending
    reader.feed(b"50 a\r\n")
    reader.next()
    assert not reader.pending
    reader.feed(b"250-a\r\n")
    assert reader.next() is None
    assert reader.pending
