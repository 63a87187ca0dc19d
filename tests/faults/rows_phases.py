"""Rows 1 to 14 of docs/faults.md: one process or one connection, struck at each phase."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from tests.faults.stage import Result, Stage
from tests.faults.strikes import Strikes, Whom
from tests.faults.traps import Then, Trap

EARLY = {"c0": "banner", "c1": "ehlo", "c2": "xforward", "c3": "mail", "c4": "rcpt", "c5": "data", "c6": "body"}
SCAN_PHASES = EARLY | {"c9": "reply"}
REINJECT_PHASES = EARLY | {"c7": "dot", "c8": "reply"}
FILTER_PHASES = {phase: ("scan", moment) for phase, moment in SCAN_PHASES.items()} | {
    "c7": ("reinject", "dot"),
    "c8": ("reinject", "reply"),
}
AT_CONNECT = ("c0", "c1")  # connections are kept: in the middle of a batch there may be no new one
STOP_S = 18  # longer than gate 1's scaled patience
DISCARD = Then("close")  # whoever was killed had not written them yet


def kill_filter_worker(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Rows 4, 5, 6: SIGKILL for the worker that holds the message."""
    for phase in sorted(FILTER_PHASES):
        yield kill_filter_at(stage, phase, count)


def kill_filter_at(stage: Stage, phase: str, count: int) -> Result:
    """Kill the worker at one phase."""
    strikes = Strikes(stage)
    hop, moment = FILTER_PHASES[phase]
    row = {"c7": "5", "c8": "5", "c9": "6"}.get(phase, "4")
    # What the worker has sent towards gate 2 is on its way; what it says to gate 1 it has not said yet.
    strike = strikes.kill(strikes.worker, DISCARD if hop == "scan" else Then())
    trap = Trap("SIGKILL worker", hop, phase, moment, strike, after=0 if phase in AT_CONNECT else count // 4)
    return stage.play(row, "SIGKILL filter worker", traps=[trap], count=count)


def kill_gate_2(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Rows 8, 9: SIGKILL for gate 2's smtpd, then for its cleanup, then for master and all."""
    strikes = Strikes(stage)
    for phase in ("c3", "c4", "c5", "c6", "c7"):
        moment = REINJECT_PHASES[phase]
        trap = Trap("SIGKILL smtpd", "reinject", phase, moment, strikes.kill(strikes.receiver), after=count // 4)
        yield stage.play("8", "SIGKILL gate 2 smtpd", traps=[trap], count=count)
    for names in (("cleanup",), ()):
        victim = names[0] if names else "master"
        strike = strikes.kill(strikes.all_of("postfix-post", *names), DISCARD)
        trap = Trap(f"SIGKILL {victim}", "reinject", "c8", "reply", strike, after=count // 4)
        yield stage.play("9", f"SIGKILL gate 2 {victim}", traps=[trap], count=count)


def kill_gate_1(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Rows 1, 2, 3: gate 1's smtpd under its client, then the rest of it with mail on its way to the filter."""
    strikes = Strikes(stage)
    kill = strikes.kill(strikes.receiver, DISCARD)
    traps = [Trap("SIGKILL smtpd", "edge", "before", moment, kill) for moment in EARLY.values() if moment != "xforward"]
    yield stage.play("1", "SIGKILL gate 1 smtpd", traps=traps, count=count)
    kill_cleanup = strikes.kill(strikes.all_of("postfix-pre", "cleanup"))
    traps = [Trap("SIGKILL cleanup", "edge", "before", "body", kill_cleanup, after=count // 4)]
    yield stage.play("1", "SIGKILL gate 1 cleanup", traps=traps, count=count)
    traps = [Trap("SIGKILL smtpd", "edge", "front", "reply", kill, times=3)]
    yield stage.play("2", "SIGKILL gate 1 smtpd", traps=traps, count=count)
    yield kill_gate_1_at_c10(stage, count)
    for victim in ("qmgr", "master"):
        names = (victim,) if victim != "master" else ()
        yield kill_gate_1_at_c10(stage, count, victim, strikes.all_of("postfix-pre", *names))


def kill_gate_1_at_c10(stage: Stage, count: int, victim: str = "smtp", whom: Whom | None = None) -> Result:
    """Kill a part of gate 1 when its client has read the 250 and not said so; the client itself, unless told."""
    strikes = Strikes(stage)
    strike = strikes.kill_after_reading(strikes.sender, whom or strikes.sender)
    trap = Trap(f"SIGKILL {victim}", "scan", "c10", "reply", strike, after=count // 4)
    return stage.play("3", f"SIGKILL gate 1 {victim}", traps=[trap], count=count)


def kill_filter_container(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 7: SIGKILL for supervisord, PID 1, and so for the container."""
    strikes = Strikes(stage)
    for phase in ("c6", "c7", "c8", "c9"):
        hop, moment = FILTER_PHASES[phase]
        strike = strikes.kill(strikes.all_of("filter"), DISCARD if hop == "scan" else Then())
        trap = Trap("SIGKILL filter", hop, phase, moment, strike, after=count // 4)
        yield stage.play("7", "SIGKILL filter container", traps=[trap], count=count)


def kill_outbound(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 10: gate 2's smtp client, after the next hop has the message."""
    strikes = Strikes(stage)
    trap = Trap("SIGKILL smtp", "egress", "behind", "reply", strikes.kill(strikes.sender), after=count // 4)
    yield stage.play("10", "SIGKILL gate 2 smtp", traps=[trap], count=count)


def stop_in_order(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 11: SIGTERM for the filter, as `docker stop` sends it; nothing may be doubled."""
    strikes = Strikes(stage)
    for phase in ("c4", "c6", "c7", "c8", "c9"):
        hop, moment = FILTER_PHASES[phase]
        strike = strikes.kill(strikes.all_of("filter"), Then(after_s=1), number=signal.SIGTERM)
        trap = Trap("SIGTERM filter", hop, phase, moment, strike, after=count // 4)
        result = stage.play("11", "SIGTERM filter", traps=[trap], count=count)
        if result.verdict.duplicates:
            result.complaints.append("an orderly stop doubled mail")
        yield result


def freeze(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Rows 12, 13: SIGSTOP for the worker, then for gate 2 as a whole, longer than anybody waits."""
    strikes = Strikes(stage)
    for phase in ("c3", "c7", "c8", "c9"):
        hop, moment = FILTER_PHASES[phase]
        strike = strikes.stop(strikes.worker, STOP_S)
        trap = Trap("SIGSTOP worker", hop, phase, moment, strike, after=count // 4, lasts_s=STOP_S)
        yield stage.play("12", f"SIGSTOP filter worker {STOP_S} s", traps=[trap], count=count)
    for phase in ("c4", "c7"):
        strike = strikes.stop(strikes.all_of("postfix-post", "smtpd", "cleanup"), STOP_S)
        trap = Trap("SIGSTOP gate 2", "reinject", phase, REINJECT_PHASES[phase], strike, lasts_s=STOP_S)
        yield stage.play("13", f"SIGSTOP gate 2 {STOP_S} s", traps=[trap], count=count)


def cut_connections(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 14: RST, FIN and blackhole between the gates and the filter, at all phases of one batch."""
    strikes = Strikes(stage)
    for how, what in (("reset", "RST"), ("close", "FIN"), ("silence", "blackhole")):
        for hop, phases in (("scan", SCAN_PHASES), ("reinject", REINJECT_PHASES)):
            traps = [
                Trap(what, hop, phase, moment, strikes.cut(how), after=0 if phase in AT_CONNECT else number * 5)
                for number, (phase, moment) in enumerate(phases.items())
            ]
            between = "gate 1-filter" if hop == "scan" else "filter-gate 2"
            yield stage.play("14", f"{what} {between}", traps=traps, count=count * len(traps))
