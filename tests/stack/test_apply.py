"""
`make plan` and `make apply`: what changes, what must not, and what is refused.

One file, though long: one fixture puts back what its tests change, and looks whether they have changed anything.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.stack.appliance import DAEMONS, Appliance
from tests.stack.client import Answer, Client, run, wait_for
from tests.stack.test_filter import worker_pids


@pytest.fixture
def steady(small: Appliance) -> Iterator[Appliance]:
    """Return the small appliance, running what its file says; put file and appliance back afterwards."""
    kept = {path: path.read_text() for path in small.config_dir.iterdir() if path.is_file()}
    before = small.containers(), current(small)
    yield small
    for path, text in kept.items():
        path.write_text(text)
    if (small.containers(), current(small)) != before:
        small.make("apply")


@pytest.fixture(scope="module")
def visitor(small: Appliance) -> Client:
    """Return a client on the edge network."""
    assert small.outside  # asked for while the file is without mistakes
    return small.client("visitor")


def started(appliance: Appliance) -> dict[str, tuple[str, str]]:
    """Return id and start of each container: equal before and after means that none was touched."""
    return {s: (found["Id"], found["State"]["StartedAt"]) for s in DAEMONS if (found := appliance.inspect(s))}


def current(appliance: Appliance) -> str:
    """Return the generation that a starting service would take."""
    return appliance.exec("postfix-pre", "readlink", "/rendered/current").stdout.strip()


BLOCK = ('reject = ["spam.example"]', 'reject = ["spam.example", "more.example"]')


# --- plan -----------------------------------------------------------------------------------------------------------


def test_plan_shows_the_diff_and_who_reloads(steady: Appliance) -> None:
    """`make plan` prints a unified diff of the rendered file and the service it concerns, and changes nothing."""
    before = started(steady), steady.generations(), current(steady)
    steady.edit(*BLOCK)
    shown = steady.make("plan").stdout
    assert "--- running/postfix-pre/sender_access\n+++ planned/postfix-pre/sender_access\n@@ " in shown
    assert "\n+more.example " in shown
    assert "postfix-pre" in shown and "reload" in shown
    assert "running/postfix-post" not in shown and "running/bind" not in shown and "running/filter" not in shown
    assert (started(steady), steady.generations(), current(steady)) == before


def test_plan_says_whose_container_is_recreated(steady: Appliance) -> None:
    """Eight workers need more memory than the filter's container was made with; the gates only reload."""
    steady.edit("workers = 2", "workers = 8")
    actions = dict(re.findall(r"│ (\S+) +│ (\w+)", steady.make("plan").stdout))
    assert actions == {"postfix-pre": "reload", "filter": "recreate", "postfix-post": "reload"}


def test_plan_and_apply_say_when_there_is_nothing_to_do(steady: Appliance) -> None:
    """With an unchanged file both say so, and no generation is made."""
    before = started(steady), steady.generations(), current(steady)
    assert "Nothing that runs would change." in steady.make("plan").stdout
    assert "settings unchanged: what runs is what gateway.toml says" in steady.make("apply").stderr
    assert (started(steady), steady.generations(), current(steady)) == before


# --- apply: only what changed ---------------------------------------------------------------------------------------

CANONICAL = ("[mailboxes]", '[canonical]\n"c@small.test" = "carl@small.test"\n[mailboxes]')
DEBUG = ("[filter]", '[log]\nlevel = "debug"\n[filter]')
DOMAIN = ("[dns.zones]", 'domain = "lan.small.test"\n[dns.zones]')
# changes, the services that run the new generation, and those of them that restart for it
CHANGES = [
    ([BLOCK, DOMAIN], {"postfix-pre", "bind"}, set()),
    ([CANONICAL, DEBUG], {"postfix-pre", "postfix-post", "filter"}, set()),
    ([("workers = 2", "workers = 1")], {"filter"}, set()),
    ([("workers = 2", "workers = 3")], {"postfix-pre", "filter", "postfix-post"}, set()),  # 9 transactions, not 10
]


@pytest.mark.parametrize(
    ("edits", "concerned", "restarted"), CHANGES, ids=["gate-1-bind", "gates-filter", "workers", "workers-slots"]
)
def test_apply_reloads_what_changed_and_touches_nothing_else(
    steady: Appliance, edits: list[tuple[str, str]], concerned: set[str], restarted: set[str]
) -> None:
    """Who is concerned runs the new generation in the same container; everybody else runs on, unasked."""
    before, generations = started(steady), steady.generations()
    for edit in edits:
        steady.edit(*edit)
    said = steady.make("apply").stderr
    after, now = started(steady), steady.generations()
    assert {s for s in DAEMONS if generations[s] != now[s]} == concerned, said
    assert {s for s in DAEMONS if before[s] != after[s]} == restarted
    assert {s for s in DAEMONS if before[s][0] != after[s][0]} == set()  # a restart keeps the container


# --- apply: refused -------------------------------------------------------------------------------------------------


def broken_zone(appliance: Appliance) -> None:
    """Write a zone file that only named judges."""
    (appliance.config_dir / "db.served").write_text("$TTL 60\n@ IN SOA localhost. x. ( 1 2 3 4 5 )\nwww IN A 1.2.3\n")


def broken_pattern(appliance: Appliance) -> None:
    """Write a pattern that Python's re takes and PCRE does not."""
    appliance.edit(
        "[mailboxes]",
        '[[patterns]]\nmatch = "header"\npattern = \'^X: (?<a>b)(?<a>c)[[:nope:]]\'\naction = "reject"\n[mailboxes]',
    )


def misspelt(appliance: Appliance) -> None:
    """Misspell a key."""
    appliance.edit('[hop]:25"\nrecipients = ', '[hop]:25"\nrecipiants = ')


# a mistake, make's words about it
REFUSED: list[tuple[Callable[[Appliance], None], str]] = [
    (misspelt, 'gateway.toml:34:1: domains."hop.test".recipiants: unknown key'),
    (broken_zone, "db.served"),
    (broken_pattern, "header_checks"),
]


@pytest.mark.parametrize(("mistake", "words"), REFUSED, ids=["misspelt-key", "zone", "pattern"])
def test_mistake_is_refused_and_everything_runs_as_before(
    steady: Appliance, visitor: Client, mistake: Callable[[Appliance], None], words: str
) -> None:
    """Whoever finds the mistake, the loader or a daemon's own parser: it is said, and nothing is flipped or touched."""
    before = started(steady), steady.generations(), current(steady)
    mistake(steady)
    done = steady.make("apply", check=False)
    assert done.returncode != 0
    assert words in done.stderr, done.stderr
    assert (started(steady), steady.generations(), current(steady)) == before
    sent = visitor.swaks(steady.outside, to="carl@small.test")
    steady.arrived("carl@small.test", sent.token)


def test_all_mistakes_come_at_once_with_exit_code_3(steady: Appliance) -> None:
    """`make check` and `make apply` list every mistake, and the script ends with 3."""
    misspelt(steady)
    steady.edit('deliver = "mailbox"', 'deliver = "mailbocks"')
    environment = ("env", f"PROJECT={steady.project}", f"CONFIG_DIR={steady.config_dir}")
    for script in ("scripts/check", "scripts/apply", "scripts/plan"):
        done = run(*environment, script, check=False)
        assert done.returncode == 3, script
        assert "recipiants: unknown key" in done.stderr and 'domains."small.test".deliver' in done.stderr


def test_daemon_that_refuses_at_reload_takes_all_back(steady: Appliance, visitor: Client) -> None:
    """
    Where a daemon does not come up on settings that passed all checks, everything goes back to what ran.

    The honest way to that: gate 2 may keep no more processes than it has now, so that it cannot greet after its
    reload.  The setting that is applied is without fault.
    """
    steady.edit(*BLOCK)
    steady.edit(*CANONICAL)
    before, generations = started(steady), steady.generations()
    container = steady.container("postfix-post")
    run("docker", "update", "--pids-limit", "6", container)
    try:
        done = steady.make("apply", check=False)
    finally:
        run("docker", "update", "--pids-limit", "1024", container)
    assert done.returncode != 0
    assert "taking everything back" in done.stderr, done.stderr
    assert started(steady).keys() == before.keys()
    assert steady.generations() == generations
    sent = visitor.swaks(steady.outside, to="carl@small.test", sender="x@more.example")
    steady.arrived("carl@small.test", sent.token)


def test_workers_that_do_not_start_take_all_back(steady: Appliance, visitor: Client) -> None:
    """
    The workers that ran go on untouched, and the container too, though supervisor never got the new ones to run.

    The honest way to that: supervisord, already running, may start no further process.
    """
    steady.edit("workers = 2", "workers = 3")
    before, generations, workers = started(steady), steady.generations(), worker_pids(steady)
    hard = steady.exec("filter", "prlimit", "--pid", "1", "--nproc", "--noheadings", "-o", "HARD").stdout.strip()
    steady.exec("filter", "prlimit", "--pid", "1", "--nproc=1:")
    try:
        done = steady.make("apply", check=False)
    finally:
        steady.exec("filter", "prlimit", "--pid", "1", f"--nproc={hard}:")
    assert done.returncode != 0
    assert "do not start" in done.stderr and "BACKOFF" in done.stderr, done.stderr
    assert "taking everything back" in done.stderr, done.stderr
    assert (started(steady), steady.generations(), worker_pids(steady)) == (before, generations, workers)
    sent = visitor.swaks(steady.outside, to="carl@small.test")
    steady.arrived("carl@small.test", sent.token)


def test_changed_subnet_is_refused_with_advice(steady: Appliance) -> None:
    """Running containers cannot follow to other networks; `make apply` says what to do instead."""
    before = started(steady), steady.generations(), current(steady)
    subnet = str(steady.subnet)
    steady.edit(f'subnet = "{subnet}"', 'subnet = "198.18.250.0/24"')
    done = steady.make("apply", check=False)
    assert done.returncode != 0
    assert "the container networks would change" in done.stderr and "make down, then make up" in done.stderr
    assert (started(steady), steady.generations(), current(steady)) == before


# --- under load -----------------------------------------------------------------------------------------------------


def test_reload_under_load_loses_and_refuses_nothing(steady: Appliance, visitor: Client) -> None:
    """300 messages and more of 5 clients, while both gates and the filter reload 5 times: each is taken, once."""
    answers: list[Answer] = []
    reloaded = threading.Event()

    def send() -> None:
        while len(answers) < 300 or not reloaded.is_set():
            numbers = range(len(answers), len(answers) + 60)
            contents = [f"X-Token: load-{number}\r\n\r\nhello\r\n".encode() for number in numbers]
            answers.extend(visitor.send(steady.outside, contents, to="carl@small.test", pause_s=0.05))

    seen = [steady.generations()]
    assert visitor.swaks(steady.outside, to="carl@small.test", sender="x@more.example").code == 0
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        for turn in range(5):
            for edit in (BLOCK, CANONICAL, DEBUG):
                steady.edit(*(edit if turn % 2 == 0 else edit[::-1]))
            steady.make("apply")
            seen.append(steady.generations())
        reloaded.set()
        sending.result()
    reloading = ("postfix-pre", "filter", "postfix-post")
    assert all(before[s] != after[s] for before, after in pairwise(seen) for s in reloading)
    assert [answer for answer in answers if answer.code != 250] == []
    wait_for(lambda: len(found(steady)) >= len(answers), "all of them in the mailbox")
    assert Counter(found(steady)) == Counter(f"X-Token: load-{number}" for number in range(len(answers)))
    # What was applied is in effect.
    assert visitor.swaks(steady.outside, to="carl@small.test", sender="x@more.example").code != 0


def found(appliance: Appliance) -> list[str]:
    """Return the tokens of the load in the mailbox, each as often as it is there."""
    script = "grep -rhoE '^X-Token: load-[0-9]+' /var/mail/vhosts/small.test/carl/new || true"
    return appliance.exec("postfix-post", "bash", "-c", script).stdout.splitlines()


# --- ports, and a second appliance ----------------------------------------------------------------------------------


def test_added_listener_is_published(steady: Appliance) -> None:
    """A new listener gets its port of the host; gate 1 alone is recreated, and goes back with the listener."""
    before = steady.containers()
    address = next(line for line in steady.config.read_text().splitlines() if line.startswith("addresses ="))
    new = address.replace(":2525", ":2599")
    steady.edit("[senders]", f"[listen.more]\n{new}\n\n[senders]")
    steady.make("apply")
    after = steady.containers()
    assert {service for service in DAEMONS if before[service] != after[service]} == {"postfix-pre"}
    host, _, port = new.split('"')[1].rpartition(":")
    banner = run("bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}; read -r -t 5 line <&3; echo $line").stdout
    assert banner.startswith("220 mx.small.test")


def test_two_appliances_stand_side_by_side(steady: Appliance, visitor: Client, request: pytest.FixtureRequest) -> None:
    """A second project has its own of everything, and bringing it up touches nothing of the first."""
    before = started(steady)
    twin: Appliance = request.getfixturevalue("twin")
    twin.unpause()  # where another file's tests have made it
    assert started(steady) == before
    assert not {*twin.containers().values()} & {*steady.containers().values()}
    sent = twin.client("visitor").swaks(twin.outside, to="dora@twin.test")
    twin.arrived("dora@twin.test", sent.token)
    assert steady.mailbox("dora@twin.test") == []
    refused = visitor.swaks(steady.outside, to="dora@twin.test")
    assert "Relay access denied" in refused.last_error


def test_next_hop_is_reached_by_its_alias_on_the_egress_network(steady: Appliance, visitor: Client) -> None:
    """A container attached to <project>_egress under the name in next_hop gets the mail of its domain."""
    hop = steady.sink("hop")
    sent = visitor.swaks(steady.outside, to="x@hop.test")
    assert "<x@hop.test>" in hop.arrived(sent.token)["recipients"][0]


# --- apply: what is wanted now and then -------------------------------------------------------------------------------


def test_apply_starts_dovecot_for_logins_and_removes_it_again(steady: Appliance) -> None:
    """The first listener with auth brings it, on the generation that gate 1 then asks it by; the last one takes it."""
    before = steady.config.read_text()
    loopback = before.partition('addresses = ["')[2].partition(":")[0]
    listener = f'[listen.submission]\naddresses = ["{loopback}:2587"]\nauth = true\n'
    steady.edit("[senders]\n", f"{listener}[senders]\n")
    assert "Started: dovecot" in steady.make("plan").stdout
    said = steady.make("apply").stderr
    assert said.index("==> starting dovecot") < said.index("==> recreating postfix-pre")
    assert steady.inspect("dovecot")["State"]["Health"]["Status"] == "healthy"
    assert steady.exec("dovecot", "generation").stdout.strip() in current(steady)
    assert re.search(rf"^dovecot +generation {current(steady)[-6:]}$", steady.make("status").stdout, re.MULTILINE)
    assert "settings unchanged" in steady.make("apply").stderr
    steady.edit("[senders]\n", "[mailstore]\nenabled = true\n[senders]\n")
    assert "==> restarting dovecot" in steady.make("apply").stderr, "it opens no socket of a new kind at a reload"
    steady.config.write_text(before)
    assert "==> dovecot is wanted no more: removing its container" in steady.make("apply").stderr
    labels = [f"--filter=label=com.docker.compose.{word}" for word in (f"project={steady.project}", "service=dovecot")]
    assert run("docker", "ps", "-aq", *labels).stdout == ""
