"""All hops of an appliance in one loop, on a thread of its own, and the journal of blows."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from tests.faults.oracle import Fault
from tests.faults.phases import Transaction, met
from tests.faults.proxy import Hop

type UnderWay = list[tuple[Transaction, str]]  # with the phase at the blow


class Wire:
    """The hops, and what struck on them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        ports = {"edge": 2525, "scan": 10025, "reinject": 10026, "egress": 25}
        self.hops = {name: Hop(self, name, port) for name, port in ports.items()}
        self._blows: list[tuple[Fault, UnderWay]] = []
        self._lasting: list[UnderWay] = []  # of those that go on
        self._striking: list[tuple[str, str]] = []  # a hop, and what strikes each attempt there anew

    def call(self, work: Any) -> Any:
        """Run a coroutine in the loop and wait for it."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(60)

    def journal(self, what: str, phase: str) -> Fault:
        """Note a blow and every transaction under way at that instant."""
        sessions = [session for hop in self.hops.values() for session in hop.sessions]
        transactions = (session.dialogue.transaction for session in sessions)
        under_way = [(transaction, transaction.phase) for transaction in transactions if transaction is not None]
        fault = Fault(what, phase)
        self._blows.append((fault, under_way))
        return fault

    @contextlib.contextmanager
    def lasting(self, what: str) -> Iterator[None]:
        """Note a blow that goes on for a while: what breaks meanwhile was met by it too."""
        self.journal(what, "any")
        self._lasting.append(self._blows[-1][1])
        try:
            yield
        finally:
            self._lasting.pop()

    @contextlib.contextmanager
    def striking(self, what: str, hop: str) -> Iterator[None]:
        """Note a blow for each transaction that breaks on a hop meanwhile: each attempt at a message is struck anew."""
        self._striking.append((hop, what))
        try:
            yield
        finally:
            self._striking.remove((hop, what))

    def note_broken(self, transaction: Transaction, hop: str) -> None:
        """Add a transaction whose connection has just ended under it to the blows that last."""
        for what in (what for where, what in self._striking if where == hop):
            self._blows.append((Fault(what, "any"), [(transaction, transaction.phase)]))
        for lasting in self._lasting:
            lasting.append((transaction, transaction.phase))

    def faults(self) -> list[Fault]:
        """Return the journal since the last call: of each blow, those transactions that did not survive it."""
        blows, self._blows = self._blows, []
        for fault, transactions in blows:
            fault.met.update(met(transactions))
        return [fault for fault, _ in blows]

    async def _end_sessions(self) -> None:
        for hop in self.hops.values():
            hop.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Stand in nobody's way any more, and end the thread."""
        for hop in self.hops.values():
            hop.leave()
        self.call(self._end_sessions())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
