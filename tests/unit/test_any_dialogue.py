"""Any octets, cut anywhere, end in well-formed replies or a close, and nothing of them is a command to gate 2."""

import asyncio

import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.accept.session import Limits
from gateway.forward.dialogue import ReplyReader

from .hop import hop, splits
from .sink import Sink

FRAGMENTS = [
    b"EHLO mx.test\r\n",
    b"HELO strict.policy.invalid\r\n",
    b"XFORWARD NAME=x IDENT=4a\r\n",
    b"MAIL FROM:<a@x.test>\r\n",
    b"MAIL FROM:<> SIZE=10\r\n",
    b"RCPT TO:<b@y.test>\r\n",
    b"RCPT TO:<c@y.test> NOTIFY=NEVER\r\n",
    b"DATA\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"QUIT\r\n",
    b"BDAT 5 LAST\r\n",
    b"S: 1\r\n\r\nbody",
    b"\r\n.\r\n",
    b".\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b".",
    b"\0",
    b"RCPT TO:<evil@",
    b"MAIL FROM:<evil>\r",
    b"x" * 5000,
    b"\xff",
]
COMMANDS = {
    b"EHLO filter.test",
    b"MAIL FROM:<a@x.test>",
    b"MAIL FROM:<> SIZE=10",
    b"RCPT TO:<b@y.test>",
    b"RCPT TO:<c@y.test> NOTIFY=NEVER",
    b"DATA",
    b"QUIT",
}
LIMITS = Limits(max_message_octets=20_000, max_recipients=3, command_timeout_s=0.05, data_timeout_s=0.05)


async def talk(slices: list[bytes]) -> tuple[bytes, Sink]:
    """Send slices; give all that was answered, and the sink."""
    async with Sink() as sink, hop(sink.port, limits=LIMITS) as filter_:
        client = await filter_.connect()
        for data in slices:
            client.send(data)
            await asyncio.sleep(0)
        answers = b""
        try:
            async with asyncio.timeout(10):
                while data := await client.reader.read(65_536):
                    answers += data
        except ConnectionResetError:
            pass
        return answers, sink


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.booleans(),
    st.lists(st.sampled_from(FRAGMENTS), max_size=25),
    st.lists(st.integers(1, 3000), min_size=1, max_size=5),
)
def test_any_dialogue_ends_in_replies_or_a_close(greeted, fragments, sizes):
    """Nothing hangs, nothing leaks."""
    octets = b"".join([FRAGMENTS[0], *FRAGMENTS[3:4]] * greeted + fragments)
    answers, sink = uvloop.run(talk(splits(octets, sizes)))
    replies = ReplyReader()
    replies.feed(answers)
    while (reply := replies.next()) is not None:
        assert reply.code in (220, 221, 250, 354, 421, 451, 452, 500, 501, 502, 503, 550, 552, 554), reply
    assert not replies.pending
    for line in sink.commands:
        assert line in COMMANDS or line.startswith((b"XFORWARD NAME=", b"XFORWARD PROTO=")), line
    for message in sink.messages:
        assert message.count(b"\r") == message.count(b"\n") == message.count(b"\r\n")
        assert message.endswith(b"\r\n") or not message


@settings(max_examples=30)
@given(st.binary(max_size=300), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_any_octets_end_in_replies_or_a_close(octets, sizes):
    """As from a client that does not speak SMTP at all."""
    answers, sink = uvloop.run(talk(splits(octets, sizes)))
    replies = ReplyReader()
    replies.feed(answers)
    while replies.next() is not None:
        pass
    assert not replies.pending
    assert sink.connections == []
