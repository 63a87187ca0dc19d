"""
Pool: connections to gate 2 kept for the next transaction, and the list of places where gate 2 answers.

The places are used in turn, with a kept connection where there is one; one that cannot be reached is skipped for a
while, unless there is no other.  A new connection is opened only when none to that place is idle, so each place has
as many as there are transactions at once, and no more.

A connection is not kept for longer than LIFE_S, however busy it is.  Postfix's master, when it reloads, goes on
counting an idle process of before as available; if that takes our connection in this very moment, nobody else listens
on 10026 until it ends (master_avail.c: avail_proc falls only when the process says so, which the reload made
impossible, or ends).  Measured: under load, gate 2 took no new connection for minutes.

Log levels: WARNING a place that cannot be reached, INFO its return.
"""

import asyncio
import logging
from collections.abc import Sequence

from gateway.forward.connection import Connection, ConnectionFailed, Timeouts, connect

log = logging.getLogger(__name__)

LIFE_S = 10.0  # seconds after its opening in which a connection is kept for another transaction
DEAD_S = 10.0  # seconds a place is skipped that could not be reached


class Pool:
    """Give connections to gate 2, kept ones first."""

    def __init__(self, next_hops: Sequence[tuple[str, int]], helo_name: str, timeouts: Timeouts) -> None:
        """
        Prepare, without connecting.

        Args:
            next_hops: Host and port of each place where gate 2 answers, at least one.
            helo_name: Our name in EHLO, ASCII.
            timeouts: Seconds to wait for gate 2, for the deliveries as well.
        """
        self.timeouts = timeouts
        self._next_hops = list(next_hops)
        self._helo_name = helo_name
        self._turn = 0  # index of the place to begin with
        self._dead_until: dict[tuple[str, int], float] = {}  # loop time
        self._kept: list[Connection] = []  # the one used last at the end
        self._closed = False

    def reuse(self) -> Connection | None:
        """Give a kept connection to the place whose turn it is, still usable, or None: fresh() is for that place."""
        hop = self._order()[0]
        for connection in reversed(self._kept):
            if connection.hop != hop:
                continue
            self._kept.remove(connection)
            if connection.usable:
                self._next_turn()
                return connection
            connection.fail("spoke while it was kept")
        return None

    def _order(self) -> list[tuple[str, int]]:
        """List the places, beginning with the one whose turn it is; the dead come last."""
        order = self._next_hops[self._turn :] + self._next_hops[: self._turn]
        if not self._dead_until:
            return order
        now = asyncio.get_running_loop().time()
        return sorted(order, key=lambda hop: self._dead_until.get(hop, 0.0) > now)  # stable

    def _next_turn(self) -> None:
        self._turn = (self._turn + 1) % len(self._next_hops)

    async def fresh(self) -> Connection:
        """
        Open a connection at the first place, in turn, that answers.

        Raises:
            ConnectionFailed: none does; the last one's reason.
        """
        failure = ConnectionFailed("no next hop")
        order = self._order()
        self._next_turn()
        for hop in order:
            try:
                connection = await connect(*hop, self._helo_name, self.timeouts)
            except ConnectionFailed as error:
                failure = error
                self._note_dead(hop, error)
            else:
                if self._dead_until.pop(hop, None) is not None:
                    log.info("gate 2 answers again at %s:%d", *hop)
                return connection
        raise failure

    def _note_dead(self, hop: tuple[str, int], error: ConnectionFailed) -> None:
        now = asyncio.get_running_loop().time()
        if self._dead_until.get(hop, 0.0) <= now:  # once in DEAD_S, not for each message that waits
            log.warning("gate 2 does not answer at %s:%d: %s", *hop, error)
        self._dead_until[hop] = now + DEAD_S

    def keep(self, connection: Connection) -> None:
        """Take back a connection on which gate 2 has just taken a message, so that its state is clean."""
        if not connection.usable:
            connection.fail("out of step")
            return
        loop = asyncio.get_running_loop()
        left = connection.opened_at + LIFE_S - loop.time()
        if self._closed or left <= 0:
            connection.close()
            return
        if not connection.timed:  # not for each transaction: in use at the end of its life, keep() closes it
            connection.timed = True
            loop.call_later(left, self._expire, connection)
        self._kept.append(connection)

    def close(self) -> None:
        """Close what is kept, and keep nothing any more."""
        self._closed = True
        while self._kept:
            self._kept.pop().close()

    def _expire(self, connection: Connection) -> None:
        connection.timed = False
        if connection in self._kept:
            self._kept.remove(connection)
            connection.close()
