"""
Any session of whole lines, cut and pipelined anyhow: the replies are those of the model, one for each, in its order.

test_any_dialogue.py sends octets that are no lines at all; here each reply has a reason, so a missing, extra or
swapped one is found, and gate 2 must have got each message with its own envelope, and nothing else.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial

import uvloop
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from gateway.accept.inbox import MAX_COMMAND
from gateway.accept.session import Limits

from .hop import hop, splits
from .obedient import WORDS, Gate2, sender_of
from .session_model import MAX_ERRORS, MAX_OCTETS, MAX_RECIPIENTS, Sender, Session

LIMITS = Limits(max_message_octets=MAX_OCTETS, max_recipients=MAX_RECIPIENTS, command_timeout_s=20, data_timeout_s=20)
type Say = Callable[[Session], None]


def coded(lines: dict[bytes, int], say: Callable[[Session, int], None]) -> dict[bytes, Say]:
    """Return lines that the filter answers by its own code."""
    return {line + b"\r\n": partial(lambda code, model: say(model, code), code) for line, code in lines.items()}


# What is wrong, or means nothing, with what the model makes of it.
ODD: dict[bytes, Say] = {
    b"EHLO mx.test\r\n": Session.greet,
    b"helo strict.policy.invalid\r\n": Session.greet,
    b"EHLO nosuch.policy.invalid\r\n": lambda model: model.greet(known_policy=False),
    b"EHLO \r\n": lambda model: model.greet(named=False),
    b"XFORWARD NAME=a IDENT=4a\r\n": lambda model: model.xforward(valid=True),
    b"XFORWARD FOO=a\r\n": lambda model: model.xforward(valid=False),
    b"MAIL FROM:<>\r\n": lambda model: model.mail(Sender(b"")),
    b"RCPT TO:<ok.0@y.test>\r\n": lambda model: model.rcpt(b"ok.0@y.test"),
    b"DATA\r\n": Session.data,
    **coded(
        {
            b"MAIL": 501,
            b"MAIL FROM:<a b@x.test>": 501,
            b"MAIL FROM:<a@x.test> ENVID=a b": 555,
            b"MAIL FROM:<a@x.test> SIZE=20001": 552,
            b"MAIL FROM:<> SIZE=20001": 452,
        },
        lambda model, code: model.mail(Sender(b""), code),
    ),
    **coded(
        {
            b"RCPT TO:<>": 501,
            b"RCPT TO:<a b@y.test>": 501,
            b"RCPT TO:<a@y.test> NOTIFY=NEVER,DELAY": 501,
            b"RCPT TO:<a@y.test> FOO": 555,
        },
        lambda model, code: model.rcpt(b"", refusal=code),
    ),
    **coded(
        {
            b"NOOP": 250,
            b"noop x": 250,
            b"NOOP " + b"x" * (MAX_COMMAND - 7): 250,  # the longest line there is
            b"NOOP " + b"x" * (MAX_COMMAND - 6): 500,
            b"x" * 3 * MAX_COMMAND: 500,
            b"": 500,
            b"WHAT": 500,
            b"VRFY a": 502,
            b"NOOP \a": 501,
            b"MAIL FROM:<ok.ok.ok@x.test>\rRCPT TO:<evil@y.test>": 501,
        },
        Session.fixed,
    ),
    b"NOOP\n": lambda model: model.fixed(500),
    b"QUIT\r\n": lambda model: model.leave(221),
    **coded({b"BDAT 5 LAST": 502, b"STARTTLS": 502, b"GET / HTTP/1.1": 502}, Session.leave),
}
MOSTLY = st.sampled_from([*[True] * 7, False])
SIZES = st.lists(st.integers(1, 3000), min_size=1, max_size=5)
SENDERS = st.just([]) | st.lists(st.sampled_from([*[b"ok"] * 9, *WORDS]), min_size=3, max_size=3)  # [] is <>
RECIPIENTS = st.lists(st.sampled_from([*[b"ok"] * 3, *WORDS]), min_size=1, max_size=MAX_RECIPIENTS)
PIECES = [b"", b"S: 1\r\n\r\nbody", b"\r\n", b"\r\n.", b"\r\n..", b"\n.\r\n", b"\r\n.\n", b".\r", b"\r", b"\n", b"."]
PIECES += [b"\0\xff", b"MAIL FROM:<evil@x.test>\r\n", b"DATA\r\n", b"x" * 9_999]
CONTENTS = st.lists(st.sampled_from(PIECES), max_size=6)


def content(pieces: list[bytes]) -> bytes:
    """Join pieces up to the first end of data; return what goes before its dot, empty or ended by CRLF."""
    octets = b"\r\n" + b"".join(pieces) + b"\r\n.\r\n"
    return octets[2 : octets.index(b"\r\n.\r\n") + 2]


class Talk(RuleBasedStateMachine):
    """A client that sends lines, in its own time, and hears what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Session()
        self.unsent = b""
        self.recipients = 0
        self.gate_2 = Gate2()
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.parts = AsyncExitStack()
        self.run(self.start())
        self.run(self.connect())

    def run[T](self, work: Coroutine[None, None, T]) -> T:
        """Let both sides go on until something is done."""
        return self.runner.run(work)

    async def start(self) -> None:
        """Start all."""
        await self.parts.enter_async_context(self.gate_2)
        self.filter = await self.parts.enter_async_context(hop(self.gate_2.port, limits=LIMITS))

    async def connect(self) -> None:
        """Begin a session."""
        self.client = await self.filter.connect()
        assert (await self.client.reply()).startswith(b"220 ")

    # -- sending and hearing

    def hear(self, slices: list[bytes]) -> None:
        """Send what was not sent yet, and compare what comes back."""
        model = self.model
        codes = self.run(self.exchange(slices, 10**6 if model.closed else len(model.expected)))
        if model.cut:
            assert codes[-1:] == model.expected[-1:]
            assert codes[:-1] == model.expected[: len(codes) - 1]
        else:
            assert codes == model.expected
        model.heard()
        self.unsent = b""

    async def exchange(self, slices: list[bytes], count: int) -> list[int]:
        """Send slices; return so many codes, or all until the filter closes."""
        for octets in slices:
            self.client.send(octets)
            await asyncio.sleep(0)
        codes: list[int] = []
        while len(codes) < count and (reply := await self.client.reply()):
            codes.append(int(reply[:3]))
        return codes

    @precondition(lambda self: self.unsent)
    @rule(sizes=SIZES)
    def flush(self, sizes: list[int]) -> None:
        """Send everything in slices of some sizes, and read all replies."""
        least = len(self.unsent) // 300
        self.hear(splits(self.unsent, [max(size, least) for size in sizes]))

    def talking(self) -> bool:
        """Tell whether a command may come next."""
        return not (self.model.closed or self.model.in_content)

    def clear(self) -> bool:
        """Tell whether the next command means the same however it is sent, and errors can be counted."""
        model = self.model
        return self.talking() and not model.in_doubt and (not model.doubtful or model.errors + model.doubtful < 15)

    def in_transaction(self) -> bool:
        """Tell whether there is one, its content still to come."""
        return self.talking() and self.model.transaction is not None

    def offered(self) -> int:
        """Return how many recipients the transaction under way has, whatever became of them."""
        return self.model.transaction.offered if self.model.transaction is not None else 0

    @precondition(lambda self: self.model.closed and not self.unsent)
    @rule()
    def return_(self) -> None:
        """Connect again: nothing is left of what was."""
        self.model = Session(self.model.delivered)
        self.run(self.connect())
        self.begin(greeted=True)

    @initialize(greeted=MOSTLY)
    def begin(self, greeted: bool) -> None:
        """Greet before anything else, or do not."""
        if greeted:
            self.unsent += b"EHLO mx.test\r\n"
            self.model.greet()

    # -- a transaction

    @precondition(lambda self: self.clear() and self.model.transaction is None)
    @rule(words=SENDERS)
    def mail(self, words: list[bytes]) -> None:
        """Begin a transaction, or try to; no words: from <>."""
        line = b"MAIL FROM:<" + (b".".join(words) + b"@x.test" if words else b"") + b">"
        self.unsent += line + b"\r\n"
        self.model.mail(sender_of(line))

    @precondition(lambda self: self.in_transaction() and (not self.model.in_doubt or self.offered() < MAX_RECIPIENTS))
    @rule(words=RECIPIENTS)
    def rcpt(self, words: list[bytes]) -> None:
        """Add recipients, each unlike all others."""
        for word in words if self.clear() else words[:1]:
            self.recipients += 1
            path = b"%s.%d@y.test" % (word, self.recipients)
            self.unsent += b"RCPT TO:<" + path + b">\r\n"
            self.model.rcpt(path, WORDS[word])

    @precondition(lambda self: self.talking() and self.offered())
    @rule(sizes=SIZES)
    def data(self, sizes: list[int]) -> None:
        """Ask for the content, and wait as one must."""
        self.unsent += b"DATA\r\n"
        self.model.data()
        self.flush(sizes)

    @precondition(lambda self: self.model.in_content)
    @rule(pieces=CONTENTS, whole=MOSTLY)
    def content(self, pieces: list[bytes], whole: bool) -> None:
        """Send content with its end, what comes next perhaps along with it; or vanish within, and there is none."""
        octets = content(pieces)
        if whole:
            self.unsent += octets + b".\r\n"
            self.model.content(octets)
        else:
            self.client.send(octets)
            self.client.writer.write_eof()
            self.model.closed, self.model.in_content = True, False
            self.hear([])

    @precondition(lambda self: self.clear() and self.model.transaction is None)
    @rule(words=SENDERS, recipients=RECIPIENTS, pieces=CONTENTS, sizes=SIZES)
    def message(self, words: list[bytes], recipients: list[bytes], pieces: list[bytes], sizes: list[int]) -> None:
        """Send one all through, as gate 1 does."""
        self.mail(words)
        if self.model.transaction is not None:
            self.rcpt(recipients)
            self.data(sizes)
        if self.model.in_content:
            self.content(pieces, whole=True)

    @precondition(talking)  # there is always something to say
    @rule()
    def rset(self) -> None:
        """Give it up, or nothing."""
        self.unsent += b"RSET\r\n"
        self.model.rset()

    # -- out of turn

    @precondition(clear)
    @rule(line=st.sampled_from(list(ODD)), times=st.sampled_from([*[1] * 12, MAX_ERRORS]))
    def odd(self, line: bytes, times: int) -> None:
        """Say what is wrong, or means nothing; once, or on and on."""
        for _ in range(times):
            if self.clear() and not (line == b"DATA\r\n" and self.offered()):
                self.unsent += line
                ODD[line](self.model)

    @precondition(lambda self: self.in_transaction() and self.clear())
    @rule(few=MOSTLY)
    def err(self, few: bool) -> None:
        """Make errors within a transaction, which has a limit of its own."""
        for _ in range(3 if few else MAX_ERRORS):
            if not self.model.closed:
                self.unsent += b"RCPT TO:<>\r\n"
                self.model.rcpt(b"", refusal=501)

    @precondition(lambda self: self.clear() and not self.unsent and self.offered())
    @rule(waits=MOSTLY)
    def data_in_haste(self, waits: bool) -> None:
        """Send content without waiting for 354: the session ends, and none of it is a command."""
        if not waits:
            self.model.leave(421)
            self.hear([b"DATA\r\nS: 1\r\n\r\nx\r\n.\r\nMAIL FROM:<evil@x.test>\r\n"])

    def teardown(self) -> None:
        """Leave, hear the rest, and look what gate 2 has."""
        try:
            if self.model.in_content:
                self.content([], whole=True)
            if not self.model.closed:
                self.unsent += b"QUIT\r\n"
                self.model.leave(221)
            if self.unsent:
                self.hear([self.unsent])
            assert self.gate_2.delivered == self.model.delivered
        finally:
            self.run(self.parts.aclose())
            self.runner.close()


def test_any_session_is_answered_as_the_model_says():
    """Whatever is said in whatever order, pieces and groups."""
    patient = settings(max_examples=200, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow])
    run_state_machine_as_test(Talk, settings=patient)
