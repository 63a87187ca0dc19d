"""
Where gate 1 listens: at the configured addresses of the host and nowhere else, by IPv4 and IPv6.

A client's IPv6 address survives because the edge network has IPv6 too; where the engine would lose it, `make up`
refuses.
"""

from __future__ import annotations

import os
import re
import shutil
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Host, run
from tests.stack.dialogue import talk

RCPT = ["EHLO client.example", "MAIL FROM:<s@client.example>", "RCPT TO:<v@third.example>", "QUIT"]
NOT_RELAYED = "554 5.7.1 <v@third.example>: Relay access denied"


def loopback(site: Appliance, number: int) -> str:
    """Return an address of this host that no other appliance listens on."""
    return f"127.18.{str(site.subnet).split('.')[2]}.{number}"


# --- IPv4 ------------------------------------------------------------------------------------------------------


def test_configured_addresses_answer(site: Appliance) -> None:
    """The LAN reaches each listener at the host's configured address, and the host its loopback address."""
    lan = site.lan.host(17)
    assert [port for port in (2525, 2526, 2527) if not lan.reaches(site.lan.network[1], port)] == []
    assert [port for port in (2525, 2526) if not Host().reaches(loopback(site, 1), port)] == []


def test_other_addresses_of_the_host_refuse(site: Appliance) -> None:
    """Another address of the host on the same wire, another loopback address, another port: nobody is there."""
    lan, host = site.lan.host(17), Host()
    assert [port for port in (2525, 2526, 2527) if lan.reaches(site.lan.network[2], port)] == []
    assert not lan.reaches(site.lan.network[1], 2528)
    assert [port for port in (2525, 2526) if host.reaches(loopback(site, 2), port)] == []
    assert not host.reaches(loopback(site, 1), 2527)


def test_nothing_but_the_listeners_is_bound(site: Appliance) -> None:
    """In its container gate 1 listens on the edge network alone, and docker publishes just what the file says."""
    edge = site.address("postfix-pre", "edge")
    assert listening(site, "postfix-pre") == {(edge, port) for port in (2525, 2526, 2527)}
    published = run("docker", "port", site.container("postfix-pre")).stdout.split("\n")
    lan, own = site.lan.network[1], loopback(site, 1)
    assert sorted(filter(None, published)) == [
        *(f"2525/tcp -> {address}:2525" for address in (own, lan)),
        *(f"2526/tcp -> {address}:2526" for address in (own, lan)),
        f"2527/tcp -> {lan}:2527",
    ]


def listening(site: Appliance, service: str) -> set[tuple[IPv4Address, int]]:
    """Return the TCP sockets that listen in a container, but for the engine's own resolver."""
    found = set()
    for line in site.exec(service, "cat", "/proc/net/tcp").stdout.splitlines()[1:]:
        local, _, state = line.split()[1:4]
        address, _, port = local.partition(":")
        if state == "0A":
            found.add((IPv4Address(bytes.fromhex(address)[::-1]), int(port, 16)))
    return {(address, port) for address, port in found if not address.is_loopback}


# --- IPv6 ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lan_host(site_ipv6: Appliance) -> Client:
    """Return a host of a LAN with IPv6."""
    return site_ipv6.lan.host(7)


def test_ipv6_client_shows_with_its_own_address(site_ipv6: Appliance, lan_host: Client) -> None:
    """Received shows the address of a LAN host that came by IPv6, under the name its PTR has."""
    token = f"six-{os.urandom(4).hex()}"
    server = f"[{site_ipv6.lan.network6[1]}]:2525"
    commands = [*RCPT[:2], "RCPT TO:<eva@dual.test>", "DATA", f"X-Token: {token}\r\n\r\n.", "QUIT"]
    [replies] = talk(lan_host, server, [commands])
    assert "queued as" in replies[-3], replies
    received = " ".join(site_ipv6.arrived("eva@dual.test", token).split())
    assert f"from client.example (six.lan.dual.test [IPv6:{site_ipv6.lan.network6[7]}]) by mx.dual.test" in received


def test_ipv6_listener_binds_its_address_alone(site_ipv6: Appliance, lan_host: Client) -> None:
    """Another IPv6 address of the host refuses, and so does the port of a listener without IPv4 by IPv4."""
    one, two = site_ipv6.lan.network6[1], site_ipv6.lan.network6[2]
    assert [port for port in (2525, 2526) if not lan_host.reaches(one, port)] == []
    assert [port for port in (2525, 2526) if lan_host.reaches(two, port)] == []
    assert lan_host.reaches(site_ipv6.lan.network[1], 2525)
    assert not lan_host.reaches(site_ipv6.lan.network[1], 2526)


def test_ipv6_network_of_a_listener_may_relay(site_ipv6: Appliance, lan_host: Client) -> None:
    """By IPv6 too, who may relay depends on the listener and the client's own address."""
    address = site_ipv6.lan.network6[1]
    [[*_, inside, _, _]] = talk(lan_host, f"[{address}]:2526", [RCPT])
    [[*_, outside, _, _]] = talk(lan_host, f"[{address}]:2525", [RCPT])
    assert (inside, outside) == ("250 2.1.5 Ok", NOT_RELAYED)


def test_hidden_ipv6_client_is_warned_about_and_never_relayed_for(site_ipv6: Appliance) -> None:
    """Row 22 of attacks.md 2.6: by docker-proxy a client comes with the bridge gateway's address, and is a stranger."""
    port = re.search(r"\[::1\]:(\d+)", site_ipv6.config.read_text())[1]
    script = f"""
        exec 3<>/dev/tcp/::1/{port} && read -r -u3 line && echo "$line"
        for command in 'HELO client.example' 'MAIL FROM:<hidden@client.example>' 'RCPT TO:<v@third.example>' QUIT; do
            printf '%s\\r\\n' "$command" >&3 && read -r -u3 line && echo "$line"
        done
    """
    heard = Host().sh(script).stdout.replace("\r", "").splitlines()
    assert heard[-2] == NOT_RELAYED
    line = site_ipv6.logged("postfix-pre", r".*: warn: RCPT from .*from=<hidden@client.example>.*")[0]
    assert "client address hidden by the container engine" in line


# --- an engine that would lose the address ---------------------------------------------------------------------


@pytest.fixture
def poor_engine(tmp_path: Path) -> str:
    """Return a PATH with an old engine that has no rules for IPv6; everything else is as it is."""
    docker = shutil.which("docker")
    fakes = {
        "docker": f'[ "$1 $2" != "version -f" ] || {{ echo 20.10.24; exit 0; }}\nexec {docker} "$@"',
        "ip6tables": '[ "$*" = "-t nat -S" ] || { echo "ip6tables: No chain by that name." >&2; exit 1; }',
    }
    for name, script in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


def test_up_refuses_where_the_engine_would_hide_ipv6_clients(site_ipv6: Appliance, poor_engine: str) -> None:
    """`make up` says why and what to do instead, and nothing that runs is touched."""
    before = site_ipv6.containers()
    variables = (f"PROJECT={site_ipv6.project}", f"CONFIG_DIR={site_ipv6.config_dir}")
    done = run("env", f"PATH={poor_engine}", "make", "--no-print-directory", "up", *variables, check=False)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert (
        "apply: a listener has an IPv6 address, but this engine does not do ip6tables: each IPv6 client would show up "
        'with the address of the bridge. Expected: an engine 27 or newer, or "experimental": true and "ip6tables": '
        "true in /etc/docker/daemon.json; or no IPv6 address in gateway.toml."
    ) in said
    assert site_ipv6.containers() == before
