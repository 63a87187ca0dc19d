"""
The checks that ask others: clamd and rspamd, clean and with a finding; and all that ask anybody, with nobody there.

clamd has a database of its own with the EICAR test file in it, and nothing is fetched from outside.  What programs,
DNS and blocklists answer is in test_command.py, test_auth.py and test_urls.py, without the weight of these two.
"""

from __future__ import annotations

import re

import pytest

from tests.stack import searched
from tests.stack.appliance import Appliance
from tests.stack.client import Client, run, wait_for
from tests.stack.mail import DISCARDED, HELD, NOT_SEARCHED, PASSED, filtered, forget, fresh, message, send
from tests.stack.searched import GTUBE, zipped

# In two pieces, so that no scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE = f"Test.Eicar:0:*:{EICAR.hex()}\n"
START_S = 60  # of clamd with one signature, on a busy machine
SCANNERS = ("clamav", "rspamd", "runner")
NOTHING = b"Nothing to see.\r\n"
# Check -> who is searched by it alone, and a message that makes it ask one of SCANNERS, or DNS.
ASKING = {
    "clamav": ("anna@virus.test", NOTHING),
    "rspamd": ("anna@spam.test", NOTHING),
    "command:taker": ("anna@obeyed.test", NOTHING),
    "urls": ("anna@linked.test", b"See http://link.example/\r\n"),
    "auth": ("anna@proved.test", NOTHING),
}


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


def attached(token: str, content: bytes) -> bytes:
    """Make a message with an attachment in base64."""
    return f"X-Token: {token}\r\n".encode() + searched.attached("file.bin", content)


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
    queue_id = send(scanned, visitor, "anna@spam.test", message(fresh(), GTUBE.encode() + b"\r\n"))
    filtered(scanned, queue_id, DISCARDED)
    scanned.logged("filter", rf"pre={queue_id}.*rspamd\.spam")


# --- nobody there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on_error", "answer"), [("hold", HELD), ("pass", PASSED), ("defer", NOT_SEARCHED)])
def test_check_that_can_ask_nobody_goes_by_on_error(
    clamav: Appliance, visitor: Client, on_error: str, answer: str
) -> None:
    """Scanners and the resolver are killed; apply starts scanners again, and what was deferred passes then."""
    containers = [clamav.container(service) for service in SCANNERS]
    clamav.config.write_text(re.sub('on_error = "[a-z]+"', f'on_error = "{on_error}"', clamav.config.read_text()))
    apply_with_scanners(clamav, containers)
    clamav.compose("kill", *SCANNERS, "bind")
    tokens = {check: fresh() for check in ASKING}
    try:
        for check, (address, body) in ASKING.items():
            queue_id = send(clamav, visitor, address, message(tokens[check], body, to=address))
            filtered(clamav, queue_id, answer)
            clamav.logged("filter", rf"transaction pre={queue_id} .*findings={check}\.error")
    finally:
        clamav.compose("start", "bind")
    if on_error == "defer":
        apply_with_scanners(clamav, containers)
        for service in ("bind", *SCANNERS):
            clamav.healthy(service, START_S)
    for check, (address, _) in ASKING.items():
        if on_error == "hold":
            assert clamav.mailbox(address, tokens[check]) == []
        else:
            arrived_in_the_end(clamav, address, tokens[check])


def apply_with_scanners(site: Appliance, containers: list[str]) -> None:
    """Apply the file; it starts scanners that were killed, and replaces none."""
    site.make("apply")
    assert [site.container(service) for service in SCANNERS] == containers
    assert all(site.inspect(service)["State"]["Running"] for service in SCANNERS)


def arrived_in_the_end(site: Appliance, address: str, token: str) -> None:
    """Let gate 1 try again until a message has arrived; a blocklist that was down is not asked for a while."""

    def look() -> list[str]:
        site.exec("postfix-pre", "postqueue", "-f")
        return site.mailbox(address, f"X-Token: {token}")

    wait_for(look, f"{token} in the mailbox of {address}")


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
