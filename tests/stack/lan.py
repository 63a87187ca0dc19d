"""
A LAN on this machine: a bridge with addresses of the host, and hosts on it with a network namespace of their own.

A container on a Docker network would not do as a LAN host: what it sends to a published port passes docker-proxy,
and Postfix then sees the bridge gateway.  From a bridge that Docker does not know, packets are forwarded as from a
real wire, and the client's address survives.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from tests.stack.client import Client, run


class Lan:
    """A bridge named by its IPv4 network, with the host at .1 and .2 (and ::1, ::2 of the IPv6 network)."""

    def __init__(self, network: IPv4Network, network6: IPv6Network, image: str) -> None:
        self.network, self.network6, self.image = network, network6, image
        self._bridge = f"sp{int(network.network_address) >> 8 & 0xFFFF:x}"
        self._hosts: list[str] = []

    def up(self) -> None:
        """Make the bridge."""
        self._ip("link", "del", self._bridge, check=False)
        self._ip("link", "add", self._bridge, "type", "bridge")
        for number in (1, 2):
            self._ip("addr", "add", f"{self.network[number]}/{self.network.prefixlen}", "dev", self._bridge)
            self._ip("addr", "add", f"{self.network6[number]}/{self.network6.prefixlen}", "dev", self._bridge, "nodad")
        self._ip("link", "set", self._bridge, "up")

    def host(self, number: int) -> Client:
        """Start a host at .number and ::number, which reaches the LAN alone."""
        name = f"sallyport-lan-{self._bridge}-{number}"
        run("docker", "rm", "-fv", name, check=False)
        run(
            "docker",
            "run",
            "-d",
            "--init",
            "--network",
            "none",
            "--sysctl",
            "net.ipv6.conf.all.disable_ipv6=0",
            "--name",
            name,
            self.image,
            "sleep",
            "infinity",
        )
        self._hosts.append(name)
        pid = run("docker", "inspect", "-f", "{{.State.Pid}}", name).stdout.strip()
        outer, inner = f"{self._bridge}o{number}", f"{self._bridge}i{number}"
        self._ip("link", "del", outer, check=False)
        self._ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        self._ip("link", "set", outer, "master", self._bridge, "up")
        self._ip("link", "set", inner, "netns", pid)
        inside = ("nsenter", "-t", pid, "-n", "ip")
        run(*inside, "addr", "add", f"{self.network[number]}/{self.network.prefixlen}", "dev", inner)
        run(*inside, "addr", "add", f"{self.network6[number]}/{self.network6.prefixlen}", "dev", inner, "nodad")
        run(*inside, "link", "set", inner, "up")
        client = Client(name)
        client.address = str(self.network[number])  # which docker does not know
        return client

    def down(self) -> None:
        """Remove the hosts and the bridge."""
        for name in self._hosts:
            run("docker", "rm", "-fv", name, check=False)
        self._ip("link", "del", self._bridge, check=False)

    def _ip(self, *arguments: str, check: bool = True) -> None:
        run("ip", *arguments, check=check)
