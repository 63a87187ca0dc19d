"""
What a look-up costs with 100 and with 100,000 mailboxes in the directory, and how long it takes to import so many.

Keys are asked through the proxymap of gate 1, as its SMTP server does, by postmap on one connection: half of each run
are mailboxes, the other half nobody's.  The runs with few and many rows of one kind follow each other on one machine,
so their ratio says more than the times.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import NamedTemporaryFile

from tests.bench import machine, report
from tests.bench.plan import Plan
from tests.bench.stage import Stage
from tests.stack.directory import command

KINDS = {"MariaDB": ("mysql", "mysql://gateway@database/mail"), "SQLite": ("sqlite", "sqlite:///mail.sqlite")}
FEW, MANY = 100, 100_000  # mailboxes
LOOKUPS = 10_000  # of one run
IMPORT_S = 60  # wanted: MANY take no longer
FLAT = 1.5  # wanted: a look-up among MANY costs at most so much more than among FEW
DOMAIN = "many.test"
HASH = "{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuu5LaGRVX9y8jLZb8s3KDfBzgR1e0o1a"


@dataclass(frozen=True)
class Measured:
    """A kind of directory with so many mailboxes."""

    kind: str
    mailboxes: int
    import_s: float
    found_us: float  # one look-up of a mailbox
    missed_us: float  # and of nobody


def measure(stage: Stage, plan: Plan) -> None:
    """Measure all, then write directory.json and directory.md."""
    with plan.console.status("starting an appliance"):
        stage.appliance.up()
    found: list[Measured] = []
    for kind in KINDS:
        become(stage, kind)
        there = 0
        for count in (FEW, plan.messages(MANY)):
            with plan.console.status(f"{kind}: {count} mailboxes"):
                import_s = fill(stage, there, count)
                there = count
                hits = [f"user{random.randrange(count)}@{DOMAIN}" for _ in range(plan.messages(LOOKUPS))]
                misses = [f"nobody{number}@{DOMAIN}" for number in range(plan.messages(LOOKUPS))]
                pairs = [(look_up(stage, kind, hits), look_up(stage, kind, misses)) for _ in range(plan.rounds)]
            us = [median(times) * 1e6 for times in zip(*pairs, strict=True)]
            found.append(Measured(kind, count, import_s, *us))
    rows = list(map(list, table(found)))
    head = ["directory", "mailboxes", "import", "found, µs", "not found, µs", "of 100", f"≤ {FLAT}"]
    report.show(plan.console, "A look-up through proxymap", head, rows)
    plan.keep("directory.json", {"machine": machine.describe(), "measured": [vars(one) for one in found]})
    (plan.out / "directory.md").write_text(report.markdown(head, rows))


def become(stage: Stage, kind: str) -> None:
    """Give the appliance an empty directory of a kind."""
    appliance = stage.appliance
    text = re.sub(r"(?ms)^\[directory\].*", "", appliance.config.read_text())
    appliance.config.write_text(f'{text}\n[directory]\nurl = "{KINDS[kind][1]}"\n')
    appliance.make("apply")
    command(appliance, "domain", "add", DOMAIN)


def fill(stage: Stage, there: int, count: int) -> float:
    """Import mailboxes until there are *count*; return the seconds."""
    with NamedTemporaryFile("w", suffix=".csv", dir=stage.appliance.config_dir, delete=False) as file:
        file.write("address,password\n" + "".join(f"user{n}@{DOMAIN},{HASH}\n" for n in range(there, count)))
    started = time.monotonic()
    command(stage.appliance, "mailbox", "import", file.name)
    Path(file.name).unlink()
    return time.monotonic() - started


def look_up(stage: Stage, kind: str, keys: list[str]) -> float:
    """Return the seconds of one look-up, the mean over all keys; what it takes to start postmap is taken off."""
    ask = f"time postmap -q - proxy:{KINDS[kind][0]}:/run/directory/mailboxes >/dev/null"
    script = f"TIMEFORMAT=%R; {ask} < <(head -n 1 /run/keys); {ask} </run/keys; true"  # 1 where it finds nobody
    stage.appliance.exec("postfix-pre", "bash", "-c", "cat >/run/keys", stdin="".join(f"{key}\n" for key in keys))
    said = stage.appliance.exec("postfix-pre", "bash", "-c", script).stderr.split()
    return (float(said[1]) - float(said[0])) / (len(keys) - 1)


def table(found: list[Measured]) -> list[tuple[str, ...]]:
    """Return a row for each measurement; those with many rows are compared with few of the same kind."""
    few = {one.kind: one for one in found if one.mailboxes == FEW}
    rows = []
    for one in found:
        ratio = max(one.found_us / few[one.kind].found_us, one.missed_us / few[one.kind].missed_us)
        met = "yes" if ratio <= FLAT and one.import_s <= IMPORT_S else "no"
        times = (f"{one.import_s:.1f} s", f"{one.found_us:.0f}", f"{one.missed_us:.0f}")
        rows.append((one.kind, f"{one.mailboxes:,}", *times, f"{ratio:.2f}", met))
    return rows
