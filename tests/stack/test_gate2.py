"""Gate 2: whom it lets in, and where it brings what the yard let pass."""

from __future__ import annotations

import re

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, run, wait_for

# Speaks to 10026 as far as it is let, and prints what it answers.
TALK = """
    exec 3<>/dev/tcp/ADDRESS/10026
    for line in '' 'HELO x' 'MAIL FROM:<a@client.example>' 'RCPT TO:<anna@example.test>'; do
        [ -z "$line" ] || printf '%s\\r\\n' "$line" >&3
        read -r -t 5 answer <&3 && echo "$answer"
    done
"""


def talk(address: object) -> str:
    """Return a shell script that speaks to 10026."""
    return TALK.replace("ADDRESS", str(address))


# --- who may connect ------------------------------------------------------------------------------------------------


def test_containers_on_the_resolver_network_do_not_reach_10026(site: Appliance) -> None:
    """What shares only the resolver with gate 2 gets no connection (other networks: test_containers.py)."""
    assert not site.client("asking", network="resolver").reaches(site.address("postfix-post", "resolver"), 10026)


@pytest.mark.parametrize("network", ["reinject", "direct"])
def test_bridge_gateways_are_refused(site: Appliance, network: str) -> None:
    """Whatever an engine would hide behind a bridge gateway is a stranger to 10026, and told so."""
    gateway, address = site.network(network)[1], site.address("postfix-post", network)
    hidden = site.client(f"hidden-{network}", network=network)
    # The address is free, since the host has none in these networks: take it, as an engine without that option has.
    pid = run("docker", "inspect", "-f", "{{.State.Pid}}", hidden.name).stdout.strip()
    device = ("nsenter", "-t", pid, "-n", "ip", "addr")
    run(*device, "flush", "dev", "eth0")
    run(*device, "add", f"{gateway}/{site.network(network).prefixlen}", "dev", "eth0")
    said = hidden.sh(talk(address), check=False).stdout
    assert re.match(rf"554 5\.7\.1 <\S+\[{gateway}\]>: Client host rejected: Access denied", said)
    assert "250" not in said


def test_gate_1_and_the_filter_are_let_in(site: Appliance) -> None:
    """The two whose work it is are greeted, each on its own network."""
    for service, network in (("postfix-pre", "direct"), ("filter", "reinject")):
        said = site.exec(service, "bash", "-c", talk(site.address("postfix-post", network))).stdout
        assert said.startswith("220 out.mx.example.test ESMTP"), (service, said)
        assert "250 2.1.5 Ok" in said, (service, said)


# --- where mail goes ------------------------------------------------------------------------------------------------


def test_maildir_belongs_to_vmail_alone(site: Appliance, outsider: Client) -> None:
    """A delivered message is a file of vmail's (5000) that nobody else may read."""
    sent = outsider.swaks(site.outside, to="bob@example.test")
    site.arrived("bob@example.test", sent.token)
    found = site.exec("postfix-post", "bash", "-c", f"grep -rl {sent.token} /var/mail/vhosts/example.test/bob")
    [path] = found.stdout.split()
    assert path.startswith("/var/mail/vhosts/example.test/bob/new/")
    stat = ("stat", "-c", "%u:%g %a", path)
    assert site.exec("postfix-post", *stat).stdout.strip() == "5000:5000 600"
    directory = site.exec("postfix-post", "stat", "-c", "%u:%g %a", "/var/mail/vhosts/example.test/bob").stdout.strip()
    assert re.fullmatch(r"5000:5000 2?700", directory)


def test_alias_to_outside_goes_on_without_a_second_search(site: Appliance, outsider: Client, sink: Sink) -> None:
    """What an alias sends outside leaves by MX from gate 2; the filter has seen the message once, as it came."""
    sent = outsider.swaks(site.outside, to="sales@example.test")
    stored = sink.arrived(sent.token)
    assert "<out@elsewhere.test>" in stored["recipients"][0]
    assert stored["helo"] == "out.mx.example.test"
    assert stored["client"] == str(site.address("postfix-post", "egress"))
    site.arrived("anna@example.test", sent.token)
    lines = re.findall(rf".*{sent.queue_id}.*", site.logs("filter"))
    assert len(lines) == 1 and "<sales@example.test>" in lines[0]


def test_canonical_rewrites_the_envelope_behind_the_filter(site: Appliance, outsider: Client) -> None:
    """The filter sees the recipient as it came; gate 2 delivers to the canonical address; the header stays."""
    sent = outsider.swaks(site.outside, to="anna.smith@example.test")
    message = site.arrived("anna@example.test", sent.token)
    assert "\nTo: anna.smith@example.test\n" in message
    assert "<anna.smith@example.test>" in site.logged("filter", rf".*{sent.queue_id}.*")[0]


def test_next_hop_that_is_down_defers_and_then_gets_its_mail(site: Appliance, outsider: Client, sink: Sink) -> None:
    """A next hop that is gone, name and all, bounces nothing: mail waits in gate 2 and goes when it is back."""
    sink.stop()
    try:
        sent = outsider.swaks(site.outside, to="waiting@open.test")
        post = site.logged("postfix-post", rf"(\w+): client=.*orig_queue_id={sent.queue_id}")[1]
        site.logged("postfix-post", rf"{post}: to=<waiting@open.test>, .*dsn=4\.\d\.\d, status=deferred")
        assert [m["queue_name"] for m in site.queue("postfix-post") if m["queue_id"] == post] == ["deferred"]
    finally:
        sink.start()
    # Gate 2's own patience is Postfix's: five minutes and up.  An operator need not wait.
    site.exec("postfix-post", "postqueue", "-f")
    sink.arrived(sent.token)
    assert len(sink.with_token(sent.token)) == 1


# recipient, and what the sink says to it; by RFC 5321 a 552 at RCPT may be read as 452, but Postfix does not
REFUSED = [("unknown@open.test", "550 5.1.1 No such user"), ("full@open.test", "552 5.2.2 Mailbox full")]


@pytest.mark.parametrize(("recipient", "reply"), REFUSED)
def test_bounce_of_gate_2_goes_to_the_sender_past_the_filter(
    site: Appliance, outsider: Client, sink: Sink, recipient: str, reply: str
) -> None:
    """A next hop's 5xx becomes a DSN from <> that quotes it, and the filter sees nothing of it."""
    sent = outsider.swaks(site.outside, to=recipient, sender="writer@elsewhere.test")
    post = site.logged("postfix-post", rf"(\w+): client=.*orig_queue_id={sent.queue_id}")[1]
    dsn = wait_for(lambda: [m for m in sink.messages() if post.encode() in m["content"]], "the DSN")[0]
    assert dsn["reverse_path"].startswith("FROM:<>")
    assert "<writer@elsewhere.test>" in dsn["recipients"][0]
    assert reply.encode() in dsn["content"]
    assert b"Reporting-MTA: dns; out.mx.example.test" in dsn["content"]
    assert "to=<writer@elsewhere.test>" not in site.logs("filter")


def test_temporary_refusal_of_the_next_hop_waits(site: Appliance, outsider: Client, sink: Sink) -> None:
    """A next hop's 451 keeps the message in gate 2's queue; no DSN is made."""
    sent = outsider.swaks(site.outside, to="later@open.test", sender="patient@elsewhere.test")
    post = site.logged("postfix-post", rf"(\w+): client=.*orig_queue_id={sent.queue_id}")[1]
    site.logged("postfix-post", rf"{post}: to=<later@open.test>, .*status=deferred .*451 4\.2\.0 Try later")
    assert not [m for m in sink.messages() if b"patient@elsewhere.test" in m["content"]]
    site.exec("postfix-post", "postsuper", "-d", post)
