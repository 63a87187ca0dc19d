"""The listeners of gate 1: who may connect to which, who may relay, and what is searched on the way."""

from __future__ import annotations

import contextlib
import re
import subprocess

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, run

NOT_RELAYED = "554 5.7.1 <v@third.example>: Relay access denied"
NOT_ADMITTED = "554 5.7.1 <{}>: Client host rejected: Access denied"
HIDDEN = "client address hidden by the container engine"


@pytest.fixture(scope="module")
def lan_host(site: Appliance) -> Client:
    """Return a host of the LAN."""
    return site.lan.host(7)


@pytest.fixture(scope="module")
def at(site: Appliance) -> dict[str, str]:
    """Return where a host of the LAN reaches each listener."""
    return {
        name: f"{site.lan.network[1]}:{port}" for name, port in (("outside", 2525), ("inside", 2526), ("checked", 2527))
    }


# --- who may connect, who may relay ----------------------------------------------------------------------------


@pytest.mark.parametrize("listener", ["inside", "checked"])
def test_listener_with_networks_relays_for_its_clients(
    site: Appliance, sink: Sink, lan_host: Client, at: dict[str, str], listener: str
) -> None:
    """A host of the LAN sends mail anywhere through a listener that names the LAN."""
    sent = lan_host.swaks(at[listener], to="v@third.example")
    assert sent.code == 0, sent.transcript
    assert sink.arrived(sent.token)["recipients"] == ["TO:<v@third.example> ORCPT=rfc822;v@third.example"]


@pytest.mark.parametrize("listener", ["inside", "checked"])
def test_listener_with_networks_refuses_everybody_else(site: Appliance, outsider: Client, listener: str) -> None:
    """A client from elsewhere is refused even where it writes to one of our own mailboxes."""
    sent = outsider.swaks(site.listener(listener), to="anna@example.test")
    client = f"{outsider.name}.{site.project}_edge[{outsider.address}]"
    assert sent.last_error == NOT_ADMITTED.format(client)


def test_outside_listener_takes_the_lan_for_strangers(lan_host: Client, at: dict[str, str]) -> None:
    """The outside listener trusts nobody, whatever address they have."""
    assert lan_host.swaks(at["outside"], to="v@third.example").last_error == NOT_RELAYED
    assert lan_host.swaks(at["outside"], to="anna@example.test").code == 0


def test_listener_with_trusted_networks_takes_mail_from_everybody(site_ipv6: Appliance) -> None:
    """`trusted` lets the LAN relay and shuts nobody out; strangers may write to our own domains."""
    host, stranger = site_ipv6.lan.host(18), site_ipv6.client("stranger")
    from_lan, from_edge = f"{site_ipv6.lan.network[1]}:2527", site_ipv6.listener("mixed")
    ask = ("--quit-after", "RCPT")
    assert host.swaks(from_lan, *ask, to="v@third.example").code == 0
    assert stranger.swaks(from_edge, *ask, to="eva@dual.test").code == 0
    assert stranger.swaks(from_edge, *ask, to="v@third.example").last_error == NOT_RELAYED


# --- those who connect and say nothing --------------------------------------------------------------------------


def test_a_thousand_idle_connections_keep_nobody_out(site: Appliance, outsider: Client) -> None:
    """Each address holds a few processes of a listener, and is told so beyond that; who comes next is served."""
    idle = [site.client(f"idle-{number}") for number in (1, 2)]
    address = site.outside.replace(":", "/")
    script = f"for i in {{1..500}}; do exec {{fd}}<>/dev/tcp/{address} || exit 1; done; echo open; read -r"
    with contextlib.ExitStack() as held:
        for client in idle:
            process = held.enter_context(
                subprocess.Popen(
                    ["docker", "exec", "-i", client.name, "bash", "-c", script],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )  # its end closes stdin, which ends the script
            assert process.stdout.readline() == "open\n"
        sent = outsider.swaks(site.outside, to="anna@example.test")
        assert sent.code == 0, sent.transcript
    site.logged("postfix-pre", r"Connection concurrency limit exceeded: \d+ from .*idle-1")


# --- what is searched ------------------------------------------------------------------------------------------


def test_unfiltered_listener_hands_straight_to_gate_2(site: Appliance, lan_host: Client, at: dict[str, str]) -> None:
    """Mail of inside users passes no filter; gate 2 still learns from gate 1 whose it is, and both logs join."""
    sent = lan_host.swaks(at["inside"], to="anna@example.test")
    site.arrived("anna@example.test", sent.token)
    direct = rf"postfix-post/direct/smtpd\[\d+\]: (\w+): client=(.*), orig_queue_id={sent.queue_id}, orig_client=(.*)"
    found = site.logged("postfix-post", direct)
    assert found[2].endswith(f"[{site.address('postfix-pre', 'direct')}]")
    assert found[3] == f"web1.lan.example.test[{lan_host.address}]"
    site.logged("postfix-pre", rf"{sent.queue_id}: .*relay=\S+:10026, .*queued as {found[1]}\)")
    assert sent.queue_id not in site.logs("filter")


SEARCHED = {
    "from outside": ("outside", "someone@client.example", "anna@example.test"),
    "from outside, a bounce": ("outside", "<>", "anna@example.test"),
    "from outside, under a policy of its own": ("outside", "someone@client.example", "somebody@strict.test"),
    "from inside": ("checked", "someone@client.example", "anna@example.test"),
    "from inside to the world": ("checked", "someone@client.example", "v@third.example"),
    "from inside to the world, a bounce": ("checked", "<>", "v@third.example"),
}


@pytest.mark.parametrize(("listener", "sender", "recipient"), SEARCHED.values(), ids=list(SEARCHED))
def test_filtered_listener_lets_nothing_past_the_filter(
    site: Appliance, sink: Sink, lan_host: Client, at: dict[str, str], listener: str, sender: str, recipient: str
) -> None:
    """Whoever it is from and wherever it goes, the filter has seen it."""
    sent = lan_host.swaks(at[listener], to=recipient, sender=sender)
    assert sent.code == 0, sent.transcript
    line = site.logged("filter", rf".*pre={sent.queue_id} .*")[0]
    assert f"from=<{sender.strip('<>')}> to=<{recipient}>" in line
    assert "outcome=sent" in line


# --- clients whose address the container engine hides ----------------------------------------------------------


@pytest.fixture(scope="module")
def hidden(site: Appliance) -> Client:
    """Return a client on this machine itself: what it sends to a loopback address passes docker-proxy."""
    name = f"{site.project}-x-hidden"
    run("docker", "rm", "-fv", name, check=False)
    run("docker", "run", "-d", "--init", "--name", name, "--network", "host", site.lan.image, "sleep", "infinity")
    site.adopt(name)
    return Client(name)


def loopback(site: Appliance, port: int) -> str:
    """Return where the host itself reaches a listener through docker-proxy."""
    return f"127.18.{str(site.subnet).split('.')[2]}.1:{port}"


def counted(site: Appliance) -> int:
    """Return what `make status` says of hidden clients."""
    found = re.search(
        r"^(\d+) times a client came with the bridge gateway's address", site.make("status").stdout, re.MULTILINE
    )
    assert found
    return int(found[1])


def test_hidden_client_is_warned_about_and_counted(site: Appliance, hidden: Client) -> None:
    """A client with the bridge gateway's address may bring mail as any stranger may; log and status tell of it."""
    before = counted(site)
    sent = hidden.swaks(loopback(site, 2525), to="anna@example.test", sender="hidden@client.example")
    assert sent.code == 0, sent.transcript
    gateway = site.network("edge")[1]
    line = site.logged("postfix-pre", rf".*: warn: RCPT from \S+\[{gateway}\]: .*from=<hidden@client.example>.*")[0]
    assert HIDDEN in line
    assert counted(site) == before + 1


def test_hidden_client_is_never_relayed_for(site: Appliance, sink: Sink, hidden: Client) -> None:
    """The gateway's address is trusted by no listener: who hides behind it may be anybody."""
    assert hidden.swaks(loopback(site, 2525), to="v@third.example").last_error == NOT_RELAYED
    refused = hidden.swaks(loopback(site, 2526), to="v@third.example")
    assert re.fullmatch(r"554 5\.7\.1 <\S+>: Client host rejected: Access denied", refused.last_error)
    assert sink.with_token(refused.token) == []
