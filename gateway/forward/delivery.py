"""
Delivery: the outward half of a transaction: offer() the envelope, write() the content, commit() or abort().

The final dot is sent by commit() alone.  Until then gate 2 drops what it has when the connection closes, so abort()
is the answer to every doubt (RFC 5321 section 4.1.1.4: no end of data, no message).  After it nothing is tried a
second time: whether gate 2 took the message is unknown, and gate 1, which still has it, tries again (RFC 1047).

A connection is kept for the next transaction only after gate 2 took a message on it: then its state is known to be
clean without RSET, and its error count is zero.

XFORWARD is sent for every transaction, for Postfix forgets it at the end of each (smtpd.c, mail_reset).

Log levels: WARNING gate 2 refused XFORWARD.
"""

import logging
from collections.abc import Iterable, Sequence

from gateway.forward.connection import Connection, ConnectionFailed
from gateway.forward.dialogue import envelope_command, xforward_commands
from gateway.forward.pool import Pool
from gateway.message.content import Stuffing
from gateway.message.envelope import Client, EnvelopeCommand, Recipient, ReversePath, StartContent
from gateway.message.failure import Deferral
from gateway.message.reply import Reply, own_fault

log = logging.getLogger(__name__)

UNREACHABLE = own_fault(451, "4.4.1", "next hop cannot be reached")
LOST = own_fault(451, "4.4.2", "connection to next hop lost")
UNKNOWN_OUTCOME = own_fault(451, "4.4.2", "no usable reply from next hop after end of data")
NO_SMTPUTF8 = own_fault(451, "4.6.7", "next hop does not offer SMTPUTF8")
NO_RECIPIENTS = Reply.of("554 5.5.1 No valid recipients")  # harmless: each recipient has its own answer by then

# The classes of reply each command may get; any other means that commands and replies are out of step.
_EXPECTED = {ReversePath: (2, 4, 5), Recipient: (2, 4, 5), StartContent: (3, 4, 5)}


class Delivery:
    """One message on its way to gate 2."""

    def __init__(self, pool: Pool, client: Client) -> None:
        self.committed = False  # the final dot was sent
        self._pool = pool
        self._client = client
        self._connection: Connection | None = None
        self._mail: Reply | None = None  # gate 2's answer to MAIL
        self._accepted = 0  # recipients gate 2 took
        self._last = b""  # slice of content kept back, so that the dot goes along with it
        self._in_step = True  # every command sent is answered, and none of them opened the content

    async def offer(self, group: Sequence[EnvelopeCommand]) -> list[Reply]:
        """
        Pass envelope commands on, in one piece where gate 2 offers PIPELINING.

        Args:
            group: MAIL first of all; what is a Reply already stays as it is.

        Returns:
            One reply for each command, gate 2's own, fit for gate 1.

        Raises:
            Deferral: gate 2 cannot be reached, closed, was silent, or its replies are out of step.
        """
        try:
            if self._connection is None:
                return await self._begin(group)
            return await self._exchange(self._connection, group)
        except ConnectionFailed as failed:
            raise Deferral(LOST if self._connection else UNREACHABLE, cause=str(failed)) from None

    async def _begin(self, group: Sequence[EnvelopeCommand]) -> list[Reply]:
        """Send the first group, on a kept connection if there is one; if that turns out closed, on a fresh one."""
        self._connection = kept = self._pool.reuse()
        if kept is not None:
            try:
                return await self._exchange(kept, group)
            except ConnectionFailed:
                if self._mail is not None or not kept.closed_by_peer:
                    raise
                self._connection = None
        self._connection = await self._pool.fresh()
        return await self._exchange(self._connection, group)

    async def _exchange(self, connection: Connection, group: Sequence[EnvelopeCommand]) -> list[Reply]:
        """Send a group and collect its replies, in turn."""
        at_once = b"PIPELINING" in connection.extensions
        opening = self._opening(connection, group[0])
        self._in_step = False
        if at_once:
            self._send(connection, opening + [_line(connection, item) for item in group if not isinstance(item, Reply)])
        for line in opening:
            if not at_once:
                self._send(connection, [line])
            self._introduced(connection, connection.at_hand() or await connection.reply(self._pool.timeouts.reply_s))
        replies = []
        for item in group:
            if isinstance(item, Reply):
                replies.append(item)
            elif not at_once and (known := self._known(item)) is not None:
                replies.append(known)
            else:
                if not at_once:
                    self._send(connection, [_line(connection, item)])
                reply = connection.at_hand() or await connection.reply(self._pool.timeouts.reply_s)
                replies.append(self._judged(connection, item, reply))
        if connection.out_of_step:
            raise connection.fail("gate 2 sent more replies than it got commands")
        self._in_step = not any(reply.severity == 3 for reply in replies)
        return replies

    def _send(self, connection: Connection, lines: list[bytes]) -> None:
        if log.isEnabledFor(logging.DEBUG):
            for line in lines:
                log.debug("post > %s", line)
        connection.send(b"".join(lines))

    def _opening(self, connection: Connection, item: EnvelopeCommand) -> list[bytes]:
        """Build what goes before MAIL: who the client is, unless there is nobody to tell of and never was."""
        if not isinstance(item, ReversePath):
            return []
        if item.smtputf8 and b"SMTPUTF8" not in connection.extensions:
            raise Deferral(NO_SMTPUTF8, cause="gate 2 does not offer SMTPUTF8")
        if not self._client.attributes and not connection.told_client:
            return []
        connection.told_client = True
        return xforward_commands(self._client.attributes, connection.xforward)

    def _introduced(self, connection: Connection, reply: Reply) -> None:
        """Judge the reply to XFORWARD; a refusal costs only what gate 2 logs of the client."""
        _expect(connection, reply, (2, 4, 5))
        if reply.code == 421:
            raise connection.closing(reply)
        if reply.severity != 2:
            log.warning("gate 2 refused XFORWARD: %s", reply.text)

    def _judged(self, connection: Connection, item: EnvelopeCommand, reply: Reply) -> Reply:
        """Give gate 2's reply to a command as gate 1 may have it."""
        _expect(connection, reply, _EXPECTED[type(item)])
        if isinstance(item, ReversePath):
            if reply.code == 421 and connection.transactions:
                raise connection.closing(reply)
            self._mail = reply.relayed()
            return self._mail
        known = self._known(item)
        if known is not None:
            if reply.severity == 3:
                raise connection.fail("gate 2 wants content for no recipient")
            return known
        self._accepted += isinstance(item, Recipient) and reply.severity == 2
        return reply.relayed()

    def _known(self, item: EnvelopeCommand) -> Reply | None:
        """Give the reply that follows from those before it: MAIL was refused, or DATA has no recipient."""
        if self._mail is not None and self._mail.severity != 2:
            return self._mail
        return NO_RECIPIENTS if isinstance(item, StartContent) and not self._accepted else None

    async def write(self, wire: bytes) -> None:
        """
        Send a slice of content, dot-stuffed, line ends CRLF; waits while gate 2 takes none.

        The last slice is kept back until the next comes or commit() sends it with the dot: one write less for each
        message, here and in what gate 2 reads.

        Raises:
            Deferral: gate 2 closed or took nothing for too long.
        """
        connection = self._open_connection()
        previous, self._last = self._last, wire
        if not previous:
            return
        try:
            await connection.write(previous, self._pool.timeouts.reply_s)
        except ConnectionFailed as failed:
            raise Deferral(LOST, cause=str(failed)) from None

    async def write_content(self, chunks: Iterable[bytes]) -> None:
        """
        Send a whole content, given as it is without dot-stuffing; a last line that does not end is ended.

        Raises:
            Deferral: see write().
        """
        stuffing = Stuffing()
        for octets in chunks:
            await self.write(stuffing.wire(octets))
        if missing := stuffing.end():
            await self.write(missing)

    async def commit(self) -> Reply:
        """
        Send what was kept back with the final dot and give gate 2's answer.

        Returns:
            The reply for gate 1: 2xx, then the message is gate 2's; 4xx or 5xx, then it is not.

        Raises:
            Deferral: gate 2 is lost or out of step; with outcome_unknown when the dot had been sent.
        """
        connection = self._open_connection()
        if not connection.usable:
            raise Deferral(LOST, cause=connection.failure or "gate 2 spoke during the content")
        self.committed = True
        try:
            connection.send(self._last + b".\r\n")
            reply = await connection.reply(self._pool.timeouts.commit_s)
            if reply.severity == 3:
                raise connection.fail(f"gate 2 is out of step: {reply.text!r}")
        except ConnectionFailed as failed:
            raise Deferral(UNKNOWN_OUTCOME, cause=str(failed), outcome_unknown=True) from None
        self._in_step = True
        if reply.severity == 2:
            connection.transactions += 1
            self._connection = None
            self._pool.keep(connection)
        return reply.relayed()

    def abort(self) -> None:
        """Let go of gate 2, without a final dot; does nothing after commit() brought an answer of 2xx."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._in_step:
            connection.close()
        else:
            connection.fail("aborted")

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("content before envelope")
        return self._connection


def _line(connection: Connection, item: ReversePath | Recipient | StartContent) -> bytes:
    return envelope_command(item, connection.extensions)


def _expect(connection: Connection, reply: Reply, classes: tuple[int, ...]) -> None:
    """Make sure that a reply can be one to the command it is taken for."""
    if reply.severity not in classes or (reply.severity == 3 and reply.code != 354):
        raise connection.fail(f"gate 2 is out of step: {reply.text!r}")
