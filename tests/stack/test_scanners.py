"""
The checks that ask others: clamd, rspamd and programs, each clean, with a finding, and down.

clamd has a database of its own with the EICAR test file in it, and nothing is fetched from outside.
"""

from __future__ import annotations

import base64
import datetime
import email.utils
import io
import re
import time
import zipfile
from collections.abc import Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, run, wait_for

# In two pieces each, so that no scanner takes this file for it.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE = f"Test.Eicar:0:*:{EICAR.hex()}\n"
DISCARDED = "250 2.0.0 Discarded"
NOT_SEARCHED = "451 4.7.1 Message content cannot be checked now"
NOT_NOW = "451 4.7.1 Message content not accepted now"
START_S = 60  # of clamd with one signature, on a busy machine


@pytest.fixture(scope="module")
def visitor(scanned: Appliance) -> Client:
    """Return a client nobody trusts."""
    return scanned.client("visitor")


@pytest.fixture(scope="module")
def clamav(scanned: Appliance) -> Appliance:
    """Return the site with the signature loaded."""
    scanned.exec("clamav", "sh", "-c", "cat >/var/lib/clamav/test.ndb", stdin=SIGNATURE)
    scanned.healthy("clamav", START_S)
    return scanned


@pytest.fixture
def without_clamd(clamav: Appliance) -> Iterator[Appliance]:
    """Return the site while clamd is stopped."""
    clamav.compose("stop", "-t", "5", "clamav")
    yield clamav
    clamav.compose("start", "clamav")
    clamav.healthy("clamav", START_S)


def message(token: str, body: bytes = b"Nothing to see.\r\n", *fields: str, to: str = "anna@plain.test") -> bytes:
    """Make a message."""
    date = email.utils.format_datetime(datetime.datetime.now(datetime.UTC))
    lines = [f"X-Token: {token}", "From: someone@client.example", f"To: {to}", f"Date: {date}"]
    lines += [f"Message-ID: <{token}@client.example>", "Subject: scanned", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def attached(token: str, content: bytes) -> bytes:
    """Make a message with an attachment in base64."""
    part = base64.encodebytes(content).replace(b"\n", b"\r\n")
    head = b"--=_b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    multipart = ("MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="=_b"')
    return message(token, head + part + b"--=_b--\r\n", *multipart)


def zipped(name: str, content: bytes) -> bytes:
    """Make a zip archive of one file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return archive.getvalue()


def send(site: Appliance, visitor: Client, to: str, content: bytes) -> str:
    """Send a message; return gate 1's queue id."""
    answer = visitor.send(site.outside, [content], to=to)[0]
    assert answer.code == 250, answer
    return answer.queue_id


def filtered(site: Appliance, queue_id: str, answer: str, timeout_s: float = 30) -> None:
    """Wait until gate 1 has had an answer of the filter."""
    site.logged("postfix-pre", rf"{queue_id}: to=<[^>]*>.*\((host \S+ said: )?{answer}", timeout_s)


def fresh() -> str:
    """Return a token."""
    return f"t{time.time_ns():x}"


def forget(site: Appliance, queue_id: str) -> None:
    """Delete a message that gate 1 keeps for later."""
    assert queue_id in {message["queue_id"] for message in site.queue("postfix-pre")}
    site.exec("postfix-pre", "postsuper", "-d", queue_id)


# --- which containers run --------------------------------------------------------------------------------------------


def test_scanners_run_where_policies_name_them(scanned: Appliance) -> None:
    """`make up` has started them without a profile being named; the filter reaches clamd by its address."""
    shown = scanned.compose("ps", "--services").stdout.split()
    assert {"clamav", "rspamd", "runner"} <= set(shown)
    scanned.healthy("runner")


def test_clamd_without_signatures_is_not_healthy_and_says_why(scanned: Appliance, visitor: Client) -> None:
    """Nothing is taken for clean meanwhile; freshclam's failure alone would not matter (the tests below)."""
    done = scanned.exec("clamav", "healthy", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("healthy: clamd has no signatures")
    queue_id = send(scanned, visitor, "anna@virus.test", message(fresh()))
    filtered(scanned, queue_id, NOT_SEARCHED)
    forget(scanned, queue_id)


@pytest.mark.parametrize(
    ("service", "networks", "user"),
    [
        ("clamav", {"resolver", "egress", "scanners"}, "104:104"),
        ("rspamd", {"resolver", "egress", "scanners"}, "105:105"),
        ("runner", {"none"}, "10002:10001"),
    ],
)
def test_scanner_is_confined(scanned: Appliance, service: str, networks: set[str], user: str) -> None:
    """Each has the networks it needs, no capability, an ordinary user, limits, and a root that is read-only."""
    found = scanned.inspect(service)
    host = found["HostConfig"]
    assert {name.removeprefix(f"{scanned.project}_") for name in found["NetworkSettings"]["Networks"]} == networks
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"]
    assert host["ReadonlyRootfs"] and "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0 and host["PidsLimit"] > 0
    assert scanned.exec(service, "id", "-u").stdout.strip() == user.partition(":")[0]
    assert found["Config"]["StopTimeout"] >= 60


# --- clamav --------------------------------------------------------------------------------------------------------


def test_clean_message_passes_clamd(clamav: Appliance, visitor: Client) -> None:
    """Octet for octet, and freshclam that reaches nobody does no harm."""
    token = fresh()
    send(clamav, visitor, "anna@virus.test", message(token))
    assert "\n\nNothing to see.\n" in clamav.arrived("anna@virus.test", token)
    clamav.logged("clamav", "Failed to get daily database version|Can't query current.cvd.clamav.net|Update failed")
    assert clamav.inspect("clamav")["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("form", ["plain", "base64", "zip", "nested zip"])
def test_eicar_is_found(clamav: Appliance, visitor: Client, form: str) -> None:
    """As text, as an attachment, in an archive, in an archive within one."""
    token = fresh()
    archive = zipped("eicar.com", EICAR)
    content = {
        "plain": message(token, EICAR + b"\r\n"),
        "base64": attached(token, EICAR),
        "zip": attached(token, archive),
        "nested zip": attached(token, zipped("inner.zip", archive)),
    }[form]
    queue_id = send(clamav, visitor, "anna@virus.test", content)
    filtered(clamav, queue_id, DISCARDED)
    clamav.logged("filter", rf"pre={queue_id}.* verdict=discard .*clamav\.virus")
    assert clamav.mailbox("anna@virus.test", token) == []


def test_large_message_is_searched_whole(clamav: Appliance, visitor: Client) -> None:
    """The limits of clamd are above gate 1's, so that what is at the end of the largest message is found too."""
    queue_id = send(clamav, visitor, "anna@virus.test", message(fresh(), (b"x" * 76 + b"\r\n") * 60_000 + EICAR))
    filtered(clamav, queue_id, DISCARDED, 60)


def test_clamd_that_is_down_defers(without_clamd: Appliance, visitor: Client) -> None:
    """The message waits in gate 1, and gets its verdict when clamd is back."""
    token = fresh()
    queue_id = send(without_clamd, visitor, "anna@virus.test", message(token))
    filtered(without_clamd, queue_id, NOT_SEARCHED)
    without_clamd.compose("start", "clamav")
    without_clamd.healthy("clamav", START_S)
    without_clamd.exec("postfix-pre", "postqueue", "-f")
    without_clamd.arrived("anna@virus.test", token)


def test_clamd_that_hangs_defers(clamav: Appliance, visitor: Client) -> None:
    """Its check ends in its own time."""
    container = clamav.container("clamav")
    run("docker", "pause", container)
    try:
        queue_id = send(clamav, visitor, "anna@virus.test", message(fresh()))
        filtered(clamav, queue_id, NOT_SEARCHED, 60)
        clamav.logged("filter", r'check failed.*check=clamav.*cause="?no result in 10 s')
        forget(clamav, queue_id)
    finally:
        run("docker", "unpause", container)


def test_clamd_that_is_down_goes_by_on_error(clamav: Appliance, visitor: Client) -> None:
    """Pass or hold, as the operator has chosen; each apply starts clamd again, and leaves a running one as it is."""
    container, now = clamav.container("clamav"), "defer"
    for on_error in ("pass", "hold"):
        clamav.edit(f'on_error = "{now}"', f'on_error = "{on_error}"')
        now = on_error
        clamav.make("apply")
        assert clamav.container("clamav") == container
        assert clamav.inspect("clamav")["State"]["Running"]
        clamav.compose("stop", "-t", "5", "clamav")
        token = fresh()
        queue_id = send(clamav, visitor, "anna@virus.test", message(token, EICAR))
        if on_error == "pass":
            assert EICAR.decode() in clamav.arrived("anna@virus.test", token)
        else:
            filtered(clamav, queue_id, "250 2.0.0 Held as")
    clamav.edit(f'on_error = "{now}"', 'on_error = "defer"')
    clamav.make("apply")
    clamav.healthy("clamav", START_S)


# --- rspamd --------------------------------------------------------------------------------------------------------


def test_rspamd_scores_a_message_and_finds_gtube(scanned: Appliance, visitor: Client) -> None:
    """What passes has the score in its header, and no other's; the test string is spam."""
    scanned.healthy("rspamd", START_S)
    token = fresh()
    clean = message(token, b"Nothing to see.\r\n", "X-Spam-Score: -100", to="anna@spam.test")
    send(scanned, visitor, "anna@spam.test", clean)
    arrived = scanned.arrived("anna@spam.test", token)
    scores = re.findall(r"^X-Spam-(\w+): (.*)$", arrived, re.MULTILINE)
    assert [name for name, _ in scores] == ["Score", "Status"]
    assert float(scores[0][1]) < 6 and scores[1][1].startswith("No, score=")
    queue_id = send(scanned, visitor, "anna@spam.test", message(fresh(), GTUBE + b"\r\n"))
    filtered(scanned, queue_id, DISCARDED)
    scanned.logged("filter", rf"pre={queue_id}.*rspamd\.spam")


def test_rspamd_that_is_down_defers(scanned: Appliance, visitor: Client) -> None:
    """The message waits in gate 1."""
    scanned.compose("stop", "-t", "5", "rspamd")
    try:
        queue_id = send(scanned, visitor, "anna@spam.test", message(fresh()))
        filtered(scanned, queue_id, NOT_SEARCHED)
        forget(scanned, queue_id)
    finally:
        scanned.compose("start", "rspamd")


# --- command ---------------------------------------------------------------------------------------------------------


def test_program_that_ends_with_0_passes(scanned: Appliance, visitor: Client) -> None:
    """Nothing is changed in the message."""
    token = fresh()
    send(scanned, visitor, "anna@obeyed.test", message(token, b".\r\nbody\r\n", "X-Do: exit 0"))
    assert scanned.arrived("anna@obeyed.test", token).endswith("\nX-Do: exit 0\n\n.\nbody\n")


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("exit 69", DISCARDED),
        ("exit 75", NOT_NOW),
        ("exit 1", NOT_SEARCHED),
        ("exit 70", NOT_SEARCHED),
        ("exit 127", NOT_SEARCHED),
        ("signal", NOT_SEARCHED),
        ("sleep", NOT_SEARCHED),
    ],
)
def test_program_that_ends_otherwise(scanned: Appliance, visitor: Client, order: str, answer: str) -> None:
    """69 is a finding, 75 defers; codes it may not use, signals and time-outs follow on_error."""
    queue_id = send(scanned, visitor, "anna@obeyed.test", message(fresh(), b"x\r\n", f"X-Do: {order}"))
    filtered(scanned, queue_id, answer)
    if answer == DISCARDED:
        scanned.logged("filter", rf"pre={queue_id}.*command:obey\.rejected")
    else:
        forget(scanned, queue_id)


def test_program_leaves_nothing_behind_and_has_no_network(scanned: Appliance, visitor: Client) -> None:
    """No process and no file, and nothing but its own loopback."""
    for order in ("linger", "reach"):
        token = fresh()
        send(scanned, visitor, "anna@obeyed.test", message(token, b"x\r\n", f"X-Do: {order}"))
        scanned.arrived("anna@obeyed.test", token)
    processes = "cat /proc/[0-9]*/comm"
    wait_for(lambda: "sleep" not in scanned.exec("runner", "sh", "-c", processes).stdout, "the end of all programs")
    assert scanned.exec("runner", "ls", "-A", "/tmp").stdout == ""


def test_program_edits(scanned: Appliance, visitor: Client) -> None:
    """The sample adds a line with gate 1's queue id on top, and all else stays as it came."""
    token = fresh()
    queue_id = send(scanned, visitor, "anna@edited.test", message(token, b"8bit: \xc3\xbc\r\n.\r\n..\r\n"))
    arrived = scanned.arrived("anna@edited.test", token)
    assert f"\nX-Sample: seen by {queue_id}\n" in arrived
    assert arrived.endswith("\n\n8bit: ü\n.\n..\n")


def test_sample_rejects_many_recipients(scanned: Appliance, visitor: Client) -> None:
    """Its own example of a rejection, tried by hand as the docs say."""
    (scanned.config_dir / "message.eml").write_bytes(message(fresh()))
    words = ("PROGRAM=sample", f"MESSAGE={scanned.config_dir}/message.eml")
    done = scanned.make("try-command", *words)
    assert done.stdout.startswith("X-Sample: seen by by-hand\nX-Token:")
    assert "exit 0: passes" in done.stderr
    many = " ".join(f"r{number}@example.test" for number in range(51))
    done = scanned.make("try-command", *words, f"TO={many}", check=False)
    assert done.stdout == ""
    assert "<someone@example.net> writes to 51 recipients\n" in done.stderr
    assert "exit 69: the finding command:NAME.rejected" in done.stderr


def test_runner_that_is_down_defers_and_comes_back(scanned: Appliance, visitor: Client) -> None:
    """The message waits in gate 1 meanwhile."""
    token = fresh()
    scanned.compose("stop", "-t", "5", "runner")
    queue_id = send(scanned, visitor, "anna@obeyed.test", message(token))
    filtered(scanned, queue_id, NOT_SEARCHED)
    scanned.compose("start", "runner")
    scanned.healthy("runner")
    scanned.exec("postfix-pre", "postqueue", "-f")
    scanned.arrived("anna@obeyed.test", token)


# --- and away with them ----------------------------------------------------------------------------------------------


def test_scanner_that_no_policy_names_any_more_is_removed(clamav: Appliance, visitor: Client) -> None:
    """The next apply ends it, and starts it again when it is wanted; its signatures stay."""
    clamav.edit('checks = ["clamav"]', "checks = []")
    said = clamav.make("apply").stderr
    assert "clamav is wanted no more: removing its container" in said
    assert "clamav" not in clamav.compose("ps", "-a", "--services").stdout.split()
    clamav.edit("checks = []", 'checks = ["clamav"]')
    assert "Started: clamav" in clamav.make("plan").stdout
    clamav.make("apply")
    clamav.healthy("clamav", START_S)
    queue_id = send(clamav, visitor, "anna@virus.test", message(fresh(), EICAR))
    filtered(clamav, queue_id, DISCARDED)
