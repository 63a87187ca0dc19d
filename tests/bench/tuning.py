"""
What single settings of the gates are worth: each against none, in the same round, with socat between the gates.

socat, because it is the same for all and costs least: what a gate's setting changes shows best then.  A setting goes
into a copy of the generation in the container's own /run, which `reload` reads; the generation itself stays.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tests.bench import machine, report
from tests.bench.figures import SIZES, SMALL, Measurement, cpu, rate, ratio
from tests.bench.plan import Plan
from tests.bench.stage import Stage
from tests.bench.variants import Variant
from tests.bench.variants import measure as measure_one
from tests.stack.client import wait_for

GATES = ("postfix-pre", "postfix-post")
APPLY = """
set -e
rm -rf /run/tuned && cp -rL "/rendered/generations/$(generation)/$SERVICE" /run/tuned
[ -z "$1" ] || postconf -c /run/tuned -e "$1 = $2"
ln -sfn /run/tuned /run/config.new && mv -T /run/config.new /run/config
postfix reload
"""


@dataclass(frozen=True)
class Setting:
    """A setting of main.cf, in one or both gates."""

    name: str
    value: str
    gates: tuple[str, ...] = GATES

    @property
    def title(self) -> str:
        """Return how the table names it."""
        if not self.name:
            return "none"
        where = {GATES: "both gates", GATES[:1]: "gate 1", GATES[1:]: "gate 2"}[self.gates]
        return f"{self.name} = {self.value}, {where}"


NONE = Setting("", "")
SETTINGS = (
    NONE,
    Setting("max_use", "1000"),
    Setting("in_flow_delay", "0"),
    Setting("smtpd_peername_lookup", "no", GATES[1:]),
    Setting("smtp_connection_cache_on_demand", "no", GATES[1:]),
    Setting("smtp_connection_cache_on_demand", "no", GATES[:1]),
    Setting("header_checks", "", GATES[:1]),
    Setting("smtpd_command_filter", "", GATES[:1]),
    Setting("smtpd_client_connection_count_limit", "0", GATES[:1]),
    Setting("scan-default_destination_concurrency_limit", "5", GATES[:1]),
    Setting("header_address_token_limit", "10240"),  # its default: what another run of the same shows
)


def put(stage: Stage, setting: Setting) -> None:
    """Give both gates what they were rendered with, and this setting where it belongs."""
    for gate in GATES:
        own = (setting.name, setting.value) if gate in setting.gates else ("", "")
        stage.appliance.exec(gate, "bash", "-c", APPLY, "-", *own)
        wait_for(lambda gate=gate: stage.appliance.exec(gate, "healthy", check=False).returncode == 0, gate)


def measure(stage: Stage, plan: Plan) -> None:
    """Measure each setting in each round, then write tuning.json and tuning.md."""
    console = plan.console
    with console.status("starting an appliance"):
        stage.up()
    names = {str(number): setting for number, setting in enumerate(SETTINGS)}
    measurements: list[Measurement] = []
    for number in range(1, plan.rounds + 1):
        machine.await_quiet(plan.patience_s)
        for letter, setting in names.items():
            road = Variant(letter, setting.title, "socat", "gate 1", {})
            with console.status(f"round {number} of {plan.rounds}: {setting.title}"):
                put(stage, setting)
                measurements.append(measure_one(stage, road, SMALL, plan.messages(1500), number))
    plan.keep("tuning.json", {"settings": [one.title for one in SETTINGS], "all": [asdict(m) for m in measurements]})
    head = ["setting", "messages/s", "of none", "CPU ms/message", "of none"]
    body = [[setting.title, *_figures(measurements, letter)] for letter, setting in names.items()]
    report.show(console, f"One setting at a time, {SIZES[SMALL]}, socat between the gates", head, body)
    (plan.out / "tuning.md").write_text(report.markdown(head, body))


def _figures(measurements: list[Measurement], letter: str) -> list[str]:
    speed = ratio(measurements, (letter, "0"), SMALL)
    work = ratio(measurements, (letter, "0"), SMALL, lambda one: sum(one.cpu_ms.values()))
    return [
        report.spread(rate(measurements, letter, SMALL), 0),
        report.spread(speed, 2),
        report.spread(cpu(measurements, letter, SMALL), 2),
        report.spread(work, 2),
    ]
