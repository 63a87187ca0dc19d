"""
Submission: who may send through gate 1 with a password, as whom, and what keeps everybody else out.

Wrong passwords make Dovecot answer their address more slowly, so the tests that give some have clients of their own.
One file, though long: it is one list of who may do what, over the same people and listeners.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sent, Sink, run, wait_for
from tests.stack.dialogue import talk
from tests.stack.test_policies import GTUBE, tag
from tests.stack.test_relay import DENIED, ENCODED, NO_SENDER, ROWS, WAYS, replies_at_rcpt

PASSWORDS = {"anna": "anna's secret", "bob": "bob's secret", "carol": "carol's secret", "dave": "d", "erin": "e"}
SUBMISSION, SUBMISSIONS = ("submission", "--tls"), ("submissions", "--tls-on-connect")


@pytest.fixture(scope="module")
def world(house: Appliance) -> Sink:
    """Return the MX of third.example."""
    return house.sink("sink", ip=str(house.network("egress")[12]))


@pytest.fixture(scope="module")
def at(house: Appliance) -> dict[str, str]:
    """Return where a client on the edge network reaches each listener."""
    return {name: house.listener(name) for name in ("outside", "submission", "submissions", "limited")}


@pytest.fixture(scope="module")
def laptop(house: Appliance) -> Client:
    """Return somebody's machine, anywhere."""
    return house.client("laptop")


def login(name: str, password: str | None = None, mechanism: str = "PLAIN") -> tuple[str, ...]:
    """Return swaks's options to log in as somebody of example.test."""
    given = PASSWORDS[name] if password is None else password
    return ("--auth", mechanism, "--auth-user", f"{name}@example.test", "--auth-password", given)


def submit(
    client: Client, server: str, *arguments: str, sender: str = "anna@example.test", to: str = "v@third.example"
) -> Sent:
    """Send a message after STARTTLS."""
    return client.swaks(server, "--tls", *arguments, sender=sender, to=to)


def offered(client: Client, server: str) -> set[str]:
    """Return what gate 1 offers before TLS."""
    [replies] = talk(client, server, [["EHLO client.example", "QUIT"]])
    return {line[4:].split()[0] for line in replies[1].splitlines()[1:]}


# --- who gets in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("listener", [SUBMISSION, SUBMISSIONS], ids=["587", "465"])
def test_login_sends_anywhere(
    laptop: Client, world: Sink, at: dict[str, str], listener: tuple[str, str], mechanism: str
) -> None:
    """With the right password, by STARTTLS or TLS from the first octet."""
    name, tls = listener
    words = login("anna", mechanism=mechanism)
    sent = laptop.swaks(at[name], tls, *words, sender="anna@example.test", to="v@third.example")
    assert sent.code == 0, sent.transcript
    assert world.arrived(sent.token)["reverse_path"].startswith("FROM:<anna@example.test>")


def test_login_by_bcrypt_in_capitals_is_the_same_person(laptop: Client, at: dict[str, str]) -> None:
    """Addresses are compared in lower case, and bob's hash is BCRYPT's."""
    words = ("--auth", "PLAIN", "--auth-user", "Bob@Example.test", "--auth-password", PASSWORDS["bob"])
    sent = submit(laptop, at["submission"], *words, sender="bob@example.test")
    assert sent.code == 0, sent.transcript


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "bob's secret"), ("anna", ""), ("nobody", "x")], ids=["wrong", "empty", "unknown"]
)
def test_wrong_password_is_refused_slowly_and_counted(
    house: Appliance, at: dict[str, str], name: str, password: str
) -> None:
    """All are told the same, after 2 s or nearly so, and `make status` counts them."""
    guesser = house.client(f"guesser-{name}-{len(password)}")
    before = failures(house)
    began = time.monotonic()
    sent = submit(guesser, at["submission"], *login(name, password))
    assert "535 5.7.8 Error: authentication failed" in sent.last_error, sent.transcript
    assert time.monotonic() - began > 1.5
    assert failures(house) == before + 1


def failures(house: Appliance) -> int:
    """Return how many logins failed, as make status counts them."""
    found = re.search(r"^(\d+) logins failed", house.make("status").stdout, re.MULTILINE)
    assert found
    return int(found[1])


def test_nothing_is_taken_without_tls(laptop: Client, at: dict[str, str]) -> None:
    """Neither a password nor mail, and AUTH is not even offered."""
    must = "530 5.7.0 Must issue a STARTTLS command first"
    commands = ["EHLO client.example", "AUTH PLAIN AGFubmEA", "MAIL FROM:<anna@example.test>", "QUIT"]
    [replies] = talk(laptop, at["submission"], [commands])
    assert replies[2:4] == [must, must]
    assert "AUTH" not in offered(laptop, at["submission"])


def test_nobody_sends_without_a_login(laptop: Client, at: dict[str, str]) -> None:
    """Not even to a mailbox here."""
    sent = submit(laptop, at["submission"], to="bob@example.test")
    assert "Client host rejected: Access denied" in sent.last_error
    assert sent.last_error.startswith("554 5.7.1 ")


def test_port_25_takes_no_login(laptop: Client, at: dict[str, str]) -> None:
    """STARTTLS is offered, AUTH is not, before TLS and after."""
    assert "STARTTLS" in offered(laptop, at["outside"])
    assert "AUTH" not in offered(laptop, at["outside"])
    sent = submit(laptop, at["outside"], *login("anna"), to="bob@example.test")
    assert sent.code == 28, sent.transcript  # swaks: the server offers no authentication
    [replies] = talk(laptop, at["outside"], [["EHLO client.example", "AUTH PLAIN AGFubmEA", "QUIT"]])
    assert replies[2] == "503 5.5.1 Error: authentication not enabled"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
@pytest.mark.parametrize("name", ["outside", "submission"])
def test_old_tls_is_refused(laptop: Client, at: dict[str, str], name: str, version: str) -> None:
    """Less than TLS 1.2 is none at all; TLS 1.2 is fine."""
    ask = f"openssl s_client -connect {at[name]} -starttls smtp -cipher DEFAULT@SECLEVEL=0 {{}} </dev/null 2>&1"
    assert "alert protocol version" in laptop.sh(ask.format(version), check=False).stdout
    assert "Protocol: TLSv1.2" in laptop.sh(ask.format("-tls1_2")).stdout


# --- as whom ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sender"),
    [
        ("anna", "anna+list@example.test"),
        ("anna", "sales@example.test"),
        ("bob", "sales@example.test"),
        ("bob", "anything@catch.test"),
        ("anna", ""),
    ],
)
def test_login_sends_as_whoever_it_is(laptop: Client, at: dict[str, str], name: str, sender: str) -> None:
    """With an extension, as an alias that leads to it, as all of a domain; and as <>, which reports come from."""
    sent = submit(laptop, at["submission"], *login(name), "--quit-after", "RCPT", sender=sender or "<>")
    assert sent.code == 0, sent.transcript


@pytest.mark.parametrize(
    ("name", "sender"),
    [
        ("anna", "bob@example.test"),
        ("carol", "sales@example.test"),
        ("anna", "away@example.test"),
        ("anna", "anything@catch.test"),
        ("bob", "unlisted@example.test"),
        ("anna", "someone@third.example"),
    ],
)
def test_login_does_not_send_as_somebody_else(laptop: Client, at: dict[str, str], name: str, sender: str) -> None:
    """Neither as another nor as an alias that leads elsewhere, nor as a stranger."""
    sent = submit(laptop, at["submission"], *login(name), sender=sender)
    expected = f"553 5.7.1 <{sender}>: Sender address rejected: not owned by user {name}@example.test"
    assert sent.last_error == expected


# --- never an open relay ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "sender", "recipient", "shown", "reply"), ROWS, ids=[f"row {r[0]}" for r in ROWS])
def test_relaying_is_refused_beside_open_listeners_for_logins(
    house: Appliance,
    laptop: Client,
    world: Sink,
    at: dict[str, str],
    number: str,
    sender: str,
    recipient: str,
    shown: str,
    reply: str,
) -> None:
    """Port 25 answers as without them; they themselves answer everything alike to who has not logged in."""

    def ours(text: str) -> str:
        text = text.replace("OWN", "mx.example.test").replace("ENCODED", ENCODED)
        return text.replace("IP", at["outside"].partition(":")[0])

    token = f"relay-{number}-{time.time_ns():x}"
    message = f"X-Token: {token}\r\n\r\n."
    found = replies_at_rcpt(laptop, at["outside"], ours(sender), ours(recipient), message)
    assert found == dict.fromkeys(WAYS, reply.format(ours(shown)))
    found = replies_at_rcpt(laptop, at["submissions"], ours(sender), ours(recipient), message, tls=True)
    client = f"{laptop.name}.{house.project}_edge[{laptop.address}]"
    assert found == dict.fromkeys(WAYS, f"554 5.7.1 <{client}>: Client host rejected: Access denied")
    assert world.with_token(token) == []
    assert reply in (DENIED, NO_SENDER) or number == "25"


# --- through the filter ----------------------------------------------------------------------------------------------


def test_mail_to_other_sites_is_searched_by_the_senders_policy_as_from_inside(
    laptop: Client, world: Sink, at: dict[str, str]
) -> None:
    """Policy outgoing tags what it finds in mail from inside, and would hold it from outside."""
    sent = submit(laptop, at["submission"], *login("anna"), "--body", GTUBE)
    assert tag(world.arrived(sent.token)["content"]) == "outgoing"


def test_finding_in_mail_between_people_comes_back_to_its_sender(
    house: Appliance, laptop: Client, at: dict[str, str]
) -> None:
    """Policy default rejects what is from inside, which makes a DSN, and tags the same from outside."""
    sent = submit(laptop, at["submission"], *login("anna"), "--body", GTUBE, to="bob@example.test")
    assert sent.code == 0, sent.transcript
    report = wait_for(lambda: house.mailbox("anna@example.test", sent.token), "the DSN")[0]
    assert "Action: failed" in report
    outside = laptop.swaks(at["outside"], "--body", GTUBE, to="bob@example.test")
    assert tag(house.arrived("bob@example.test", outside.token)) == "default"
    assert house.mailbox("bob@example.test", f"X-Token: {sent.token}") == []


def test_hidden_client_is_nowhere_in_the_message(laptop: Client, world: Sink, at: dict[str, str]) -> None:
    """587 hides its clients here, 465 does not; nobody's login is told."""
    hidden = submit(laptop, at["submission"], *login("anna"), "--ehlo", "laptop.example")
    words = (*login("anna"), "--ehlo", "laptop.example")
    shown = laptop.swaks(
        at["submissions"], "--tls-on-connect", *words, sender="anna@example.test", to="v@third.example"
    )
    without, with_ = (world.arrived(sent.token)["content"].decode() for sent in (hidden, shown))
    for secret in (laptop.address, "laptop.example", laptop.name):
        assert secret not in without
    assert laptop.address in with_
    assert "Authenticated sender" not in without + with_


def test_what_a_mail_program_leaves_out_is_completed(laptop: Client, world: Sink, at: dict[str, str]) -> None:
    """Date and Message-Id, as a server for submission may (RFC 6409 section 8); Bcc reaches nobody."""
    data = "From: anna@example.test\\nBcc: bob@example.test\\n\\nBody\\n"
    sent = submit(laptop, at["submission"], *login("anna"), "--data", data)
    assert sent.code == 0, sent.transcript
    content = world.arrived(sent.token)["content"].decode()
    assert re.search(r"^Date: ", content, re.MULTILINE)
    assert re.search(r"^Message-Id: <", content, re.MULTILINE)
    assert not re.search(r"^Bcc:", content, re.MULTILINE)


# --- limits ----------------------------------------------------------------------------------------------------------


def test_login_has_so_many_recipients_an_hour_from_wherever(house: Appliance, at: dict[str, str]) -> None:
    """The fourth is deferred at the listener that says three, also from another address; others go on."""
    first, second = house.client("phone"), house.client("tablet")
    for client in (first, second, first):
        assert submit(client, at["limited"], *login("dave"), sender="dave@example.test").code == 0
    refused = submit(second, at["limited"], *login("dave"), sender="dave@example.test")
    assert "450 4.7.1 " in refused.last_error
    assert "Too many recipients for one login, try again later" in refused.last_error
    assert submit(second, at["limited"], *login("erin"), sender="erin@example.test").code == 0


def test_address_has_so_many_logins_a_minute(house: Appliance, at: dict[str, str]) -> None:
    """After four the fifth is not even looked at; 4xx, for it may be the right one."""
    client = house.client("impatient")
    quit_early = ("--quit-after", "AUTH")
    assert [submit(client, at["limited"], *login("bob"), *quit_early).code for _ in range(4)] == [0] * 4
    refused = submit(client, at["limited"], *login("bob"), *quit_early)
    assert "450 4.7.1 Error: too many AUTH commands from" in refused.last_error


# --- dovecot is down -------------------------------------------------------------------------------------------------


@pytest.fixture
def without_dovecot(house: Appliance) -> Iterator[Callable[[], None]]:
    """Stop Dovecot; return what brings it back."""
    container = house.container("dovecot")
    run("docker", "stop", "-t", "5", container)

    def back() -> None:
        run("docker", "start", container)
        house.healthy("dovecot")

    yield back
    back()


def test_logins_are_deferred_while_dovecot_is_down(
    house: Appliance, laptop: Client, world: Sink, at: dict[str, str], without_dovecot: Callable[[], None]
) -> None:
    """454 each time, at once or nearly so; port 25 goes on; with Dovecot back nothing needs a restart."""
    before = house.inspect("postfix-pre")["State"]["StartedAt"]
    for name, tls in (SUBMISSION, SUBMISSIONS) * 2:
        sent = laptop.swaks(at[name], tls, *login("anna"), sender="anna@example.test", to="v@third.example")
        assert "454 4.7.0 Temporary authentication failure" in sent.last_error, sent.transcript
        assert sent.code == 28
    assert submit(laptop, at["submission"], to="bob@example.test").last_error.startswith("554 5.7.1 ")
    incoming = laptop.swaks(at["outside"], to="bob@example.test")
    house.arrived("bob@example.test", incoming.token)
    without_dovecot()
    sent = submit(laptop, at["submission"], *login("anna"))
    assert sent.code == 0, sent.transcript
    assert house.inspect("postfix-pre")["State"]["StartedAt"] == before
    assert "throttling" not in house.logs("postfix-pre")


def test_nobody_is_let_in_while_there_are_no_passwords(house: Appliance, at: dict[str, str]) -> None:
    """Refused, and `make doctor` says why; what is written to the file then counts at once."""
    client, path = house.client("early"), house.config_dir / "secrets/passwords"
    kept = path.read_text()
    path.unlink()
    try:
        sent = submit(client, at["submission"], *login("anna"))
        assert sent.last_error.startswith("535 5.7.8 Error: authentication failed"), sent.transcript
        assert "not there: every login is refused" in [remark["what"] for remark in house.doctor()]
    finally:
        path.write_text(kept)
    sent = submit(client, at["submission"], *login("anna"))
    assert sent.code == 0, sent.transcript
