"""
The stage: an appliance with proxies on its hops, a client, a sink; and how a case is played on it.

Timers are scaled down (docs/faults.md): retries after seconds, and time-outs in the order they are rendered in, the
inner hop first.  The filter's are in its gateway.toml: 5 s for a reply of gate 2, 8 s for that to the dot, 15 s for a
transaction, of which 7 s before the dot.  Gate 1 waits 17 s, before the dot as after it; rendered it is a minute more
than the filter.  Scaling edits the current generation in the volume, which the gateway would never do, so that the
settings' own limits need not know of tests.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import processes
from tests.faults.oracle import Stored, Verdict, judge, recovery_s
from tests.faults.traps import Trap
from tests.faults.wire import Wire
from tests.stack.appliance import Appliance
from tests.stack.client import ROOT, run, wait_for

GATES = ("postfix-pre", "postfix-post")
SENDERS = {"edge": "", "scan": "postfix-pre", "reinject": "filter", "egress": "postfix-post"}  # hop -> who connects
SETTLE_S = 60  # until all queues are empty again
RETRIES = ("queue_run_delay", "minimal_backoff_time", "maximal_backoff_time", "transport_retry_time")
WAITS = ("helo", "xforward", "mail", "rcpt", "data_init", "data_xfer", "data_done", "rset", "quit")
PATIENCE_S = 17  # of gate 1 for the filter
SCALE = f"""
set -e
cd /rendered/current
put() {{ sed -i "/^$2 *=/d" $1/main.cf; echo "$2 = $3" >>$1/main.cf; }}
for gate in {" ".join(GATES)}; do
    for key in {" ".join(RETRIES)}; do put $gate $key 2s; done
    put $gate maximal_backoff_time 4s
    for wait in {" ".join(WAITS)}; do put $gate smtp_${{wait}}_timeout {PATIENCE_S}s; done
done
put postfix-post smtpd_timeout 30s
sed -i 's/^command_timeout_s .*/command_timeout_s = 14/; s/^data_timeout_s .*/data_timeout_s = 10/' filter/filter.toml
sed -i 's/^connect_timeout_s .*/connect_timeout_s = 4/' filter/filter.toml
"""


@dataclass
class Result:
    """What a case showed."""

    row: str  # of docs/faults.md
    what: str
    phase: str
    verdict: Verdict
    blows: int
    recovery_s: float  # from the end of the last blow until all mail taken before was delivered
    client: dict  # its tally
    complaints: list[str] = field(default_factory=list)  # beyond the verdict, what was not as it should be

    @property
    def holds(self) -> bool:
        """True when everything was as promised."""
        return self.verdict.holds and not self.complaints


class Stage:
    """An appliance that faults are played on."""

    def __init__(self, appliance: Appliance) -> None:
        self.appliance = appliance
        self.wire = Wire()
        self._cases = 0
        self._inits: dict[str, int] = {}  # service -> host pid of its PID 1, as last seen
        self._seen = {"journal": 0, "messages": 0}  # lines of each that belong to earlier cases

    # --- setting up ------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Start client and sink, scale the timers, stand in the way of every hop."""
        self.client = self.appliance.client("sender")
        address = str(self.appliance.network("egress")[12])
        self.sink = self.appliance.sink(ip=address, program="tests.faults.sink")
        self.server = self.appliance.outside
        self.rewrite(SCALE)
        self.ready()

    def rewrite(self, script: str, *services: str) -> None:
        """Change the current generation by a shell script, and reload services: all, or none for the empty name."""
        volume, image = f"{self.appliance.project}_rendered:/rendered", f"sallyport-tools:{self.appliance.project}"
        run("docker", "run", "--rm", "-i", "--network", "none", "-v", volume, image, "bash", stdin=script)
        for service in services or ("postfix-pre", "filter", "postfix-post"):
            if service:
                self.reload(service)

    def reload(self, service: str) -> None:
        """Reload a service on the generation it runs."""
        generation = self.appliance.exec(service, "generation").stdout.strip()
        self.appliance.exec(service, "reload", generation)

    def ready(self) -> None:
        """Wait until all containers run, and stand in the way of each hop."""
        moved = False
        for name, service in SENDERS.items():
            hop = self.wire.hops[name]
            init = wait_for(lambda service=service: self.init(service), f"{service or 'client'} runs", 90)
            moved |= hop.init not in (0, init)
            hop.install(init)
        if moved:  # connections made before the rule go past the proxy: new workers have none
            self.wait_for_workers()
            self.renew_workers()
        for hop in self.wire.hops.values():
            self.wire.call(hop.drop_idle())

    def init(self, service: str) -> int:
        """Return the host pid of a service's PID 1, of the client's for the empty name; 0 while it does not run."""
        init = self._inits.get(service, 0)
        if not Path(f"/proc/{init}/root/etc").exists():  # asked often, and by traps, in whose time nothing moves
            init = processes.init_of(self.appliance.container(service) if service else self.client.name)
            self._inits[service] = init
        return init

    def workers(self) -> list[int]:
        """Return the host pids of the filter's workers."""
        return processes.named(self.init("filter"), "gateway.worker")

    def renew_workers(self) -> None:
        """Replace the workers, in order; supervisord starts new ones, which read code and settings anew."""
        before = set(self.workers())
        processes.signal_all(list(before), signal.SIGTERM)
        wait_for(lambda: not before & set(self.workers()), "the old workers' end", 60)
        self.wait_for_workers()

    def wait_for_workers(self) -> None:
        """Wait until the filter has both of its workers, and they greet."""
        wait_for(lambda: len(self.workers()) == 2, "two workers", 60)
        wait_for(lambda: self.appliance.exec("filter", "healthy", check=False).returncode == 0, "the filter greets")

    # --- playing a case ---------------------------------------------------------------------------------------------

    def play(
        self,
        row: str,
        what: str,
        *,
        traps: Sequence[Trap] = (),
        act: Callable[[], None] | None = None,
        **load: object,
    ) -> Result:
        """
        Send a batch while a fault strikes, wait until all is quiet, and judge.

        Args:
            row: Of docs/faults.md.
            what: For the table.
            traps: Strike at their phases; each is expected to.
            act: Runs beside the client; what it breaks it mends before it returns.
            load: Replaces values of the client's task.
        """
        self.ready()
        self._cases += 1
        for trap in traps:
            self.wire.hops[trap.hop].traps.append(trap)
        tally: dict = {}
        sending = threading.Thread(target=lambda: tally.update(self._send(**load)))
        sending.start()
        ended = time.monotonic()
        if act is not None:
            try:
                act()
            finally:
                ended = time.monotonic()
                sending.join()
        sending.join()
        for hop in self.wire.hops.values():
            hop.disarm()
        quiet = self.settle()
        ended = max([ended, *(trap.struck[-1] + trap.lasts_s for trap in traps if trap.struck)])
        complaints = [f"never struck at {trap.phase}" for trap in traps if not trap.struck]
        if not tally or tally["refused"] or tally["given_up"]:
            complaints.append(f"client: {tally or 'failed'}")
        if not quiet:
            complaints.append(f"queues not empty after {SETTLE_S} s")
        verdict, took_s = self._judge(ended)
        return Result(
            row,
            what,
            " ".join(dict.fromkeys(trap.phase for trap in traps)),
            verdict,
            blows=sum(len(trap.struck) for trap in traps) + (act is not None),
            recovery_s=round(took_s, 1),
            client=tally,
            complaints=complaints,
        )

    def _send(self, **load: object) -> dict:
        defaults = {
            "server": self.server,
            "name": f"n{self._cases}",
            "count": 200,
            "parallel": 5,
            "octets": 2000,
            "sender": "s-{id}@back.test",
            "recipients": ["r-{id}@fault.test"],
            "patience_s": 60,
            "pace_s": 0,
        }
        program = (ROOT / "tests/faults/client.py").read_text()
        command = ("docker", "exec", "-i", self.client.name, "python3", "-c", program, "/tmp/journal")
        return json.loads(run(*command, stdin=json.dumps(defaults | load)).stdout)

    def spooled(self, gate: str) -> int:
        """
        Count the messages in a gate's queue, without a process in its container; -1 while it does not run.

        A file that may not be executed is one that cleanup had not finished when it died: nobody was told 250 for it.
        """
        spool = Path(f"/proc/{self.init(gate)}/root/var/spool/postfix")
        if not spool.exists():
            return -1
        queues = ("maildrop", "incoming", "active", "deferred")
        paths = (Path(place, name) for queue in queues for place, _, names in os.walk(spool / queue) for name in names)
        return sum(_is_complete(path) for path in paths)

    def stored(self) -> int:
        """Count the messages at the sink, of all cases."""
        return len(self.sink.sh("cat /tmp/sink/messages 2>/dev/null", check=False).stdout.splitlines())

    def settle(self, timeout_s: float = SETTLE_S) -> bool:
        """Wait until both queues are empty and no session is silenced; return whether that came to be."""
        deadline = time.monotonic() + timeout_s
        empty_since = None
        while time.monotonic() < deadline:
            if any(self.spooled(gate) for gate in GATES):
                empty_since = None
            else:
                empty_since = empty_since or time.monotonic()
                silenced = any(session.cut for hop in self.wire.hops.values() for session in hop.sessions)
                # No message is ever in neither: gate 2 has it before gate 1 lets go.
                if not silenced and time.monotonic() - empty_since > 0.5:
                    return True
            time.sleep(0.1)
        return False

    def _judge(self, ended: float) -> tuple[Verdict, float]:
        """Collect what the journals say since the last case; return the recovery time too."""
        journal = self._new("journal", self.client.name, "/tmp/journal")
        stored, bounced = [], []
        for entry in self._new("messages", self.sink.name, "/tmp/sink/messages"):
            if entry["null"]:
                bounced += entry["bounced"]
            else:
                stored += [Stored(recipient, entry["sha256"], entry["at"]) for recipient in entry["recipients"]]
        queued = [
            recipient["address"]
            for gate in GATES
            for message in self.appliance.queue(gate)
            for recipient in message["recipients"]
        ]
        acked = {entry["recipient"]: entry["sha256"] for entry in journal}
        verdict = judge(acked, stored, bounced, queued, self.wire.faults())
        return verdict, recovery_s({entry["recipient"]: entry["at"] for entry in journal}, stored, ended)

    def _new(self, name: str, container: str, path: str) -> list[dict]:
        lines = run("docker", "exec", container, "cat", path, check=False).stdout.splitlines()
        new, self._seen[name] = lines[self._seen[name] :], len(lines)
        return [json.loads(line) for line in new]

    def close(self) -> None:
        """Take the proxies away."""
        self.wire.close()


def _is_complete(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o100)
    except FileNotFoundError:
        return False  # moved on meanwhile
