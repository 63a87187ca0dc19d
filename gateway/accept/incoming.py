"""
Incoming: one transaction as gate 1 brings it, from MAIL to the reply after the dot.

transaction.py pulls from it: groups of envelope commands, each group being what gate 1 had sent in one go, then
chunks of content.  Each command gets its answer in its turn, and whatever happens `finish()` leaves the session at
a point where the next octet from gate 1 is the first of a command, or closed.

Log levels: WARNING an address that gate 1 has accepted and our grammar refuses; DEBUG the dialogue.
"""

import asyncio
import logging
from typing import Protocol

from gateway.accept import commands
from gateway.accept.commands import split_command
from gateway.accept.framing import MAX_FEED, DataReader
from gateway.accept.inbox import BadLine, Inbox
from gateway.accept.parameters import parse_rcpt, too_big
from gateway.accept.paths import BadCommand
from gateway.message.content import Chunk
from gateway.message.envelope import Client, Envelope, EnvelopeCommand, Recipient, ReversePath, StartContent
from gateway.message.failure import Abandoned, PeerLost, Rejection
from gateway.message.reply import Reply

log = logging.getLogger(__name__)

MAX_ERRORS = 20  # commands of a transaction that we answer 5xx ourselves, before the session is closed
_TOO_MANY_RECIPIENTS = Reply.of("452 4.5.3 Too many recipients")


class Peer(Protocol):
    """What Incoming needs of the session it belongs to."""

    inbox: Inbox
    max_message_octets: int
    max_recipients: int
    command_timeout_s: float
    data_timeout_s: float

    def send(self, reply: Reply) -> None:
        """Queue a reply."""

    def flush(self) -> None:
        """Hand queued replies to the transport."""

    @property
    def lost(self) -> bool:
        """True when gate 1 cannot read a reply any more."""


class Incoming:
    """The inward half of a transaction."""

    def __init__(self, peer: Peer, reverse_path: ReversePath, client: Client, policy: str, waited_s: float) -> None:
        self.envelope = Envelope(reverse_path)
        self.client = client
        self.policy = policy  # name of the policy gate 1 asks for
        self.waited_s = waited_s  # seconds between MAIL and a free slot
        # What RCPT and DATA hear when the transaction failed before its content: gate 1 may have sent them, or be
        # about to, without having read that MAIL was deferred, and 503 would make bounces of deferrals.
        self.aftermath: Reply | None = None
        self._peer = peer
        self._inbox = peer.inbox
        self._waiting: list[EnvelopeCommand] = [reverse_path]  # taken from gate 1, not yet answered
        self._offered = 0  # RCPT commands handed out
        self._errors = 0  # commands answered 5xx here
        self._reader: DataReader | None = None  # set once 354 was answered
        self._over: Abandoned | None = None  # everything is answered, nothing can follow

    @property
    def octets(self) -> int:
        """Octets of content so far."""
        return self._reader.octets if self._reader else 0

    @property
    def stray_line_ends(self) -> int:
        """Lone CR and LF that were made a space so far."""
        return self._reader.stray_line_ends if self._reader else 0

    @property
    def gone(self) -> bool:
        """True when gate 1 will not read a reply; it then has the message still and tries again."""
        return self._peer.lost

    async def next_group(self) -> list[EnvelopeCommand]:
        """
        Give the next envelope commands that came together; `answer` must follow.

        Returns:
            At least one command, the first of all being MAIL; empty once DATA was answered by 354.

        Raises:
            Abandoned: the transaction is over and all is answered.
            PeerLost: gate 1 closed, or sent no whole command for command_timeout_s.
        """
        if self._over:
            raise self._over
        if self._reader:
            return []
        while self._take_commands():
            self._peer.flush()
            await self._more(self._peer.command_timeout_s)
        return self._waiting

    def _take_commands(self) -> bool:
        """Move complete command lines from the inbox to the group; True when there is still no command at all."""
        while not self._waiting or not isinstance(self._waiting[-1], StartContent):
            try:
                line = self._inbox.line()
            except BadLine:
                self._waiting.append(self._count_error(commands.BAD_LINE))
                continue
            if line is None:
                break
            verb, argument = split_command(line)
            if verb in commands.OUTSIDE:
                self._inbox.put_back(line + b"\r\n")
                if not self._waiting:
                    raise Abandoned(f"ended by {verb.decode('ascii')}")
                break
            log.debug("pre < %s", line)
            self._waiting.append(self._count_error(self._read(line, verb, argument)))
        return not self._waiting

    def _read(self, line: bytes, verb: bytes, argument: bytes) -> EnvelopeCommand:
        """Turn a command line into a command for gate 2, or into the reply it gets here."""
        if commands.has_control(line):
            return commands.BAD_CHARACTER
        if verb == b"RCPT":
            if self._offered >= self._peer.max_recipients:
                return _TOO_MANY_RECIPIENTS
            try:
                recipient = parse_rcpt(argument)
            except BadCommand as bad:
                log.warning("gate 1 sent RCPT %s, answered %s", argument, bad.reply.text)
                return bad.reply
            self._offered += 1
            return recipient
        if verb == b"DATA":
            return self._read_data(argument)
        if verb == b"MAIL":
            return commands.NESTED_MAIL
        return commands.IN_TRANSACTION if verb == b"XFORWARD" else commands.fixed_reply(verb)

    def _read_data(self, argument: bytes) -> EnvelopeCommand:
        """
        Turn DATA into a command for gate 2, if it is the last thing gate 1 has sent.

        Raises:
            PeerLost: content came along with it.  Had gate 2 refused DATA, we would read it as commands.
        """
        if argument:
            return commands.NO_ARGUMENT
        if not self._offered:
            return commands.NEED_RCPT
        if self._inbox:
            self._peer.send(commands.OUT_OF_STEP)
            raise PeerLost("gate 1 sent more after DATA without waiting for 354")
        return StartContent()

    def _count_error[Command: EnvelopeCommand](self, command: Command) -> Command:
        """Count what we answer 5xx ourselves; a stranger's octets are not read for ever."""
        if isinstance(command, Reply) and command.severity == 5:
            self._errors += 1
            if self._errors >= MAX_ERRORS:
                self._peer.send(commands.TOO_MANY_ERRORS)
                raise PeerLost("too many errors")
        return command

    def answer(self, replies: list[Reply]) -> None:
        """
        Answer the last group.

        Args:
            replies: One for each command of the group, in its order.
        """
        waiting, self._waiting = self._waiting, []
        for command, reply in zip(waiting, replies, strict=True):
            self._peer.send(reply)
            self._note(command, reply)

    def _note(self, command: EnvelopeCommand, reply: Reply) -> None:
        """Keep what an answer means for the rest of the transaction."""
        if isinstance(command, Recipient):
            if reply.severity == 2:
                self.envelope.recipients.append(command)
            else:
                self.envelope.refused.append((command, reply))
        elif isinstance(command, ReversePath) and reply.severity != 2:
            self._over = Abandoned("reverse-path refused", reply)
            self.aftermath = reply
        elif isinstance(command, StartContent):
            if reply.severity == 3:
                self._reader = DataReader()
            else:
                self._over = self._over or Abandoned("content refused", reply)
                self.aftermath = self.aftermath or reply

    async def next_chunk(self) -> Chunk | None:
        """
        Give the next slice of content, or None after the last.

        Raises:
            PeerLost: gate 1 closed before the final dot, or kept us waiting for data_timeout_s.
            Rejection: the content grew beyond max_message_octets.
        """
        reader = self._reader
        if reader is None:
            raise RuntimeError("content asked for before DATA")
        while not reader.done:
            data = self._inbox.take(MAX_FEED)
            if not data:
                self._peer.flush()
                await self._more(self._peer.data_timeout_s)
                continue
            chunk = reader.feed(data)
            if reader.done:
                self._inbox.put_back(reader.take_rest())
            if reader.octets > self._peer.max_message_octets:
                raise Rejection(too_big(self.envelope.reverse_path))
            if chunk:
                return chunk
        return None

    async def finish(self, reply: Reply) -> None:
        """
        Give the last answer: to the dot, reading on to it first, or to each command still waiting.

        Raises:
            PeerLost: gate 1 did not bring the content to its end.
        """
        if self._reader:
            if not self._reader.done:
                await self._skip_content(self._reader)
            self._peer.send(reply)
        elif self._over is None:
            self.aftermath = reply
            for command in self._waiting:
                self._peer.send(command if isinstance(command, Reply) else reply)
        self._peer.flush()

    async def _skip_content(self, reader: DataReader) -> None:
        """
        Read on to the final dot; what is left of a refused message must never be read as commands.

        Raises:
            PeerLost: it did not come within data_timeout_s; a message that nobody wants keeps its slot no longer.
        """
        try:
            async with asyncio.timeout(self._peer.data_timeout_s):
                while not reader.done:
                    data = self._inbox.take(MAX_FEED)
                    if data:
                        reader.feed(data)
                    else:
                        await self._more(self._peer.data_timeout_s)
        except TimeoutError:
            raise self._timed_out() from None
        self._inbox.put_back(reader.take_rest())

    async def _more(self, timeout_s: float) -> None:
        try:
            if await self._inbox.more(timeout_s):
                return
        except TimeoutError:
            raise self._timed_out() from None
        raise PeerLost("gate 1 closed the connection")

    def _timed_out(self) -> PeerLost:
        """Say so to gate 1, which keeps the message, and give the exception to raise."""
        self._peer.send(commands.TIMED_OUT)
        return PeerLost("gate 1 was silent or slow for too long")
