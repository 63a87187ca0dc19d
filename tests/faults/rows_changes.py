"""Rows 26 to 29 and 31 to 33 of docs/faults.md: refusals on the way, a bug, bad and good changes, new containers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.faults import processes
from tests.faults.places import rest
from tests.faults.stage import SCALE, Result, Stage
from tests.faults.traps import Then, Trap
from tests.stack.client import run, wait_for

POLL_S = 2.0  # between two good reloads
REFUSALS = """
cd /rendered/current && cp postfix-post/main.cf /rendered/main.cf.kept
set_() { postconf -c /rendered/current/postfix-post -e "$1"; }
pairs() { echo "pcre:{ { /^$1-later/ 450 4.7.1 later } { /^$1-never/ 550 5.7.1 never } }"; }
set_ "smtpd_sender_restrictions = check_sender_access $(pairs mail)"
set_ "smtpd_recipient_restrictions = check_recipient_access $(pairs rcpt), permit_mynetworks, reject"
set_ "smtpd_data_restrictions = check_sender_access $(pairs data)"
set_ "smtpd_end_of_data_restrictions = check_sender_access $(pairs dot)"
"""
ACCEPT = "cd /rendered/current && cat /rendered/main.cf.kept >postfix-post/main.cf && rm /rendered/main.cf.kept"
POISONED = """
import pathlib
path = pathlib.Path("/opt/venv/lib/python3.13/site-packages/gateway/check/gtube.py")
first = "        if self._seen:"
text = path.read_text().replace(first, "        if b'poison-' in content: 1 / 0\\n" + first)
pathlib.Path("/tmp/gtube.py").write_text(text)
print(path)
"""
IMAGES = {"bind": "bind", "filter": "gateway", "postfix-post": "postfix", "postfix-pre": "postfix"}
BAD = "not_a_key = true\n"


def refuse(stage: Stage, count: int = 60) -> Iterator[Result]:
    """Row 26: gate 2, then the next hop, answers 4xx and 5xx; per recipient, and at each command."""
    stage.rewrite(REFUSALS, "postfix-post")
    restored = []

    def accept() -> None:
        wait_for(lambda: stage.spooled("postfix-pre") >= count, "mail that gate 2 put off")
        stage.rewrite(ACCEPT, "postfix-post")
        restored.append(True)

    each = ["r-{id}@fault.test", "rcpt-later-{id}@fault.test", "rcpt-never-{id}@fault.test"]
    try:
        result = stage.play("26", "gate 2 4xx, 5xx per recipient", act=accept, count=count, recipients=each, parallel=2)
        yield _expect(result, bounced=count, delivered=2 * count)
        for when in ("mail", "data", "dot"):
            for answer in ("later", "never"):
                if restored:
                    stage.rewrite(REFUSALS, "postfix-post")
                    restored.clear()
                load = {"sender": f"{when}-{answer}-{{id}}@back.test", "count": count, "parallel": 2}
                result = stage.play(
                    "26", f"gate 2 {answer} at {when}", act=accept if answer == "later" else None, **load
                )
                never = answer == "never"
                yield _expect(result, bounced=count * never, delivered=count * (not never))
    finally:
        if not restored:
            stage.rewrite(ACCEPT, "postfix-post")
    yield _next_hop(stage, count)


def _next_hop(stage: Stage, count: int) -> Result:
    stage.sink.sh("touch /tmp/sink/refuse")

    def relent() -> None:
        wait_for(lambda: stage.spooled("postfix-post") >= count, "mail that the next hop put off")
        stage.sink.sh("rm /tmp/sink/refuse")

    each = ["r-{id}@fault.test", "later-{id}@fault.test", "never-{id}@fault.test"]
    result = stage.play("26", "next hop 4xx, 5xx per recipient", act=relent, count=count, recipients=each)
    return _expect(result, bounced=count, delivered=2 * count)


def close_reused(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 27: 421 to the first command of another message on a kept connection; gate 1 never hears of it."""
    since = str(time.time())
    answer = Then("answer", answer=b"421 4.3.2 Service shutting down\r\n")
    trap = Trap("421", "reinject", "again", "again", lambda _: answer, times=10, gap_s=0.05)
    result = stage.play("27", "421 on a reused connection", traps=[trap], count=count)
    if "status=deferred" in stage.appliance.logs("postfix-pre", since):
        result.complaints.append("gate 1 had to defer")
    yield result


def poison(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 28: an exception for some messages and no others; the code is changed by a mount over one of its files."""
    path = stage.appliance.exec("filter", "python", "-c", POISONED).stdout.strip()
    init = stage.init("filter")
    processes.mounting(init, "mount", "--bind", "/tmp/gtube.py", path)
    stage.renew_workers()
    before = stage.stored()

    def cure() -> None:
        wait_for(lambda: stage.stored() >= before + count, "the healthy mail")
        rest(1)
        waiting.append(stage.spooled("postfix-pre"))
        processes.mounting(init, "umount", path)
        stage.renew_workers()

    waiting: list[int] = []
    both = ["r-{id}@fault.test", "poison-{id}@poison.test"]
    result = stage.play("28", "exception for every other recipient", act=cure, count=count, recipients=both, octets=300)
    if waiting != [count]:
        result.complaints.append(f"{waiting} messages waited, not the {count} poisoned ones")
    yield result


def crash_loop(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 29: workers that refuse their settings at start; the container must not look well meanwhile."""
    filter_toml = "/rendered/current/filter/filter.toml"
    seen: list[str] = []

    def act() -> None:
        stage.rewrite(f"cp -p {filter_toml} /rendered/kept; sed -i '1i {BAD.strip()}' {filter_toml}", "")
        with stage.wire.lasting("crash loop"):
            processes.signal_all([stage.init("filter")], 9)
            restarts = stage.appliance.inspect("filter")["RestartCount"]
            wait_for(
                lambda: stage.appliance.inspect("filter")["RestartCount"] >= restarts + 2, "the container to end", 90
            )
        seen.append(stage.appliance.inspect("filter")["State"]["Health"]["Status"])
        stage.rewrite(f"cat /rendered/kept >{filter_toml}; rm /rendered/kept", "")

    result = stage.play("29", "filter.toml bad at start", act=act, count=count)
    if seen == ["healthy"]:
        result.complaints.append("healthy, with no worker")
    yield result


def reload_badly(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 31: changes that must be refused, under load; and a half-written file."""
    appliance = stage.appliance
    good = appliance.config.read_text()
    generations = appliance.generations()
    codes: list[int] = []

    def act() -> None:
        try:
            for bad in (BAD + good, good[: len(good) // 2], good + "\n[listen.outside"):
                appliance.config.write_text(bad)
                codes.append(appliance.make("apply", check=False).returncode)
        finally:
            appliance.config.write_text(good)
        services = ("postfix-pre", "filter", "postfix-post")
        codes.extend(appliance.exec(service, "reload", "999999", check=False).returncode for service in services)

    result = stage.play("31", "bad changes under load", act=act, count=count, pace_s=0.3)
    if not all(codes) or len(codes) != 6:
        result.complaints.append(f"not refused: exit codes {codes}")
    if appliance.generations() != generations:
        result.complaints.append("another generation runs")
    yield _quiet(result)
    yield change_twice_at_once(stage, count)


def change_twice_at_once(stage: Stage, count: int = 200) -> Result:
    """Row 31: two `make apply` at the same time, bad ones, then good ones; one waits for the other."""
    appliance = stage.appliance
    good, generations = appliance.config.read_text(), appliance.generations()
    codes: list[list[int]] = []
    waited: list[int] = []

    def apply_twice(text: str) -> None:
        appliance.config.write_text(text)
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda _: appliance.make("apply", check=False), range(2)))
        codes.append(sorted(one.returncode for one in done))
        waited.append(sum("another command is changing" in one.stderr for one in done))

    def act() -> None:
        try:
            apply_twice(BAD + good)
            refused.append(appliance.generations() == generations)
            apply_twice(good.replace('message_size_limit = "2MiB"', 'message_size_limit = "3MiB"'))
            running.append({generation for name, generation in appliance.generations().items() if name != "bind"})
        finally:
            appliance.config.write_text(good)
            appliance.make("apply")
            stage.rewrite(SCALE)

    refused: list[bool] = []
    running: list[set[str]] = []
    result = stage.play("31", "two changes at once, bad, then good", act=act, count=count, pace_s=0.5)
    if 0 in codes[0] or codes[1:] != [[0, 0]] or waited != [1, 1]:
        result.complaints.append(f"exit codes {codes}, {waited} waited")
    if refused != [True] or [len(found) for found in running] != [1]:
        result.complaints.append(f"bad ones changed nothing: {refused}; generations behind the good ones: {running}")
    return _quiet(result)


def reload_well(stage: Stage, count: int = 200, lasts_s: float = 30) -> Iterator[Result]:
    """Row 32: good reloads under load, all the time; nobody notices."""

    def act() -> None:
        deadline = time.monotonic() + lasts_s
        while time.monotonic() < deadline:
            for service in ("postfix-pre", "filter", "postfix-post"):
                stage.reload(service)
                rest(POLL_S / 3)

    pace_s = lasts_s / count * 4  # a little less than all the time, with five sessions
    result = stage.play("32", f"good reloads, {lasts_s:g} s", act=act, count=count, pace_s=pace_s)
    if result.verdict.duplicates:
        result.complaints.append("a good reload doubled mail")
    yield _quiet(result)


def recreate(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 33: each container replaced by a new one on the same volumes."""
    for service in ("bind", "postfix-post", "filter", "postfix-pre"):

        def act(service: str = service) -> None:
            rest(0.5)
            with stage.wire.lasting(f"recreate {service}"):
                stage.appliance.compose("up", "-d", "--force-recreate", "--no-deps", service)

        yield stage.play("33", f"recreate {service}", act=act, count=count, pace_s=0.1)


def replace_images(stage: Stage, count: int = 200) -> Iterator[Result]:
    """Row 33: each container replaced by one of another image, beside those of the first; then `make up` takes all."""
    appliance = stage.appliance
    others: list[str] = []
    for service, image in IMAGES.items():

        def act(service: str = service, name: str = f"sallyport-{image}:{appliance.project}") -> None:
            label = f"skew={service}"
            done = run("docker", "build", "-q", "-t", name, "--label", label, "-", stdin=f"FROM {name}\n")
            others.append(done.stdout.strip())
            with stage.wire.lasting(f"another image of {service}"):
                appliance.compose("up", "-d", "--no-deps", service)
            assert appliance.inspect(service)["Image"] == others[-1]

        yield stage.play("33", f"another image of {service}", act=act, count=count, pace_s=0.1)

    def upgrade() -> None:
        with stage.wire.lasting("make up"):
            appliance.make("up")

    result = stage.play("33", "make up to the first images", act=upgrade, count=count, pace_s=0.3)
    if kept := [service for service in IMAGES if appliance.inspect(service)["Image"] in others]:
        result.complaints.append(f"not replaced: {kept}")
    run("docker", "rmi", *others, check=False)
    yield result


def _expect(result: Result, *, bounced: int, delivered: int) -> Result:
    found = (result.verdict.bounced, result.verdict.delivered)
    if found != (bounced, delivered):
        result.complaints.append(f"DSNs and deliveries {found}, expected {(bounced, delivered)}")
    return result


def _quiet(result: Result) -> Result:
    if result.client.get("deferred") or result.client.get("lost_connection"):
        result.complaints.append("the client noticed")
    return result
