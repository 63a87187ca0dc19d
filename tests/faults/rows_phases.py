"""Rows 1 to 14 of docs/faults.md: one process or one connection, struck at each phase."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence

from tests.faults.stage import Result, Stage
from tests.faults.strikes import Strike, Strikes, Whom
from tests.faults.traps import Then, Trap

EARLY = {"c0": "banner", "c1": "ehlo", "c2": "xforward", "c3": "mail", "c4": "rcpt", "c5": "data", "c6": "body"}
SCAN_PHASES = EARLY | {"c9": "reply"}
REINJECT_PHASES = EARLY | {"c7": "dot", "c8": "reply"}
FILTER_PHASES = {phase: ("scan", moment) for phase, moment in SCAN_PHASES.items()} | {
    "c7": ("reinject", "dot"),
    "c8": ("reinject", "reply"),
}
AT_CONNECT = ("c0", "c1")  # connections are kept: in the middle of a batch there may be no new one
BEHIND_DOT = {"c7": "dot", "c8": "reply"}  # moments between filter and gate 2 at which gate 1's connection is cut
STOP_S = 20  # longer than gate 1's scaled patience
CUTS = {"reset": "RST", "close": "FIN", "silence": "blackhole"}
SEEN_S = 0.5  # until the filter has seen that a connection was cut
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
    worker, gate_2 = strikes.worker, strikes.all_of("postfix-post", "smtpd", "cleanup")
    places = [("12", "filter worker", worker, phase, *FILTER_PHASES[phase]) for phase in sorted(FILTER_PHASES)]
    places += [("13", "gate 2", gate_2, phase, "reinject", moment) for phase, moment in REINJECT_PHASES.items()]
    for row, what, whom, phase, hop, moment in places:
        after = 0 if phase in AT_CONNECT else count // 4
        strike = strikes.stop(whom, STOP_S)
        trap = Trap(f"SIGSTOP {what}", hop, phase, moment, strike, after=after, lasts_s=STOP_S)
        yield stage.play(row, f"SIGSTOP {what} {STOP_S} s", traps=[trap], count=count)


def cut_connections(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 14: RST, FIN and blackhole between the gates and the filter, at all phases of one batch."""
    for how in CUTS:
        yield cut_scan(stage, how, [*EARLY, *BEHIND_DOT, "c9"], count)
        strikes = Strikes(stage)
        traps = [_cut(how, "reinject", at, strikes.cut(how), number) for number, at in enumerate(REINJECT_PHASES)]
        yield stage.play("14", f"{CUTS[how]} filter-gate 2", traps=traps, count=count * len(traps))


def cut_scan(stage: Stage, how: str, phases: Sequence[str], count: int = 200) -> Result:
    """
    Cut connections between gate 1 and the filter.

    Behind the dot it is the connection of the very message whose dot, or 250, is on its way between filter and gate 2;
    that is held until the filter has seen the cut.  Nothing may cancel it then: gate 2 takes the message, the filter
    logs so, and gate 1, which never heard of it, sends the message again.
    """
    strikes, since = Strikes(stage), str(time.time())
    behind = strikes.cut_in_front(how, Then(after_s=SEEN_S))
    traps = [
        _cut(how, *(("reinject", at, behind) if at in BEHIND_DOT else ("scan", at, strikes.cut(how))), number)
        for number, at in enumerate(phases)
    ]
    result = stage.play("14", f"{CUTS[how]} gate 1-filter", traps=traps, count=count * len(phases))
    result.complaints += [
        f"no copy of {at}" for at in BEHIND_DOT if at in phases and at not in result.verdict.duplicates
    ]
    logged = stage.appliance.logs("filter", since).count("gate 1 closed before it had the reply")
    if how != "silence" and logged < len(BEHIND_DOT):
        result.complaints.append(f"{logged} outcomes logged")
    return result


def _cut(how: str, hop: str, phase: str, strike: Strike, number: int) -> Trap:
    moment = (REINJECT_PHASES if hop == "reinject" else SCAN_PHASES)[phase]
    return Trap(CUTS[how], hop, phase, moment, strike, after=0 if phase in AT_CONNECT else number * 5)
