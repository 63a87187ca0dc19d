"""
Session: one connection from gate 1, on aiosmtpd.  The only file that knows aiosmtpd, and longer than others for it:
what overrides the stock class has to stand in one class.

What is left of the stock class is its life on the transport.  Replaced, each for a reason read in its source or
measured on it (1.4.6):
- the command loop: it strips LF-only line ends, shares its size limits over all connections, decodes arguments, and
  answers an exception by 500 with its text, which gate 1 would bounce;
- MAIL and RCPT: they parse paths with `email`, which decodes RFC 2047 words into CR LF; 555 for DSN parameters;
- DATA: it collects the message in memory before any hook runs, beyond its limit too;
- the timer: it runs on during DATA and while gate 2 is waited for;
- connection_lost and eof_received: they cancel the handler, after the dot went to gate 2 as well.  Nothing cancels
  a session here but the end of the drain; it sees the loss when it next reads or writes.

Log levels: DEBUG the dialogue, `<` what gate 1 sent, `>` what it got; WARNING a reverse-path that gate 1 has accepted
and our grammar refuses; ERROR a bug of ours, with traceback.
"""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP

from gateway.accept import commands
from gateway.accept.commands import split_command
from gateway.accept.inbox import BadLine, Inbox
from gateway.accept.incoming import Incoming
from gateway.accept.parameters import parse_mail, parse_xforward
from gateway.accept.paths import BadCommand
from gateway.message.envelope import XFORWARD_ATTRIBUTES, Client
from gateway.message.failure import PeerLost
from gateway.message.reply import Reply, own_fault

log = logging.getLogger(__name__)
logging.getLogger("mail.log").disabled = True  # aiosmtpd's own, which logs commands without escaping

MAX_UNREAD = 1_048_576  # octets of replies that gate 1 has not read, before it is given up
PATIENCE_S = 5.0  # seconds that a draining session gives gate 1 to begin the transaction it was promised
MAX_ERRORS = 20  # commands of a session answered 5xx by us, before it is closed
_POLICY = re.compile(rb"([a-z0-9-]+)\.policy\.invalid", re.IGNORECASE)
_OK = Reply.of("250 2.0.0 Ok")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session allows; numbers of octets, of recipients, of seconds."""

    max_message_octets: int
    max_recipients: int
    command_timeout_s: float  # for each whole command
    data_timeout_s: float  # of waiting for content, a second forgiven for each inbox.MIN_RATE octets


class Session(SMTP):
    """Speak SMTP with gate 1, handing each transaction to *transact*."""

    transport: asyncio.Transport | None

    def __init__(
        self,
        limits: Limits,
        slots: asyncio.Semaphore,
        transact: Callable[[Incoming], Awaitable[None]],
        *,
        xforward_allowed: bool,
        on_end: Callable[["Session"], None],
    ) -> None:
        super().__init__(None, hostname="localhost", ident="ESMTP", loop=asyncio.get_running_loop())
        self.max_message_octets = limits.max_message_octets
        self.max_recipients = limits.max_recipients
        self.command_timeout_s = limits.command_timeout_s
        self.data_timeout_s = limits.data_timeout_s
        self.inbox = Inbox(self._pause, self._resume)
        self._waiting = False  # for a command, with no transaction under way
        # Gate 1 relies on its next MAIL being heard: it has just connected, or its RSET was answered 250.  Postfix
        # asks by RSET whether a cached connection still works, and defers the message if MAIL then fails
        # (smtp_reuse.c, smtp_connect.c); if RSET fails it takes a fresh connection instead.
        self._promised = True
        self._slots = slots
        self._transact = transact
        self._xforward_allowed = xforward_allowed
        self._on_end = on_end
        self._greeted = False  # EHLO or HELO came
        self._policy = "default"  # what the HELO name asked for
        self._client: dict[str, bytes] = {}  # told by XFORWARD since the last transaction
        self._aftermath: Reply | None = None  # see Incoming.aftermath
        self._errors = 0
        self._stopping = False  # the worker drains
        self._closing = False  # nothing more is read
        self._outbox: list[bytes] = []  # replies not yet handed to the transport
        self.disconnected = asyncio.Event()  # the transport has sent all there was, or given up
        self._verbs: dict[bytes, Callable[[bytes], Awaitable[None]]] = {
            b"EHLO": self.smtp_EHLO,
            b"HELO": self.smtp_HELO,
            b"XFORWARD": self.smtp_XFORWARD,
            b"MAIL": self.smtp_MAIL,
            b"RCPT": self.smtp_RCPT,
            b"DATA": self.smtp_DATA,
            b"RSET": self.smtp_RSET,
            b"QUIT": self.smtp_QUIT,
        }

    # -- the transport's side

    def data_received(self, data: bytes) -> None:
        """Put what the transport read where line() and take() find it."""
        self.inbox.feed(data)

    def eof_received(self) -> bool:
        """Note that gate 1 has closed its side; ours stays open for replies."""
        self.inbox.feed_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Note that gate 1 is gone, without cancelling anything."""
        self.inbox.close()
        asyncio.StreamReaderProtocol.connection_lost(self, error)
        self.transport = None
        self.disconnected.set()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Leave aiosmtpd's timer unset; Inbox.more() has its own for each wait."""

    def _pause(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    # -- the session's side

    @property
    def lost(self) -> bool:
        """True when gate 1 cannot read a reply any more; it never closes its side before it has read them all."""
        return self.inbox.at_eof or self.transport is None or self.transport.is_closing()

    def send(self, reply: Reply) -> None:
        """Queue a reply; flush() sends it, in one piece with its neighbours."""
        octets = reply.wire()
        log.debug("pre > %s", octets)
        self._outbox.append(octets)

    def flush(self) -> None:
        """
        Hand queued replies to the transport; whoever sends commands and never reads is cut off.

        uvloop raises when one writes to a transport that it has closed but not yet reported lost.
        """
        if self._outbox and self.transport is not None and not self.transport.is_closing():
            self.transport.write(self._outbox[0] if len(self._outbox) == 1 else b"".join(self._outbox))
            if self.transport.get_write_buffer_size() > MAX_UNREAD:
                self.transport.abort()
        self._outbox.clear()

    @property
    def at_work(self) -> bool:
        """True while a transaction is under way, or gate 1 is about to begin one."""
        return not self._waiting or self._promised

    def drain(self) -> None:
        """Take no further transaction than a promised one: close now when idle, else after the one under way."""
        self._stopping = True
        if not self.at_work and not self.inbox:
            self._close(commands.STOPPING)
        elif self._waiting:
            self.loop.call_later(PATIENCE_S, self._lose_patience)

    def _lose_patience(self) -> None:
        if self._waiting:
            self._close(commands.STOPPING)

    def cut_off(self) -> asyncio.Future[None]:
        """Cancel whatever is under way; await the result for its end."""
        handler: asyncio.Task[None] | None = self._handler_coroutine
        if handler is None:
            return asyncio.ensure_future(asyncio.sleep(0))
        handler.cancel()
        return handler

    async def _handle_client(self) -> None:
        try:
            self.send(Reply.of("220 localhost ESMTP"))
            while not self._closing:
                await self._next_command()
        except PeerLost as lost:
            log.debug("session ended: %s", lost.cause)
        except Exception:
            log.exception("session failed")
            self.send(own_fault(421, "4.3.0", "internal error"))
        finally:
            self._close(None)
            self._on_end(self)

    async def _next_command(self) -> None:
        try:
            line = self.inbox.line()
        except BadLine:
            self._refuse(commands.BAD_LINE)
            return
        if line is None:
            await self._wait()
            return
        log.debug("pre < %s", line)
        if commands.has_control(line):
            self._refuse(commands.BAD_CHARACTER)
            return
        verb, argument = split_command(line)
        method = self._verbs.get(verb)
        try:
            if method is not None:
                await method(argument)
            else:
                self._other(verb)
        except BadCommand as bad:
            self._refuse(bad.reply)

    async def _wait(self) -> None:
        """Wait for the next command with nothing under way."""
        if self._stopping and not self._promised:
            self._close(commands.STOPPING)
            return
        self.flush()
        self._waiting = True
        try:
            if not await self.inbox.more(PATIENCE_S if self._stopping else self.command_timeout_s):
                raise PeerLost("gate 1 closed the connection")
        except TimeoutError:
            self._close(commands.STOPPING if self._stopping else commands.TIMED_OUT)
        finally:
            self._waiting = False

    def _refuse(self, reply: Reply) -> None:
        self.send(reply)
        self._errors += 1
        if self._errors >= MAX_ERRORS:
            self._close(commands.TOO_MANY_ERRORS)

    def _other(self, verb: bytes) -> None:
        reply = commands.fixed_reply(verb)
        if verb in commands.CLOSING:
            self._close(reply)
        elif reply.severity == 2:
            self.send(reply)
        else:
            self._refuse(reply)

    def _close(self, reply: Reply | None) -> None:
        if reply is not None and not self._closing:
            self.send(reply)
        self._closing = True
        self.flush()
        if self.transport is not None:
            self.transport.close()

    # -- commands

    def _greet(self, argument: bytes) -> None:
        if not argument:
            raise BadCommand(Reply.of("501 5.5.4 Hostname expected"))
        self._greeted = True
        self._forget()
        asked = _POLICY.fullmatch(argument)
        self._policy = asked[1].decode("ascii").lower() if asked else "default"

    def _forget(self) -> None:
        """Drop what belongs to the last transaction.  Postfix forgets XFORWARD at these places too (smtpd.c)."""
        self._client = {}
        self._aftermath = None

    async def smtp_EHLO(self, argument: bytes) -> None:  # noqa: N802 - aiosmtpd names its methods so
        """Greet, and list what is passed on to gate 2."""
        self._greet(argument)
        lines = ["PIPELINING", f"SIZE {self.max_message_octets}"]
        if self._xforward_allowed:
            lines.append("XFORWARD " + " ".join(XFORWARD_ATTRIBUTES))
        lines += ["ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8"]
        self.send(Reply.of("250 localhost\n" + "\n".join(lines)))

    async def smtp_HELO(self, argument: bytes) -> None:  # noqa: N802
        """Greet without extensions."""
        self._greet(argument)
        self.send(Reply.of("250 localhost"))

    async def smtp_XFORWARD(self, argument: bytes) -> None:  # noqa: N802
        """Keep what gate 1 says about its client, for the next transaction."""
        if not self._xforward_allowed:
            raise BadCommand(Reply.of("550 5.7.0 Insufficient authorization"))
        self._client |= parse_xforward(argument)
        self.send(_OK)

    async def smtp_MAIL(self, argument: bytes) -> None:  # noqa: N802
        """Carry one transaction, from MAIL to the reply after the dot, as soon as there is a slot for it."""
        if not self._greeted:
            raise BadCommand(commands.NEED_EHLO)
        try:
            reverse_path = parse_mail(argument, max_octets=self.max_message_octets)
        except BadCommand as bad:
            log.warning("gate 1 sent MAIL %s, answered %s", argument, bad.reply.text)
            self._aftermath = bad.reply
            raise
        asked = time.monotonic()
        async with self._slots:
            waited_s = time.monotonic() - asked
            client, self._client = Client(self._client), {}
            incoming = Incoming(self, reverse_path, client, self._policy, waited_s)
            self._promised = False
            if self.lost:
                raise PeerLost("gate 1 closed while it waited for a slot")
            await self._transact(incoming)
            self.flush()
        self._aftermath = incoming.aftermath

    async def smtp_RCPT(self, argument: bytes) -> None:  # noqa: N802
        """Refuse a recipient outside a transaction."""
        self._refuse(self._aftermath or commands.NEED_MAIL)

    async def smtp_DATA(self, argument: bytes) -> None:  # noqa: N802
        """Refuse content outside a transaction."""
        self._refuse(self._aftermath or commands.NEED_MAIL)

    async def smtp_RSET(self, argument: bytes) -> None:  # noqa: N802
        """Answer RSET; a transaction under way has ended by now."""
        self._forget()
        if self._stopping:
            self._close(commands.STOPPING)
            return
        self._promised = True
        self.send(_OK)

    async def smtp_QUIT(self, argument: bytes) -> None:  # noqa: N802
        """Answer QUIT and close."""
        with contextlib.suppress(OSError):
            self._close(Reply.of("221 2.0.0 Bye"))
