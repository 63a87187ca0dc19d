"""DNS blocklists: which answers mean "listed", who is asked about, and whom the question goes to."""

from __future__ import annotations

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client

TAKEN = ""
LISTED = "554 5.7.1 Service unavailable; Client host [{}] blocked using dnsbl.test; listed for the test"
SILENT = "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 53)); time.sleep(1e6)"

# The last octet on the edge network, and what is said to such a client (configs/site/db.dnsbl, db.silent).
CLIENTS = {
    "no list has it": (14, TAKEN),
    "listed with a code we look for": (9, LISTED),
    "127.255.255.254: the list refuses to answer us": (10, TAKEN),
    "listed with a code we do not look for": (11, TAKEN),
    "a list that never answers": (12, TAKEN),
}


@pytest.fixture(scope="module", autouse=True)
def _silent_server(site: Appliance) -> None:
    """Start the server that db.silent points to: it takes questions and never answers."""
    server = site.client("silent", network="egress", ip=str(site.network("egress")[13]))
    server.sh(f'setsid python3 -c "{SILENT}" >/dev/null 2>&1 &')


@pytest.mark.parametrize(("number", "reply"), CLIENTS.values(), ids=list(CLIENTS))
def test_client_is_refused_or_taken(site: Appliance, number: int, reply: str) -> None:
    """Only the configured codes mean "listed"; doubt about a list never keeps mail out."""
    client = site.client(f"dnsbl-{number}", ip=str(site.network("edge")[number]))
    sent = client.swaks(site.outside, "--quit-after", "RCPT", to="anna@example.test")
    assert sent.last_error == reply.format(client.address), sent.transcript


def test_list_that_refuses_to_answer_is_reported(site: Appliance) -> None:
    """127.255.255.x says nothing of the client, but the operator must learn that the list is of no use."""
    client = site.client("dnsbl-10", ip=str(site.network("edge")[10]))
    client.swaks(site.outside, "--quit-after", "RCPT", to="anna@example.test", sender="told@client.example")
    line = site.logged("postfix-pre", r".*reject_warning: RCPT from \S+: .*from=<told@client.example>.*")[0]
    assert f"Client host [{client.address}] blocked using dnsbl.test" in line


def test_list_that_never_answers_is_reported(site: Appliance) -> None:
    """The time-out of a list shows in gate 1's log with the question."""
    number = int(site.network("edge")[12]) & 0xFF
    site.logged("postfix-pre", rf"warning: {number}\.\S+\.silent\.test: RBL lookup error: ")


def test_listed_client_of_the_lan_may_write(site: Appliance) -> None:
    """Trusted networks are not asked about: the lists hold dial-up ranges and the like."""
    host = site.lan.host(12)  # listed, were it asked about
    inside = host.swaks(f"{site.lan.network[1]}:2527", "--quit-after", "RCPT", to="anna@example.test")
    assert (inside.code, inside.last_error) == (0, ""), inside.transcript
    outside = host.swaks(f"{site.lan.network[1]}:2525", "--quit-after", "RCPT", to="anna@example.test")
    assert outside.last_error == LISTED.format(host.address)


def test_lists_are_asked_through_bind_and_only_about_strangers(site: Appliance) -> None:
    """The questions show in bind's log: one for each list about a stranger, none about a host of the LAN."""
    stranger = site.client("dnsbl-13", ip=str(site.network("edge")[13]))
    host = site.lan.host(13)
    site.exec("bind", "rndc", "-k", "/run/rndc.key", "querylog", "on")
    try:
        ask = ("--quit-after", "RCPT")
        assert host.swaks(f"{site.lan.network[1]}:2527", *ask, to="anna@example.test").code == 0
        assert stranger.swaks(site.outside, *ask, to="anna@example.test").code == 0
        for name in ("dnsbl.test", "silent.test"):
            site.logged("bind", rf"query: {reversed_octets(stranger)}\.{name} IN A ")
        assert f"{reversed_octets(host)}." not in site.logs("bind").replace(".in-addr.arpa", "")
    finally:
        site.exec("bind", "rndc", "-k", "/run/rndc.key", "querylog", "off")


def reversed_octets(client: Client) -> str:
    """Return a client's address as lists are asked about it."""
    return ".".join(reversed(client.address.split(".")))
