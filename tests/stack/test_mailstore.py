"""
[mailstore]: deliveries by LMTP, Sieve, IMAP and ManageSieve, on the real road.

One file, though long: its tests share an appliance that is theirs alone, and a second file would start a second.
"""

from __future__ import annotations

import imaplib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Done, Sink, run, wait_for
from tests.stack.people import Imap, ManageSieve

HERE = "# [mailstore] comes here"
MAILSTORE = """[mailstore]
enabled = true
imaps = ["{host}:9993"]
managesieve = ["{host}:4190"]
quota = "200KiB"
over_quota = "defer"
sieve = "site.sieve"
"""


class Store:
    """The appliance, a client from outside, and a next hop."""

    def __init__(self, appliance: Appliance) -> None:
        self.appliance = appliance
        self.host = re.search(r'"(127\.[\d.]+):2525"', appliance.config.read_text())[1]  # type: ignore[index]  # it is there
        self.imaps, self.managesieve = f"{self.host}:9993", f"{self.host}:4190"
        self.client: Client = appliance.client("client")
        self.sink: Sink = appliance.sink("sink")
        self.before = self.send("anna@store.test")  # delivered by Postfix
        appliance.arrived("anna@store.test", self.before)
        appliance.edit(HERE, MAILSTORE.format(host=self.host))
        appliance.make("apply")

    def send(self, to: str, *arguments: str, sender: str = "someone@hop.test") -> str:
        """Send a message; give its token."""
        sent = self.client.swaks(self.appliance.outside, *arguments, to=to, sender=sender)
        assert sent.code == 0, sent.transcript
        return sent.token

    def imap(self, user: str) -> Imap:
        """Log in as somebody of store.test."""
        return Imap(self.imaps, f"{user}@store.test")

    def arrives(self, user: str, token: str, folder: str = "INBOX") -> None:
        """Wait for a message in a folder."""

        def look() -> bool:
            with self.imap(user) as imap:
                return imap.has(token, folder) == 1

        wait_for(look, f"{token} in {folder} of {user}")

    def put(self, user: str, script: str, *, check: bool = True) -> Done:
        """Store a script as an operator does."""
        return self.sieve("put", f"{user}@store.test", "-", stdin=script, check=check)

    def sieve(self, *arguments: str, check: bool = True, stdin: str | None = None) -> Done:
        """Run scripts/sieve."""
        variables = (f"PROJECT={self.appliance.project}", f"CONFIG_DIR={self.appliance.config_dir}")
        return run("env", *variables, "scripts/sieve", *arguments, check=check, stdin=stdin)


def envelope(message: dict[str, Any]) -> tuple[str, list[str]]:
    """Give sender and recipients of a message at the sink, without what else was said in MAIL and RCPT."""
    paths = [re.findall("<(.*?)>", argument)[0] for argument in (message["reverse_path"], *message["recipients"])]
    return paths[0], paths[1:]


@pytest.fixture(scope="module")
def store(make_appliance: Callable[..., Appliance]) -> Store:
    """Give a site that ran without the mailstore, got mail, and then was given one."""
    return Store(make_appliance("mailstore"))


# --- delivery -------------------------------------------------------------------------------------------------------


def test_mail_from_before_is_read_by_imap(store: Store) -> None:
    """The Maildirs are the same."""
    store.arrives("anna", store.before)


def test_new_mail_comes_by_lmtp_through_both_gates(store: Store) -> None:
    """And gate 2 says so."""
    token = store.send("anna@store.test")
    store.arrives("anna", token)
    dovecot = re.escape(str(store.appliance.address("dovecot", "directory")))
    store.appliance.logged("postfix-post", rf"postfix-post/lmtp.*to=<anna@store\.test>, relay={dovecot}\[.*status=sent")
    with store.imap("anna") as imap:
        [message] = [message for message in imap.messages() if token.encode() in message]
    assert message.startswith(b"Return-Path: <someone@hop.test>\r\nDelivered-To: anna@store.test\r\n")


def test_any_address_of_the_file_gets_mail_and_logs_in(store: Store) -> None:
    """The file takes more characters in one than Dovecot does by default."""
    store.arrives("o'brien_&=~x", store.send("o'brien_&=~x@store.test"))


def test_content_comes_as_it_was_sent(store: Store) -> None:
    """A line of any length, and UTF-8 in the header and in the sender's address."""
    token = f"utf8-{time.time_ns():x}"
    content = f"X-Token: {token}\r\nSubject: Grüße\r\n\r\n{'x' * 5000}\r\n".encode()
    options = ("SMTPUTF8", "BODY=8BITMIME")
    outside = store.appliance.outside
    [answer] = store.client.send(outside, [content], to="anna@store.test", sender="jürgen@hop.test", options=options)
    assert answer.code == 250, answer.text
    store.arrives("anna", token)
    with store.imap("anna") as imap:
        [message] = [message for message in imap.messages() if token.encode() in message]
    assert message.endswith(content)
    assert message.startswith("Return-Path: <jürgen@hop.test>\r\n".encode())


def test_extension_of_a_recipient_reaches_the_script(store: Store) -> None:
    """[gateway] recipient_delimiter holds for both; a mailbox may have it in its name."""
    store.put(
        "plus",
        'require ["fileinto", "envelope", "subaddress"]; if envelope :detail "to" "list" { fileinto "Lists"; }\n',
    )
    token = store.send("plus+list@store.test")
    store.arrives("plus", token, "Lists")
    store.arrives("plus", store.send("plus+other@store.test"))
    store.arrives("plus+one", store.send("plus+one@store.test"))


def test_mail_waits_in_gate_2_while_dovecot_is_down(store: Store) -> None:
    """Deferred, not bounced; and delivered once it is back."""
    container = store.appliance.container("dovecot")
    run("docker", "stop", "-t", "10", container)
    try:
        token = store.send("anna@store.test")

        def waiting() -> list[str]:
            rows = [row for row in store.appliance.queue("postfix-post") if row["queue_name"] == "deferred"]
            return [row["recipients"][0]["delay_reason"] for row in rows]

        [reason] = wait_for(waiting, "the deferral", 180)
        assert re.search(r":24: (No route to host|Connection refused|Connection timed out)", reason)
    finally:
        run("docker", "start", container)
        store.appliance.healthy("dovecot")
    store.appliance.exec("postfix-post", "postqueue", "-f")
    store.arrives("anna", token)


# --- Sieve ----------------------------------------------------------------------------------------------------------


def test_script_files_mail_into_a_folder(store: Store) -> None:
    """The folder is made, and clients see it; other mail stays in the inbox."""
    store.put("filing", 'require "fileinto"; if header :contains "subject" "invoice" { fileinto "Money/In"; }\n')
    filed = store.send("filing@store.test", "--header", "Subject: your invoice 7")
    store.arrives("filing", filed, "Money/In")
    store.arrives("filing", store.send("filing@store.test"))
    with store.imap("filing") as imap:
        assert "Money/In" in imap.folders()
        assert imap.has(filed) == 0
    run(
        "docker",
        "exec",
        store.appliance.container("postfix-post"),
        "test",
        "-d",
        "/var/mail/vhosts/store.test/filing/.Money.In",
    )


def test_redirect_leaves_through_gate_2(store: Store) -> None:
    """By a listener that takes mail from Dovecot alone; the sender stays the sender."""
    store.put("moved", 'redirect "new@hop.test";\n')
    token = store.send("moved@store.test", sender="friend@hop.test")
    assert envelope(store.sink.arrived(token)) == ("friend@hop.test", ["new@hop.test"])
    dovecot = re.escape(str(store.appliance.address("dovecot", "directory")))
    store.appliance.logged("postfix-post", rf"postfix-post/sieve/smtpd\S* \w+: client=\S+\[{dovecot}\]")
    with store.imap("moved") as imap:
        assert imap.has(token) == 0


def test_redirect_to_nobody_keeps_the_message(store: Store) -> None:
    """Gate 2 knows who there is; mail for an address that is misspelt would lie where nobody reads it."""
    store.put("moved", 'redirect "typo@store.test";\n')
    store.arrives("moved", store.send("moved@store.test"))
    boxes = store.appliance.exec("postfix-post", "ls", "/var/mail/vhosts/store.test").stdout.split()
    assert "moved" in boxes and "typo" not in boxes


def test_vacation_answers_each_sender_once(store: Store) -> None:
    """From the null sender, so that nobody answers the answer."""
    store.put("away", 'require "vacation"; vacation :days 7 :subject "Away" "Back on Monday.";\n')
    for sender in ("one@hop.test", "one@hop.test", "two@hop.test"):
        store.arrives("away", store.send("away@store.test", sender=sender))

    def answers(recipient: str) -> list[str]:
        found = [envelope(answer) for answer in store.sink.messages("Back on Monday.")]
        return [sender for sender, recipients in found if recipients == [recipient]]

    wait_for(lambda: answers("two@hop.test"), "the answer to the second sender")
    assert (answers("one@hop.test"), answers("two@hop.test")) == ([""], [""])


def test_reject_tells_the_sender_why(store: Store) -> None:
    """And keeps nothing."""
    store.put("strict", 'require "reject"; reject "Not by mail, please.";\n')
    token = store.send("strict@store.test", sender="pushy@hop.test")
    told = wait_for(lambda: store.sink.messages("Not by mail, please."), "the report")
    assert [envelope(report) for report in told] == [("", ["pushy@hop.test"])]
    with store.imap("strict") as imap:
        assert imap.has(token) == 0


def test_broken_script_keeps_the_message_and_says_so(store: Store) -> None:
    """A script that came past every check: by hand, or by an older Dovecot."""
    home = "/var/mail/vhosts/store.test/broken/dovecot"
    steps = (
        f"mkdir -p {home}/sieve",
        f"echo 'fileinto \"Nowhere' >{home}/sieve/bad.sieve",
        f"ln -s sieve/bad.sieve {home}/active.sieve",
        f"chown -R 5000:5000 {home}/..",
    )
    store.appliance.exec("postfix-post", "bash", "-c", " && ".join(steps))
    store.arrives("broken", store.send("broken@store.test"))
    store.appliance.logged("dovecot", r"lmtp\(broken@store\.test\).*sieve: Failed to compile script 'personal/bad'")


def test_site_wide_script_runs_before_everybodys_own(store: Store) -> None:
    """With or without a script of one's own; `stop` in it ends the matter."""
    spam = ("--header", "X-Spam-Flag: YES")
    store.arrives("spam", store.send("spam@store.test", *spam), "Junk")
    store.put("spam", 'redirect "never@hop.test";\n')
    token = store.send("spam@store.test", *spam)
    store.arrives("spam", token, "Junk")
    store.sink.arrived(store.send("spam@store.test"))
    assert store.sink.with_token(token) == []


def test_nobody_else_uses_the_way_of_the_scripts(store: Store) -> None:
    """From Dovecot's network, but not from Dovecot."""
    stranger = store.appliance.client("beside-dovecot", network="directory")
    door = f"{store.appliance.address('postfix-post', 'directory')}:10026"
    assert stranger.smtp(door, b"EHLO x\r\nQUIT\r\n", timeout_s=3).startswith(b"554 ")


# --- quota ----------------------------------------------------------------------------------------------------------


FILLER = ("--attach-type", "text/plain", "--attach", "@/tmp/filler")  # some 51,400 octets, of 200 KiB


def test_over_quota_defers_where_the_file_says_so(store: Store) -> None:
    """452: the message waits in gate 2; the client sees its quota."""
    store.client.sh("head -c 36000 /dev/zero | tr '\\0' x | fold -w 70 >/tmp/filler")
    for _ in range(3):
        store.arrives("full", store.send("full@store.test", *FILLER))
    token = store.send("full@store.test", *FILLER)
    reply = store.appliance.logged("postfix-post", r"to=<full@store\.test>.*status=deferred \(host .* said: (\d+ \S+)")
    assert reply[1] == "452 4.2.2"
    with store.imap("full") as imap:
        assert imap.has(token) == 0
        assert "STORAGE" in imap.quota()


def test_over_quota_bounces_where_the_file_says_so(store: Store) -> None:
    """552, and a DSN to the sender; what waited goes the same way."""
    store.appliance.edit('over_quota = "defer"', 'over_quota = "reject"')
    store.appliance.make("apply")
    token = store.send("full@store.test", *FILLER, sender="much@hop.test")
    reply = store.appliance.logged("postfix-post", r"to=<full@store\.test>.*status=bounced \(host .* said: (\d+ \S+)")
    assert reply[1] == "552 5.2.2"
    assert envelope(store.sink.arrived(token)) == ("", ["much@hop.test"])


# --- clients --------------------------------------------------------------------------------------------------------


def test_wrong_password_is_refused(store: Store) -> None:
    """By IMAP as by ManageSieve."""
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        Imap(store.imaps, "anna@store.test", "wrong")
    with ManageSieve(store.managesieve) as session:
        session.starttls()
        assert session.login("anna@store.test", "wrong").startswith("NO")


def test_no_password_goes_in_clear(store: Store) -> None:
    """IMAP has no port without TLS, ManageSieve offers no login before STARTTLS and takes none."""
    edge = store.appliance.address("dovecot", "edge")
    assert not store.client.reaches(edge, 143)
    assert store.client.reaches(edge, 993)
    with ManageSieve(store.managesieve) as session:
        assert '"SASL" ""' in session.greeting
        assert session.login("anna@store.test").startswith("NO")


def test_only_imap_and_managesieve_are_on_the_edge(store: Store) -> None:
    """LMTP and the logins of gate 1 are inside."""
    edge = store.appliance.address("dovecot", "edge")
    assert [port for port in (24, 12345, 4190, 993) if store.client.reaches(edge, port)] == [4190, 993]


def test_people_manage_their_own_scripts(store: Store) -> None:
    """By ManageSieve: a good one sorts mail, a broken one is refused with its line."""
    with ManageSieve(store.managesieve) as session:
        session.starttls()
        assert session.login("remote@store.test").startswith("OK")
        assert session.put("mine", 'require "fileinto";\nfileinto "Sorted";\n').startswith("OK")
        assert session.ask('SETACTIVE "mine"')[-1].startswith("OK")
        refused = session.put("bad", 'require "fileinto";\nfileinto;\n')
        assert refused.startswith("NO") and "line 2" in refused
        assert session.ask("LISTSCRIPTS")[:-1] == ['"mine" ACTIVE']
    store.arrives("remote", store.send("remote@store.test"), "Sorted")


# --- gateway sieve --------------------------------------------------------------------------------------------------


def test_operator_puts_gets_lists_and_removes_a_script(store: Store, tmp_path: Path) -> None:
    """What is got is what was put."""
    script = tmp_path / "ops.sieve"
    script.write_text('require "fileinto";\nfileinto "Ops";  # ä "quoted" \\\n')
    done = store.sieve("put", "ops@store.test", str(script))
    assert done.stdout == "main sorts the mail of ops@store.test from now on\n"
    store.sieve("get", "ops@store.test", str(tmp_path / "got.sieve"))
    assert (tmp_path / "got.sieve").read_bytes() == script.read_bytes()
    store.arrives("ops", store.send("ops@store.test"), "Ops")
    store.sieve("put", "ops@store.test", str(script), "--name", "other")
    rows = json.loads(store.sieve("list", "ops@store.test", "--json").stdout)
    assert sorted(rows, key=lambda row: row["name"]) == [
        {"name": "main", "active": False},
        {"name": "other", "active": True},
    ]
    store.sieve("remove", "ops@store.test")
    assert store.sieve("list", "ops@store.test").stdout == "main\n"
    store.arrives("ops", store.send("ops@store.test"))


def test_broken_script_is_refused_with_its_lines_and_the_old_one_stays(store: Store, tmp_path: Path) -> None:
    """Put compiles first; check does nothing else."""
    store.put("ops", "keep;\n")
    bad = tmp_path / "bad.sieve"
    bad.write_text('require "fileinto";\nfileinto;\nnonsense;\n')
    for command in ("put", "check"):
        done = store.sieve(command, "ops@store.test", str(bad), check=False)
        assert done.returncode == 1
        assert re.findall(rf"^{re.escape(str(bad))}:(\d+): ", done.stderr, re.MULTILINE) == ["2", "3"]
    found = json.loads(store.sieve("check", "ops@store.test", str(bad), "--json", check=False).stdout)
    assert [mistake["line"] for mistake in found] == [2, 3]
    assert store.sieve("get", "ops@store.test", "-").stdout == "keep;\n"
    assert store.sieve("check", "ops@store.test", "-", stdin="discard;\n").stdout == "no mistakes\n"


@pytest.mark.parametrize("user", ["nobody@store.test", "x@hop.test", "../anna@store.test"])
def test_script_for_nobody_is_refused(store: Store, user: str) -> None:
    """A misspelt address would never be noticed."""
    done = store.sieve("list", user, check=False)
    assert (done.returncode, done.stderr) == (1, f"sieve: {user} is no mailbox\n")


# --- off and on -----------------------------------------------------------------------------------------------------


def test_mail_stays_when_the_mailstore_is_switched_off_and_on(store: Store) -> None:
    """Postfix delivers beside what clients have looked at; afterwards IMAP shows all of it."""
    with store.imap("anna") as imap:
        before = len(imap.messages())
        imap.see()
    table = "[mailstore]\n" + store.appliance.config.read_text().partition("[mailstore]\n")[2]
    store.appliance.edit(table, HERE)
    store.appliance.make("apply")
    token = store.send("anna@store.test")
    store.appliance.arrived("anna@store.test", token)
    assert "Delivered-To: anna@store.test" in store.appliance.mailbox("anna@store.test", token)[0]
    store.appliance.edit(HERE, table)
    store.appliance.make("apply")
    store.arrives("anna", token)
    with store.imap("anna") as imap:
        assert len(imap.messages()) == before + 1
