"""
The directory in a database: who is taken, where mail goes, and what happens while the database is away.

One file, though long: its tests share an appliance that is theirs alone, and a second file would start a second.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Answer, Client, Sink, run, wait_for
from tests.stack.directory import become, command, on_terminal, sql

PASSWORD = "correct horse battery"
TAKEN = ""
UNKNOWN = "550 5.1.1 <{}>: Recipient address rejected: User unknown"
NOT_OURS = "554 5.7.1 <{}>: Relay access denied"
UNDELIVERABLE = "550 5.1.1 <{}>: Recipient address rejected: undeliverable address: Address not confirmed"
AWAY = re.compile(r"451 4\.3\.0 <\S+>: Temporary lookup failure")
OURS = ("mysql", "sqlite", "postgresql")

RECIPIENTS = {
    "a mailbox": ("anna@dir.test", TAKEN),
    "a mailbox in capitals": ("Anna@Dir.TEST", TAKEN),
    "a mailbox with an extension": ("anna+lists@dir.test", TAKEN),
    "an alias": ("sales@dir.test", TAKEN),
    "an alias with an extension": ("sales+lists@dir.test", TAKEN),
    "an unknown user": ("nobody@dir.test", UNKNOWN),
    "a user with a quote": ("o'nobody@dir.test", UNKNOWN),
    "an alias domain's alias": ("team@ali.test", TAKEN),
    "an unknown user of an alias domain": ("anna@ali.test", UNKNOWN),
    "a mailbox beside a catch-all": ("box@catch.test", TAKEN),
    "whoever is caught": ("whoever@catch.test", TAKEN),
    "a postmaster nobody has added": ("postmaster@dir.test", TAKEN),
    "another domain": ("anna@not-ours.test", NOT_OURS),
    "a sub-domain": ("anna@sub.dir.test", NOT_OURS),
    "a mailbox of the file": ("frank@file.test", TAKEN),
    "an unknown user of the file": ("nobody@file.test", UNKNOWN),
}
OF_OURS = {
    "whoever of a relay domain": ("whoever@relay.test", TAKEN),
    "somebody the next hop knows": ("somebody@verify.test", TAKEN),
    "somebody the next hop refuses": ("unknown-one@verify.test", UNDELIVERABLE),
}
DELIVERED = {  # recipient -> the mailboxes it comes to
    "anna@dir.test": ("anna@dir.test",),
    "Anna+lists@Dir.test": ("anna@dir.test",),
    "sales@dir.test": ("anna@dir.test", "ben@dir.test"),
    "team@ali.test": ("anna@dir.test",),
    "box@catch.test": ("box@catch.test",),
    "whoever@catch.test": ("anna@dir.test",),
    "postmaster@dir.test": ("postmaster@file.test",),
    "frank@file.test": ("frank@file.test",),
    "info@file.test": ("anna@dir.test",),
    "old@dir.test": ("anna@dir.test",),
}
BOXES = ("anna@dir.test", "ben@dir.test", "box@catch.test", "postmaster@file.test", "frank@file.test")


@pytest.fixture(scope="module")
def site(make_appliance: Callable[..., Appliance]) -> Appliance:
    """Return the appliance, its directory in MariaDB and empty at first."""
    return make_appliance("directory")


@pytest.fixture(scope="module")
def stranger(site: Appliance) -> Client:
    """Return a client nobody trusts."""
    return site.client("stranger", ip=str(site.network("edge")[8]))


@pytest.fixture(scope="module")
def hop(site: Appliance) -> Sink:
    """Return the next hop of the relay domains."""
    return site.sink("sink", ip=str(site.network("egress")[12]))


@pytest.fixture(scope="module")
def people(site: Appliance, hop: Sink, request: pytest.FixtureRequest) -> str:
    """Bring the people into a directory of a kind; return the kind."""
    become(site, request.param)
    return request.param


@pytest.fixture(autouse=True)
def _nothing_bounces(site: Appliance) -> Iterator[None]:
    """Find after each test that no gate has made a DSN of it."""
    before = _notifications(site)
    yield
    assert _notifications(site) == before


def _notifications(site: Appliance) -> int:
    return sum(site.logs(gate).count("non-delivery notification") for gate in ("postfix-pre", "postfix-post"))


def in_all_kinds(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test with each kind of directory, PostfixAdmin's layout included."""
    return pytest.mark.parametrize("people", [*OURS, "postfixadmin"], indirect=True, scope="module")(test)


def with_mariadb(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test with MariaDB only."""
    return pytest.mark.parametrize("people", ["mysql"], indirect=True, scope="module")(test)


@in_all_kinds
def test_recipients_are_refused_or_taken(site: Appliance, stranger: Client, people: str) -> None:
    """Gate 1 knows at RCPT who is there, whatever the database is."""
    wanted = RECIPIENTS | (OF_OURS if people in OURS else {})
    said = {what: _asked(site, stranger, recipient) for what, (recipient, _) in wanted.items()}
    assert said == {what: reply.format(recipient) for what, (recipient, reply) in wanted.items()}


@in_all_kinds
def test_mail_comes_to_whom_an_address_stands_for(site: Appliance, stranger: Client, people: str) -> None:
    """Each message is in the Maildirs it belongs into, and in no other."""
    tokens = {}
    for recipient in DELIVERED:
        sent = stranger.swaks(site.outside, to=recipient)
        assert sent.code == 0, sent.transcript
        tokens[recipient] = sent.token
    for recipient, boxes in DELIVERED.items():
        for box in boxes:
            site.arrived(box, tokens[recipient])
        others = [box for box in BOXES if box not in boxes and site.mailbox(box, tokens[recipient])]
        assert others == [], recipient


@pytest.mark.parametrize("people", OURS, indirect=True, scope="module")
def test_relay_domain_has_its_next_hop(site: Appliance, stranger: Client, hop: Sink, people: str) -> None:
    """Mail for a relay domain of the tables, and for an alias that leads there, goes to its next hop."""
    for recipient, target in (("whoever@relay.test", "whoever@relay.test"), ("away@dir.test", "someone@relay.test")):
        sent = stranger.swaks(site.outside, to=recipient)
        assert sent.code == 0, sent.transcript
        assert hop.arrived(sent.token)["recipients"][0].startswith(f"TO:<{target}>")


@pytest.mark.parametrize("people", OURS, indirect=True, scope="module")
def test_change_holds_for_the_next_message(site: Appliance, stranger: Client, people: str) -> None:
    """A mailbox that is added takes mail at once, and one that is removed does not, without a reload."""
    assert _asked(site, stranger, "new@dir.test") == UNKNOWN.format("new@dir.test")
    command(site, "mailbox", "add", "new@dir.test")
    assert _asked(site, stranger, "new@dir.test") == TAKEN
    command(site, "mailbox", "remove", "new@dir.test")
    assert _asked(site, stranger, "new@dir.test") == UNKNOWN.format("new@dir.test")


@pytest.mark.parametrize("people", OURS, indirect=True, scope="module")
def test_import_is_whole_or_not_at_all(site: Appliance, people: str, tmp_path) -> None:
    """A file with a mistake changes nothing and names its lines; without, all its mailboxes are there."""
    file = tmp_path / "people.csv"
    file.write_text("address,quota\none@dir.test,1GiB\nbad\ntwo@nowhere.test,\nanna@dir.test,\n")
    refused = command(site, "mailbox", "import", str(file), check=False)
    assert refused.returncode == 1
    assert re.findall(r"people\.csv:(\d+): ", refused.stderr) == ["3", "4", "5"]
    assert "%" not in refused.stderr, "a bar, where nobody looks at it"
    assert not [box for box in _listed(site) if box["address"].startswith("one@")]
    file.write_text("address,quota\none@dir.test,1GiB\ntwo@dir.test,\n")
    added, shown = on_terminal(site, "mailbox", "import", str(file), "--json")
    assert json.loads(added) == {"mailboxes": 2, "hashed": 0}
    assert "100%" in shown, "the bar's end"
    boxes = {box["address"]: box["quota"] for box in _listed(site)}
    assert (boxes["one@dir.test"], boxes["two@dir.test"]) == (2**30, None)
    for address in ("one@dir.test", "two@dir.test"):
        command(site, "mailbox", "remove", address)


@with_mariadb
def test_gates_may_only_read(site: Appliance, people: str) -> None:
    """The user whose password the gates have cannot change a row, and no other container has the password."""
    refused = sql(site, "gateway", "mail", "DELETE FROM mailboxes", check=False)
    assert "DELETE command denied" in refused.stderr
    for service in ("filter", "bind"):
        assert site.exec(service, "ls", "/run/secrets", check=False).stdout == ""
    mode = site.exec("postfix-pre", "stat", "-c", "%a %U %G", "/run/directory", "/run/directory/aliases").stdout
    assert mode.splitlines() == ["750 root postfix", "640 root postfix"]
    generation = site.generations()["postfix-pre"]
    rendered = site.exec("postfix-pre", "grep", "-rc", "^password", f"/rendered/generations/{generation}", check=False)
    assert {line.rpartition(":")[2] for line in rendered.stdout.splitlines()} == {"0"}


@with_mariadb
def test_password_is_kept_as_a_hash(site: Appliance, people: str) -> None:
    """
    It goes in by stdin, and comes to rest as argon2id; for a mailbox of the file, in secrets/passwords.

    Of that file `make doctor` has nothing to say, and Dovecot can read it.
    """
    command(site, "mailbox", "password", "anna@dir.test", stdin="correct horse battery\n")
    command(site, "mailbox", "password", "frank@file.test", stdin="correct horse battery\n")
    rows = sql(site, "admin", "mail", "SELECT password FROM mailboxes WHERE address = 'anna@dir.test'").stdout
    kept = (site.config_dir / "secrets/passwords").read_text()
    assert rows.splitlines()[1].startswith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$")
    assert re.fullmatch(r"frank@file\.test:\{ARGON2ID\}\$argon2id\$\S+\n", kept)
    assert [remark for remark in site.doctor() if remark["about"].startswith("secrets/")] == []
    laptop = site.client("franks-laptop")
    assert _logged_in(site, laptop, PASSWORD, "frank@file.test", user="frank@file.test") == TAKEN


@pytest.mark.parametrize("people", OURS, indirect=True, scope="module")
def test_people_of_the_tables_log_in_and_send_as_themselves(site: Appliance, people: str) -> None:
    """
    With the password that was set, under their own address or an alias that leads to them, and under no other.

    Through one alias of the tables or of the file, or through two.
    """
    command(site, "mailbox", "password", "anna@dir.test", stdin=f"{PASSWORD}\n")
    laptop = site.client("laptop")
    own = ("anna@dir.test", "sales@dir.test", "all@dir.test", "info@file.test")
    assert {sender: _logged_in(site, laptop, PASSWORD, sender) for sender in own} == dict.fromkeys(own, TAKEN)
    assert _logged_in(site, laptop, PASSWORD, "ben@dir.test").startswith("553 5.7.1 <ben@dir.test>")
    assert _logged_in(site, laptop, "wrong", "anna@dir.test").startswith("535 5.7.8")


@pytest.mark.parametrize("people", ["postfixadmin"], indirect=True, scope="module")
def test_hash_without_its_scheme_is_no_password(site: Appliance, people: str) -> None:
    """PostfixAdmin writes them as crypt(3) does; whoever has seen one cannot log in with it."""
    rows = sql(site, "admin", "postfix", "SELECT password FROM mailbox WHERE username = 'anna@dir.test'").stdout
    laptop = site.client("laptop")
    assert _logged_in(site, laptop, PASSWORD, "anna@dir.test") == TAKEN
    assert _logged_in(site, laptop, rows.splitlines()[1], "anna@dir.test").startswith("535 5.7.8")


@with_mariadb
def test_login_waits_for_the_database(site: Appliance, people: str) -> None:
    """While nobody can say whether a password is right, the answer is a 454."""
    command(site, "mailbox", "password", "anna@dir.test", stdin=f"{PASSWORD}\n")
    laptop = site.client("another-laptop")
    site.compose("stop", "database")
    try:
        assert _logged_in(site, laptop, PASSWORD, "anna@dir.test").startswith("454 4.7.0")
    finally:
        site.compose("start", "database")
    site.healthy("database")
    wait_for(lambda: _logged_in(site, laptop, PASSWORD, "anna@dir.test") == TAKEN, "a login", 120)


@with_mariadb
def test_tables_of_the_version_before_are_upgraded_with_the_people_in_them(
    site: Appliance, stranger: Client, people: str
) -> None:
    """`make apply` brings them to this version; who was there still is, and gets mail before and after."""
    before = [box | {"quota": None} for box in _listed(site)]
    sql(site, "admin", "mail", "ALTER TABLE mailboxes DROP quota; UPDATE sallyport_version SET version_num = '0001'")
    assert "tables are at version 0001, expected 0002" in command(site, "mailbox", "list", check=False).stderr
    assert _asked(site, stranger, "anna@dir.test") == TAKEN
    assert "directory: tables at version 0002: upgraded from 0001" in site.make("apply").stderr
    assert _listed(site) == before
    assert _asked(site, stranger, "anna@dir.test") == TAKEN


@with_mariadb
def test_database_stopped_under_load_loses_nothing(site: Appliance, stranger: Client, people: str) -> None:
    """While it is away clients hear 451 and come again; what was taken before waits; all is delivered in the end."""
    token = f"load{time.time_ns():x}"
    contents = [f"X-Token: {token}\r\nX-Number: <{n}>\r\n\r\nLoad\r\n".encode() for n in range(150)]
    answers: list[Answer] = []

    def load() -> None:
        answers.extend(stranger.send(site.outside, contents, to="sales@dir.test", parallel=4, pause_s=0.2))

    thread = threading.Thread(target=load)
    thread.start()
    wait_for(lambda: site.mailbox("anna@dir.test", token), "the first of the load")
    site.compose("stop", "database")
    assert AWAY.fullmatch(_asked(site, stranger, "nobody@dir.test")), "an unknown user is not known to be unknown"
    thread.join()
    codes = {answer.code for answer in answers}
    assert codes == {250, 451}, codes
    assert AWAY.fullmatch(_asked(site, stranger, "frank@file.test")), "the sender's domain might be one of ours"
    site.compose("start", "database")
    site.healthy("database")
    left = [contents[number] for number, answer in enumerate(answers) if answer.code == 451]

    def come_again() -> bool:
        again = stranger.send(site.outside, left, to="sales@dir.test")
        assert {answer.code for answer in again} <= {250, 451}
        left[:] = [content for content, answer in zip(left, again, strict=True) if answer.code == 451]
        return not left

    wait_for(come_again, "the rest of the load to be taken", 120)
    for box in ("anna@dir.test", "ben@dir.test"):
        wait_for(lambda box=box: _brought(site, box, token) >= len(contents), f"all of the load for {box}", 120)
        numbers = [re.search(r"X-Number: <(\d+)>", message)[1] for message in site.mailbox(box, token)]
        assert sorted(map(int, numbers)) == list(range(len(contents))), box
    waiting = [entry for gate in ("postfix-pre", "postfix-post") for entry in site.queue(gate)]
    addresses = {recipient["address"] for entry in waiting for recipient in entry["recipients"]}
    assert addresses <= {"postmaster@file.test"}  # who is told by gate 1 of look-ups that failed


@with_mariadb
def test_what_was_taken_waits_for_the_database(site: Appliance, stranger: Client, people: str) -> None:
    """A message that gate 2 cannot place is deferred, and delivered when the database is back."""
    run("docker", "pause", site.container("filter"))
    try:
        sent = stranger.swaks(site.outside, to="anna@dir.test")
        assert sent.code == 0, sent.transcript
        site.compose("stop", "database")
    finally:
        run("docker", "unpause", site.container("filter"))
    wait_for(lambda: "4." in str(site.queue("postfix-pre")), "its deferral")
    assert site.mailbox("anna@dir.test", sent.token) == []
    site.compose("start", "database")
    site.healthy("database")
    site.arrived("anna@dir.test", sent.token, timeout_s=120)


@with_mariadb
def test_slow_database_is_waited_for(site: Appliance, stranger: Client, people: str) -> None:
    """A table that is locked for seconds makes a client wait as long, and he is taken."""
    lock = "LOCK TABLES mailboxes WRITE; SELECT SLEEP(5)"
    held = "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(5)'"
    thread = threading.Thread(target=sql, args=(site, "admin", "mail", lock))
    thread.start()
    wait_for(lambda: sql(site, "admin", "mail", held).stdout.split() == ["COUNT(*)", "1"], "the lock")
    said = _asked(site, stranger, "anna@dir.test")
    assert sql(site, "admin", "mail", held).stdout.split() == ["COUNT(*)", "0"], "the answer waited for the table"
    thread.join()
    assert said == TAKEN


@with_mariadb
def test_database_that_hangs_is_away_before_long(site: Appliance, stranger: Client, people: str) -> None:
    """A database that takes connections and says nothing is a 451 after its time-out, not a client that waits."""
    assert _asked(site, stranger, "anna@dir.test") == TAKEN
    run("docker", "pause", site.container("database"))
    try:
        started = time.monotonic()
        said = _asked(site, stranger, "anna@dir.test")
        taken_s = time.monotonic() - started
    finally:
        run("docker", "unpause", site.container("database"))
    assert AWAY.fullmatch(said), said
    assert taken_s < 45
    wait_for(lambda: _asked(site, stranger, "anna@dir.test") == TAKEN, "an answer of the directory")


def _brought(site: Appliance, box: str, token: str) -> int:
    """Return how many messages are in a mailbox, and have the gates try again what they have deferred."""
    for gate in ("postfix-pre", "postfix-post"):
        site.exec(gate, "postqueue", "-f")
    return len(site.mailbox(box, token))


def _asked(site: Appliance, client: Client, recipient: str) -> str:
    """Return what gate 1 says to a recipient, empty where it is taken."""
    return client.swaks(site.outside, "--quit-after", "RCPT", to=recipient).last_error


def _logged_in(site: Appliance, client: Client, password: str, sender: str, *, user: str = "anna@dir.test") -> str:
    """Return what gate 1 says at last to somebody with a password who sends to somebody of the file."""
    words = ("--tls", "--auth", "PLAIN", "--auth-user", user, "--auth-password", password)
    listener = site.listener("submission")
    return client.swaks(listener, *words, "--quit-after", "RCPT", sender=sender, to="frank@file.test").last_error


def _listed(site: Appliance) -> list[dict]:
    return json.loads(command(site, "mailbox", "list", "--json").stdout)
