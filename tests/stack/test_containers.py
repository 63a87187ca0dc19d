"""What the containers may do and whom they may talk to, as docker and the network have it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.stack.appliance import DAEMONS, Appliance
from tests.stack.client import Client, run

POSTFIX_CAPS = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"}
# service: networks, volumes (name: writable), capabilities, user
EXPECTED: dict[str, tuple[set[str], dict[str, bool], set[str], str]] = {
    "bind": ({"resolver", "egress"}, {"rendered": False}, set(), "100:101"),
    "postfix-pre": (
        {"edge", "scan", "direct", "resolver", "directory"},
        {"rendered": False, "queue-pre": True, "directory": False},
        POSTFIX_CAPS,
        "",  # master changes to postfix's user by itself
    ),
    "filter": (
        {"scan", "reinject", "resolver", "scanners"},
        {"rendered": False, "quarantine": True, "runner": False},
        set(),
        "10001:10001",
    ),
    "postfix-post": (
        {"reinject", "direct", "resolver", "egress", "directory"},
        {"rendered": False, "queue-post": True, "mail": True, "directory": False},
        POSTFIX_CAPS,
        "",
    ),
    "render": (set(), {"rendered": True}, {"DAC_READ_SEARCH"}, "0:0"),
}
DENIED = re.compile(r"554 5\.7\.1 .*Access denied")
INTERNAL = {"scan", "reinject", "direct", "resolver", "scanners", "directory"}
SECRETS = {"filter", "postfix-pre", "postfix-post"}  # who reads keys


def capabilities(names: list[str] | None) -> set[str]:
    """Return capabilities without their prefix, which newer engines write."""
    return {name.removeprefix("CAP_") for name in names or []}


@pytest.mark.parametrize("service", EXPECTED)
def test_container_has_what_it_needs_and_no_more(site: Appliance, service: str) -> None:
    """Networks, volumes, capabilities and user are exactly those of the design."""
    networks, volumes, caps, user = EXPECTED[service]
    found = site.inspect(service)
    attached = {name.removeprefix(f"{site.project}_") for name in found["NetworkSettings"]["Networks"]}
    assert attached - {"none"} == networks
    mounts = {m["Name"].removeprefix(f"{site.project}_"): m["RW"] for m in found["Mounts"] if m["Type"] == "volume"}
    assert mounts == volumes
    binds = [(m["Destination"], m["RW"]) for m in found["Mounts"] if m["Type"] == "bind"]
    assert binds == ([("/secrets", False)] if service in SECRETS else [("/config", False)] * (service == "render"))
    host = found["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert capabilities(host["CapAdd"]) == caps
    assert found["Config"]["User"] == user


@pytest.mark.parametrize("service", EXPECTED)
def test_container_is_confined(site: Appliance, service: str) -> None:
    """Nothing is privileged, shares a namespace of the host, holds the engine's socket, or can write to its root."""
    host: dict[str, Any] = site.inspect(service)["HostConfig"]
    assert not host["Privileged"]
    assert host["ReadonlyRootfs"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["PidMode"] == "" and host["UTSMode"] == ""
    assert host["IpcMode"] in ("", "private") and host["NetworkMode"] != "host"
    assert not any("docker.sock" in mount["Source"] for mount in site.inspect(service)["Mounts"])
    assert not host["Devices"] and not host["VolumesFrom"]
    assert host["Memory"] > 0 and host["PidsLimit"] > 0


@pytest.mark.parametrize("service", DAEMONS)
def test_daemon_is_looked_after(site: Appliance, service: str) -> None:
    """Each daemon restarts by itself, has time to finish its work, is asked for its health, and rotates its log."""
    found = site.inspect(service)
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert found["Config"]["StopTimeout"] >= 60
    assert found["Config"]["Healthcheck"]["Test"][:2] == ["CMD", "healthy"]
    assert found["State"]["Health"]["Status"] == "healthy"
    assert found["HostConfig"]["LogConfig"]["Config"].keys() >= {"max-size", "max-file"}
    assert site.exec(service, "bash", "-c", ": >/cannot-write", check=False).returncode != 0


def test_render_has_no_network_and_is_done(site: Appliance) -> None:
    """The container that reads the one file talks to nobody, and has ended well."""
    found = site.inspect("render")
    assert found["HostConfig"]["NetworkMode"] == "none"
    assert (found["State"]["Status"], found["State"]["ExitCode"]) == ("exited", 0)


def test_inner_networks_have_no_route_out(site: Appliance) -> None:
    """The networks between the gates, and the resolver's, are internal; edge and egress are not."""
    template = "{{.Internal}}"
    names = (*INTERNAL, "edge", "egress")
    internal = {
        name for name in names
        if run("docker", "network", "inspect", "-f", template, f"{site.project}_{name}").stdout.strip() == "true"
    }  # fmt: skip
    assert internal == INTERNAL


def test_filter_reaches_the_gates_and_the_resolver_alone(site: Appliance, sink: Client) -> None:
    """Gate 2 and the resolver answer the filter; next hops, the engine's host and the world are out of its reach."""
    connect = "timeout 1 bash -c 'exec 3<>/dev/tcp/{}/{}'"
    for address, port, open_ in (
        (site.address("postfix-post", "reinject"), 10026, True),
        (site.address("bind", "resolver"), 53, True),
        (sink.address, 25, False),
        (site.address("bind", "egress"), 53, False),
    ):
        done = site.exec("filter", "bash", "-c", connect.format(address, port), check=False)
        assert (done.returncode == 0) == open_, (address, port)
    # What the engine sets as default route leads to an address that nobody has.
    for network in ("scan", "reinject", "resolver", "scanners"):
        gateway = site.network(network)[1]
        assert not run("ip", "-o", "addr", "show", "to", str(gateway)).stdout
        done = site.exec("filter", "bash", "-c", connect.format(gateway, 22), check=False)
        assert "refused" not in done.stderr  # a refusal would come from the host


# --- ports that must not be reached ---------------------------------------------------------------------------------


# a stranger on this network; the gate it shares it with; inner addresses it tries
STRANGERS = [
    ("edge", "postfix-pre", [("filter", "scan", 10025), ("postfix-post", "direct", 10026)]),
    ("egress", "postfix-post", [("postfix-post", "reinject", 10026), ("postfix-post", "direct", 10026)]),
]


@pytest.mark.parametrize(("network", "gate", "inner"), STRANGERS, ids=["edge", "egress"])
def test_foreign_containers_reach_neither_10025_nor_10026(
    site: Appliance, network: str, gate: str, inner: list[tuple[str, str, int]]
) -> None:
    """The inner ports are closed where strangers are, and a stranger that routes through a gate gets no further."""
    stranger = site.client(f"stranger-{network}", network=network)
    shared = site.address(gate, network)
    assert [port for port in (10025, 10026) if stranger.reaches(shared, port)] == []
    pid = run("docker", "inspect", "-f", "{{.State.Pid}}", stranger.name).stdout.strip()
    for service, name, port in inner:
        address = site.address(service, name)
        run("nsenter", "-t", pid, "-n", "ip", "route", "replace", str(address), "via", str(shared))
        said = stranger.sh(f"exec timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}; cat <&3'", check=False).stdout
        assert said == "" or DENIED.match(said), (service, name, said)


def test_inner_ports_are_never_published(site: Appliance) -> None:
    """The host forwards to gate 1's listeners, and to nothing else."""
    ports = {s: site.inspect(s)["HostConfig"]["PortBindings"] or {} for s in DAEMONS}
    assert {service for service, bound in ports.items() if bound} == {"postfix-pre"}
    assert {"10025/tcp", "10026/tcp"}.isdisjoint(ports["postfix-pre"])


def test_host_has_no_address_in_the_inner_networks(site: Appliance) -> None:
    """What runs on the engine's host reaches neither 10025 nor 10026: there is no way from it into these networks."""
    for network in INTERNAL:
        assert not run("ip", "-4", "-o", "addr", "show", "to", str(site.network(network))).stdout
        assert not run("ip", "-4", "route", "show", "root", str(site.network(network))).stdout


def test_stranger_on_the_scan_network_is_denied(site: Appliance) -> None:
    """Even on gate 1's own network only gate 1 is served by the filter."""
    stranger = site.client("stranger-scan", network="scan")
    assert stranger.smtp(f"{site.address('filter', 'scan')}:10025", b"") == b"554 5.7.1 Access denied\r\n"
