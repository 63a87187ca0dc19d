"""What a trap does to those it finds: kill or stop a process, cut or silence a connection."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import processes
from tests.faults.proxy import Session
from tests.faults.stage import SENDERS, Stage
from tests.faults.traps import Then

PORTS = {"edge": 2525, "scan": 10025, "reinject": 10026}
RECEIVERS = {"edge": "postfix-pre", "scan": "filter", "reinject": "postfix-post"}
PASS = Then()

type Strike = Callable[[Session], Then]
type Whom = Callable[[Session], list[int]]  # host pids


@dataclass(frozen=True)
class Strikes:
    """Makes strikes on a stage."""

    stage: Stage

    # --- whom -------------------------------------------------------------------------------------------------------

    def receiver(self, session: Session) -> list[int]:
        """Return the process at the receiving end of a session."""
        hop = session.hop.name
        pid = processes.owner(self.stage.init(RECEIVERS[hop]), local=PORTS[hop], remote=session.our_port)
        return [pid] if pid else []

    def sender(self, session: Session) -> list[int]:
        """Return the process at the sending end."""
        pid = processes.owner(self.stage.init(SENDERS[session.hop.name]), local=session.sender_port)
        return [pid] if pid else []

    def worker(self, session: Session) -> list[int]:
        """Return the filter's worker at this session."""
        return self.receiver(session) if session.hop.name == "scan" else self.sender(session)

    def all_of(self, service: str, *names: str) -> Whom:
        """Return a service's children of these names; PID 1 for none, with which all the others go."""

        def find(_: Session) -> list[int]:
            init = self.stage.init(service)
            return [pid for name in names for pid in processes.named(init, name)] if names else [init]

        return find

    # --- how --------------------------------------------------------------------------------------------------------

    def kill(self, whom: Whom, then: Then = PASS, *, number: int = signal.SIGKILL) -> Strike:
        """Signal processes at once, before the octets go where *then* says."""

        def strike(session: Session) -> Then:
            processes.signal_all(whom(session), number)
            return then

        return strike

    def kill_after_reading(self, reader: Whom, whom: Whom) -> Strike:
        """Stop *reader*, pass the octets to its socket, then kill: it has them, and could do nothing with them."""

        def strike(session: Session) -> Then:
            stopped, doomed = reader(session), whom(session)
            processes.signal_all(stopped, signal.SIGSTOP)

            def afterwards() -> None:
                processes.signal_all(doomed, signal.SIGKILL)
                processes.signal_all(stopped, signal.SIGKILL)

            return Then(afterwards=afterwards)

        return strike

    def stop(self, whom: Whom, lasts_s: float) -> Strike:
        """Stop processes, and let them go on after a while."""

        def strike(session: Session) -> Then:
            pids = whom(session)
            processes.signal_all(pids, signal.SIGSTOP)
            threading.Timer(lasts_s, processes.signal_all, (pids, signal.SIGCONT)).start()
            return PASS

        return strike

    def cut(self, how: str) -> Strike:
        """Close, reset or silence the connection itself."""
        return lambda _: Then(how)

    def cut_in_front(self, how: str, then: Then) -> Strike:
        """Close, reset or silence the connection on which gate 1 brings what a session of the filter's carries on."""

        def strike(session: Session) -> Then:
            carried = session.dialogue.transaction
            for other in list(self.stage.wire.hops["scan"].sessions):
                brought = other.dialogue.transaction
                if carried is not None and brought is not None and brought.recipients == carried.recipients:
                    other.break_off(how)
            return then

        return strike
