"""The resolver: names of the LAN for us and for nobody else, and no lies about the rest."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, run, wait_for


@pytest.fixture(scope="module")
def asker(site: Appliance) -> Client:
    """Return a container on the resolver network, as the gates are."""
    return site.client("asker", network="resolver")


@pytest.fixture(scope="module")
def server(site: Appliance) -> str:
    """Return where the appliance asks."""
    return str(site.address("bind", "resolver"))


@pytest.fixture
def cut_off(site: Appliance) -> Iterator[None]:
    """Lead the resolver's way to the world to an address that nobody has, and empty its cache."""
    pid = str(site.inspect("bind")["State"]["Pid"])
    route = ("nsenter", "-t", pid, "-n", "ip", "route")
    before = run(*route, "show", "default").stdout.split()
    run(*route, "replace", "default", "via", str(site.network("egress")[14]))
    site.exec("bind", "rndc", "-k", "/run/rndc.key", "flush")
    yield
    run(*route, "replace", *before)


def status(answer: str) -> str:
    """Return the status in what dig printed; `no answer` where none came."""
    found = re.search(r"status: (\w+)", answer)
    return found[1] if found else "no answer"


def lan(site: Appliance, number: int) -> str:
    """Return the address of a host of the LAN."""
    return str(site.lan.network[number])


def lan_zone(site: Appliance) -> str:
    """Return the name of the LAN's reverse zone."""
    return site.lan.network.network_address.reverse_pointer.partition(".")[2]


# --- what it knows --------------------------------------------------------------------------------------------------


def test_hosts_have_a_ptr_and_the_address_that_confirms_it(site: Appliance, asker: Client, server: str) -> None:
    """Each host of the hosts file answers to its address and to all its names."""
    for number, names in ((7, ["web1.lan.example.test"]), (8, ["web2.lan.example.test", "printer.lan.example.test"])):
        assert asker.dig(server, "+short", "-x", lan(site, number)) == f"{names[0]}.\n"
        for name in names:
            assert asker.dig(server, "+short", name, "A") == f"{lan(site, number)}\n"


def test_lan_address_without_a_name_is_unknown_at_once(site: Appliance, asker: Client, server: str) -> None:
    """The reverse zone of the LAN is ours: who is not in it has no name, and nobody else is asked."""
    began = time.monotonic()
    answer = asker.dig(server, "-x", lan(site, 200))
    assert status(answer) == "NXDOMAIN" and " aa" in answer
    assert time.monotonic() - began < 3


def test_served_zones_are_answered(asker: Client, server: str) -> None:
    """A zone of [dns.zones] is served as its file says."""
    assert asker.dig(server, "+short", "elsewhere.test", "MX") == "10 mail.elsewhere.test.\n"


# Names beside those of the hosts, and a stranger's.
NOT_OURS = [
    "lan.example.test",
    "web3.lan.example.test",
    "example.test",
    "web1.lan.example.test.example.test",
    "nowhere.example.net",
]


@pytest.mark.usefixtures("cut_off")
def test_without_upstream_the_rest_is_servfail_and_the_lan_is_answered_meanwhile(
    site: Appliance, asker: Client, server: str
) -> None:
    """Bind claims its hosts' names alone: cut off, the rest is SERVFAIL, never NXDOMAIN, and the LAN never waits."""
    slow = "".join(f"dig @{server} +tries=1 +time=14 {name} SOA >/tmp/{name} & " for name in NOT_OURS)
    quick = f"dig @{server} +tries=1 +time=2 +short -x {lan(site, 7)};" * 3
    said = asker.sh(f"cd /tmp; {slow} {quick} echo meanwhile; wait; cat {' '.join(NOT_OURS)}").stdout
    answered, _, rest = said.partition("meanwhile")
    assert answered == "web1.lan.example.test.\n" * 3
    assert re.findall(r"status: (\w+)", rest) == ["SERVFAIL"] * len(NOT_OURS)
    assert not re.search(r"flags: [a-z ]*\baa\b", rest)


def test_lan_client_shows_by_its_name_in_received(site: Appliance) -> None:
    """A host of the LAN that sends mail stands in Received: by its PTR name and its own address."""
    host = site.lan.host(7)
    sent = host.swaks(f"{lan(site, 1)}:2526", to="anna@example.test")
    assert sent.code == 0, sent.transcript
    message = site.arrived("anna@example.test", sent.token)
    assert f"(web1.lan.example.test [{lan(site, 7)}])" in message
    unnamed = site.lan.host(9).swaks(f"{lan(site, 1)}:2526", to="anna@example.test")
    assert f"(unknown [{lan(site, 9)}])" in site.arrived("anna@example.test", unnamed.token)


# --- what it tells nobody -------------------------------------------------------------------------------------------


def test_version_and_name_are_hidden(asker: Client, server: str) -> None:
    """Nobody learns what runs here."""
    for name in ("version.bind", "hostname.bind", "id.server", "authors.bind"):
        assert "TXT\t" not in asker.dig(server, name, "CH", "TXT"), name


@pytest.mark.parametrize("kind", ["AXFR", "IXFR=1"])
def test_zones_are_not_transferred(site: Appliance, asker: Client, server: str, kind: str) -> None:
    """Not even the appliance's own containers get a zone as a whole."""
    for zone in (lan_zone(site), "rpz", "elsewhere.test", "127.in-addr.arpa"):
        answer = asker.dig(server, "+tcp", zone, kind)
        assert "Transfer failed" in answer or "REFUSED" in answer, answer
        assert "\tA\t" not in answer


def test_updates_are_refused(asker: Client, server: str) -> None:
    """Nobody adds a record from outside the one file."""
    command = f"server {server}\\nzone elsewhere.test\\nupdate add evil.elsewhere.test 60 A 192.0.2.66\\nsend\\n"
    done = asker.sh(f"printf '{command}' | nsupdate", check=False)
    assert "REFUSED" in done.stdout + done.stderr
    assert asker.dig(server, "+short", "evil.elsewhere.test") == ""


def test_strangers_get_no_answer(site: Appliance, sink: Client) -> None:
    """On the network to the world nobody is served: port 53 is not even open there."""
    egress = site.address("bind", "egress")
    for question in (("-x", lan(site, 7)), ("web1.lan.example.test", "A"), ("example.net", "A")):
        answer = sink.dig(egress, "+time=1", *question)
        assert status(answer) in ("no answer", "REFUSED")
        assert "web1.lan.example.test.\t" not in answer.partition("ANSWER SECTION")[2]
    assert not sink.reaches(egress, 53)


def test_rndc_answers_within_the_container_alone(site: Appliance, asker: Client, server: str) -> None:
    """The control port is on loopback."""
    assert not asker.reaches(server, 953)


# --- for the LAN, and changes ---------------------------------------------------------------------------------------


def test_lan_hosts_may_ask_where_the_file_says_so(small: Appliance) -> None:
    """[dns] addresses is open to the LAN and to nobody else: not to a stranger on egress, nor a hidden one."""
    host = small.lan.host(7)
    address = lan(small, 1)
    assert host.dig(address, "+short", "-x", lan(small, 7)) == "web1.lan.small.test.\n"
    assert host.dig(address, "+short", "+tcp", "web1.lan.small.test") == f"{lan(small, 7)}\n"
    stranger = small.client("stranger", network="egress")
    for transport in ("+notcp", "+tcp"):
        answer = stranger.dig(small.address("bind", "egress"), transport, "web1.lan.small.test")
        assert status(answer) == "REFUSED"


def test_serial_rises_when_the_zone_changed_and_only_then(small: Appliance) -> None:
    """A new host raises the serial of its reverse zone, and answers, after `make apply`; other zones keep theirs."""
    asker = small.client("asker", network="resolver")
    server = small.address("bind", "resolver")
    reverse = lan_zone(small)

    def serial(zone: str) -> int:
        return int(asker.dig(server, "+short", zone, "SOA").split()[2])

    zones = (reverse, "served.test", "localhost")
    before = [serial(zone) for zone in zones]
    assert 1_600_000_000 < before[0] < 2**32  # epoch seconds
    hosts = small.config_dir / "hosts"
    text = hosts.read_text()
    hosts.write_text(text + f"{lan(small, 10)} web10.lan.small.test\n")
    assert "reloading bind" in small.make("apply").stderr
    assert serial(reverse) > before[0]
    assert [serial(zone) for zone in zones[1:]] == before[1:]
    assert asker.dig(server, "+short", "-x", lan(small, 10)) == "web10.lan.small.test.\n"
    wait_for(lambda: asker.dig(server, "+short", "web10.lan.small.test") == f"{lan(small, 10)}\n", "the new name", 10)
    hosts.write_text(text)
    small.make("apply")
    assert status(asker.dig(server, "-x", lan(small, 10))) == "NXDOMAIN"
