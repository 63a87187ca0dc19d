"""The yard: what the filter refuses, and that mail waits for it however it goes away."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, run, wait_for

# In two pieces, so that this file is not itself refused when mailed.
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
BACK_WITHIN_S = 60  # issue: mail flows by itself this soon after the filter's return
WORKERS, SLOTS = 2, 10  # [filter] workers and max_transactions of the site


def deferred(site: Appliance, queue_id: str) -> str:
    """Wait until gate 1 keeps a message for later, and return why."""

    def look() -> str | None:
        for message in site.queue("postfix-pre"):
            if message["queue_id"] == queue_id:
                return message["recipients"][0].get("delay_reason")
        return None

    return wait_for(look, f"a reason to keep {queue_id}", 30)


def worker_pids(site: Appliance) -> dict[str, int]:
    """Return the pid of each worker that runs, as supervisor has it."""
    status = site.exec("filter", "supervisorctl", "-c", "/run/config/supervisord.conf", "status", check=False).stdout
    return {name: int(pid) for name, pid in re.findall(r"^(filter-\S+) +RUNNING +pid (\d+)", status, re.MULTILINE)}


# --- what it says ------------------------------------------------------------------------------------------------


def test_banner_names_localhost_and_the_extensions_are_those_gate_2_has(site: Appliance) -> None:
    """The filter is no host of its own: 220 localhost, and what is announced is what can be passed on."""
    address = site.address("filter", "scan")
    script = f"exec 3<>/dev/tcp/{address}/10025; printf 'EHLO x\\r\\nQUIT\\r\\n' >&3; cat <&3"
    lines = site.exec("postfix-pre", "bash", "-c", script).stdout.replace("\r", "").splitlines()
    assert lines[0] == "220 localhost ESMTP"
    announced = {line[4:].split()[0] for line in lines[2:] if line.startswith("250")}
    assert announced == {
        *("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"),
        "XFORWARD",  # for gate 1 only
    }


def test_workers_share_one_socket(site: Appliance) -> None:
    """Each worker has the same listening socket as fd 0, which supervisord holds, and none runs as root."""
    pids = worker_pids(site)
    assert len(pids) == WORKERS
    sockets = {site.exec("filter", "readlink", f"/proc/{pid}/fd/0").stdout.strip() for pid in pids.values()}
    assert len(sockets) == 1 and next(iter(sockets)).startswith("socket:[")
    held = site.exec("filter", "bash", "-c", "readlink /proc/1/fd/*").stdout.split()
    assert sockets <= set(held)
    users = site.exec("filter", "bash", "-c", "stat -c %u " + " ".join(f"/proc/{pid}" for pid in (1, *pids.values())))
    assert set(users.stdout.split()) == {"10001"}


# --- what it refuses -----------------------------------------------------------------------------------------------


def test_rejected_content_comes_back_to_its_sender_and_never_reaches_gate_2s_queue(
    site: Appliance, outsider: Client, sink: Sink
) -> None:
    """A policy's 550 becomes a DSN to the sender that quotes it; the transaction with gate 2 ends without a dot."""
    sent = outsider.swaks(site.outside, "--body", GTUBE, to="x@strict.test", sender="victim@elsewhere.test")
    assert sent.code == 0, sent.transcript
    dsn = wait_for(lambda: [m for m in sink.messages() if sent.queue_id.encode() in m["content"]], "the DSN")[0]
    assert dsn["reverse_path"].startswith("FROM:<>")
    assert "<victim@elsewhere.test>" in dsn["recipients"][0]
    assert b"550 5.7.1 Message content rejected" in dsn["content"].replace(b"\r\n    ", b" ")
    assert b"Final-Recipient: rfc822; x@strict.test" in dsn["content"]
    line = site.logged("filter", rf".*pre={sent.queue_id}.*")[0]
    assert "verdict=reject outcome=rejected" in line and "post=" not in re.sub(r"post=(-|\"\")? ", "", line)
    opened = site.logged("postfix-post", rf"(\w+): client=.*orig_queue_id={sent.queue_id}")[1]
    assert not re.search(rf"{opened}: (from|to)=", site.logs("postfix-post"))


def test_the_same_content_passes_under_a_policy_that_does_not_look(site: Appliance, outsider: Client) -> None:
    """Checks run for the domains of their policy, and for no other."""
    sent = outsider.swaks(site.outside, "--body", GTUBE, to="anna@example.test")
    site.arrived("anna@example.test", sent.token)


def test_null_sender_is_never_rejected(site: Appliance, outsider: Client) -> None:
    """Mail from <> that a policy refuses is held, since a 5xx would make it vanish."""
    sent = outsider.swaks(site.outside, "--body", GTUBE, to="x@strict.test", sender="<>")
    assert sent.code == 0, sent.transcript
    assert (
        'verdict=hold outcome=sent reply="250 2.0.0 Held as ' in site.logged("filter", rf".*pre={sent.queue_id}.*")[0]
    )


# --- when it is away ------------------------------------------------------------------------------------------------


def stop_filter(site: Appliance) -> str:
    """Stop the filter's container as an operator does; its name goes from DNS."""
    site.compose("stop", "filter")
    return "filter"


def kill_filter(site: Appliance) -> str:
    """Kill the filter's container."""
    site.compose("kill", "-s", "KILL", "filter")
    return "filter"


def stop_gate_2(site: Appliance) -> str:
    """Stop gate 2: the filter cannot hand on."""
    site.compose("stop", "postfix-post")
    return "postfix-post"


AWAY = [
    ((stop_filter, kill_filter), r"connect to .*10025: "),
    ((stop_gate_2,), r" said: 4"),
]


@pytest.mark.parametrize(("absences", "reason"), AWAY, ids=["filter", "gate-2"])
def test_mail_waits_in_gate_1_and_flows_by_itself(
    site: Appliance, outsider: Client, absences: tuple[Callable[[Appliance], str], ...], reason: str
) -> None:
    """Whatever is away behind gate 1, mail is taken, waits with a 4xx, and is delivered once within a minute."""
    messages = []
    for go_away in absences:
        service = go_away(site)
        container = site.container(service)
        try:
            assert site.exec("postfix-pre", "getent", "hosts", service, check=False).stdout == ""
            sent = outsider.swaks(site.outside, to="anna@example.test")
            assert sent.code == 0, sent.transcript
            assert re.search(reason, deferred(site, sent.queue_id))
            messages.append(sent)
        finally:
            run("docker", "start", container)
    back = time.monotonic()
    for sent in messages:
        site.arrived("anna@example.test", sent.token, BACK_WITHIN_S - (time.monotonic() - back))
        assert len([text for text in site.mailbox("anna@example.test") if sent.token in text]) == 1
        assert not re.search(rf"{sent.queue_id}: .*(bounced|non-delivery)", site.logs("postfix-pre"))
    site.healthy(service)


def test_killed_workers_come_back_in_the_same_container(site: Appliance, outsider: Client) -> None:
    """Supervisord starts each worker again, and the next message passes."""
    container, before = site.container("filter"), worker_pids(site)
    site.exec("filter", "bash", "-c", f"kill -9 {' '.join(map(str, before.values()))}")

    def renewed() -> dict[str, int] | None:
        pids = worker_pids(site)
        return pids if len(pids) == WORKERS and not {*pids.values()} & {*before.values()} else None

    after = wait_for(renewed, "new workers")
    assert after.keys() == before.keys()
    sent = outsider.swaks(site.outside, to="anna@example.test")
    site.arrived("anna@example.test", sent.token)
    assert site.container("filter") == container
    assert site.inspect("filter")["RestartCount"] == 0


def test_more_senders_than_slots_all_get_through(site: Appliance, outsider: Client, sink: Sink) -> None:
    """What is beyond max_transactions waits its turn; nobody is refused and nothing is deferred."""
    tokens = [f"crowd-{number}" for number in range(4 * SLOTS)]
    contents = [f"X-Token: {token}.\r\n\r\nhello\r\n".encode() for token in tokens]
    since = str(int(time.time()))
    answers = outsider.send(site.outside, contents, to="crowd@open.test", parallel=3 * SLOTS)
    assert [answer.code for answer in answers] == [250] * len(tokens)

    def arrived() -> list[str]:
        found = [re.search(rb"X-Token: (crowd-\d+)\.", message["content"]) for message in sink.messages()]
        return sorted(match[1].decode() for match in found if match)

    wait_for(lambda: len(arrived()) >= len(tokens), "all of them at the sink")
    assert arrived() == sorted(tokens)
    assert "status=deferred" not in site.logs("postfix-pre", since)


# --- when it cannot start -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broken(site: Appliance) -> Iterator[str]:
    """Start a filter of its own, apart from the site's, whose workers cannot read their settings."""
    name = f"{site.project}-x-broken"
    script = """
        mkdir -p /rendered/generations/000001 && ln -s generations/000001 /rendered/current
        cp -r /site/current/filter /rendered/generations/000001/
        cd /rendered/generations/000001/filter
        sed -i 's|^socket=.*|socket=tcp://127.0.0.1:10025|' supervisord.conf
        sed -i '1i no_such_key = 1' filter.toml
        exec start
    """
    run("docker", "rm", "-fv", name, check=False)
    run(
        *("docker", "run", "-d", "--name", name, "--network", "none", "--tmpfs", "/rendered:uid=10001"),
        *("--tmpfs", "/run:uid=10001", "-v", f"{site.project}_rendered:/site:ro"),
        *(f"sallyport-gateway:{site.project}", "bash", "-ec", script),
    )
    yield name
    run("docker", "rm", "-fv", name, check=False)


@pytest.fixture(autouse=True)
def _broken_meanwhile(broken: str) -> None:
    """Start it before the first test: supervisord tries for about a minute, which the other tests use."""


def ended(container: str) -> dict[str, Any] | None:
    """Return how a container ended; None while it runs."""
    state = json.loads(run("docker", "inspect", container).stdout)[0]["State"]
    return state if state["Status"] == "exited" else None


def test_worker_that_cannot_start_ends_the_container(broken: str) -> None:
    """After its retries the container ends by itself, and says of which key."""
    state = wait_for(lambda: ended(broken), "the container's end", 120)
    done = run("docker", "logs", broken)
    said = done.stdout + done.stderr
    assert "filter.toml: no_such_key: unknown key" in said
    assert re.search(r"filter-0[01] cannot be started: ending the container", said)
    assert not state["OOMKilled"]
