"""
The stage: an appliance, something in its filter's place, a plain Postfix beside it, a source and a sink.

What is not the filter stands on the filter's addresses, on both its networks, while the filter is stopped: both gates
then run as they are, and the difference is what stands between them.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from tests.bench.ends import Ends
from tests.stack.appliance import Appliance
from tests.stack.client import run, wait_for
from tests.stack.lan import Lan

HERE = Path(__file__).parent
PREFIX = os.environ.get("BENCH_PROJECT", "bench")
NUMBER = int(os.environ.get("BENCH_SUBNET", "215"))
SERVICES = ("bind", "postfix-pre", "filter", "postfix-post")
SOURCE, SINK, PLAIN, PIPE = 20, 20, 21, 22  # hosts in the edge or, for the sink, the egress network


class Stage:
    """Everything that is measured, up and running."""

    def __init__(self, directory: Path) -> None:
        """
        Prepare; up() starts.

        Args:
            directory: For the settings, at a path that the engine can mount.
        """
        values = {"@SUBNET@": f"198.18.{NUMBER}", "@LOOPBACK@": f"127.18.{NUMBER}"}
        for source in (HERE / "config").iterdir():
            text = source.read_text()
            for placeholder, value in values.items():
                text = text.replace(placeholder, value)
            (directory / source.name).write_text(text)
        tools = f"sallyport-tools:{PREFIX}-cost"
        lan = Lan(IPv4Network(f"198.19.{NUMBER}.0/24"), IPv6Network("fd00:5a::/64"), tools)  # not started: not needed
        self.appliance = Appliance(f"{PREFIX}-cost", directory, IPv4Network(f"198.18.{NUMBER}.0/24"), lan)
        self.tools = tools
        self._volumes: list[str] = []
        self._searched = (directory / "searched.toml").read_text()
        self._places = {"socat": self._name("socat"), "amavis": self._name("amavis")}
        self._in_place = "filter"

    def _name(self, suffix: str) -> str:
        return f"{self.appliance.project}-x-{suffix}"

    # --- up and down -----------------------------------------------------------------------------------------------

    def up(self, *, others: bool = True) -> None:
        """Start the appliance and the ends; *others*: and what it is compared with."""
        for name in self._places.values():  # one kept by an earlier run would have the filter's addresses
            run("docker", "rm", "-fv", name, check=False)
        self.appliance.up()
        self.quieten()
        egress, edge = self.appliance.network("egress"), self.appliance.network("edge")
        source = self.appliance.client("source", ip=str(edge[SOURCE])).name
        sink = self.appliance.client("sink", network="egress", ip=str(egress[SINK])).name
        self.ends = Ends(source, sink)
        self.ends.start_sink()
        if others:
            for name in ("plain", "amavis"):
                run("docker", "build", "-q", "-t", f"sallyport-bench-{name}", str(HERE / name))
            self._start_plain("plain", PLAIN)
            self._start_plain("pipe", PIPE, "-e", "FILTERED=1")
            self._create_places()

    def search(self) -> None:
        """Have mail to one domain searched, before up(): for those measures only that need it, since it takes room."""
        self.appliance.config.write_text(self.appliance.config.read_text() + self._searched)

    def quieten(self) -> None:
        """Take the health checks away."""
        self.appliance.compose("-f", "tests/bench/quiet.yaml", "up", "-d", *SERVICES)
        self._wait_for_filter()

    def _start_plain(self, suffix: str, host: int, *options: str) -> None:
        name, volume = self._name(suffix), f"{self._name(suffix)}-queue"
        egress, edge = self.appliance.network("egress"), self.appliance.network("edge")
        settings = ("-e", f"NETWORK={edge}", "-e", f"NEXT_HOP=[{egress[SINK]}]:25", *options)
        run("docker", "rm", "-fv", name, check=False)
        self._volumes.append(volume)
        self._create(name, "egress", str(egress[host]), (*settings, "-v", f"{volume}:/var/spool/postfix"), "plain")
        run("docker", "network", "connect", "--ip", str(edge[host]), f"{self.appliance.project}_edge", name)
        run("docker", "start", name)
        banner = f"exec 3<>/dev/tcp/{edge[host]}/25; head -n 1 <&3 | grep -q ^220"
        source = self.ends.source
        wait_for(lambda: run("docker", "exec", source, "bash", "-c", banner, check=False).returncode == 0, name)

    def _create(self, name: str, network: str, ip: str, options: tuple[str, ...], image: str, *command: str) -> None:
        """Create a container of a bench image, or of the tools'."""
        run("docker", "rm", "-fv", name, check=False)
        self.appliance.adopt(name)
        image = self.tools if image == "tools" else f"sallyport-bench-{image}"
        at = ("--network", f"{self.appliance.project}_{network}", "--ip", ip)
        resolver = ("--dns", str(self.appliance.address("bind", "egress")))
        run("docker", "create", "--name", name, *at, *resolver, *options, image, *command)

    def _create_places(self) -> None:
        """Create what may stand in the filter's place; it cannot start while the filter has the addresses."""
        scan, reinject = (str(self.appliance.address("filter", network)) for network in ("scan", "reinject"))
        gate2 = str(self.appliance.address("postfix-post", "reinject"))
        listen = "TCP-LISTEN:10025,fork,reuseaddr,backlog=128"
        copy = ("socat", listen, f"TCP:{gate2}:10026")
        self._create(self._places["socat"], "reinject", reinject, ("--init",), "tools", *copy)
        self._create(self._places["amavis"], "reinject", reinject, ("--init", "-e", f"GATE2={gate2}"), "amavis")
        for name in self._places.values():
            run("docker", "network", "connect", "--ip", scan, f"{self.appliance.project}_scan", name)

    def down(self) -> None:
        """Remove everything."""
        self.appliance.down()
        for volume in self._volumes:
            run("docker", "volume", "rm", "-f", volume, check=False)

    # --- the filter's place ------------------------------------------------------------------------------------------

    def put(self, what: str) -> None:
        """Put the filter, socat or amavis in the filter's place."""
        if what == self._in_place:
            return
        run("docker", "stop", self.in_place())
        self._in_place = what
        run("docker", "start", self.in_place())
        self._wait_for_filter()

    def in_place(self) -> str:
        """Return the container in the filter's place."""
        return self._places.get(self._in_place) or self.appliance.container("filter")

    def apply(self) -> None:
        """Bring changed settings to what runs."""
        self.appliance.up()
        self.quieten()

    def restart_filter(self) -> None:
        """Let the filter begin anew, with fresh workers."""
        run("docker", "restart", self.appliance.container("filter"))
        self._wait_for_filter()

    def _wait_for_filter(self) -> None:
        """Wait until what is in the filter's place greets gate 1."""
        hop = f"exec 3<>/dev/tcp/{self.appliance.network('scan')[4]}/10025; head -n 1 <&3 | grep -q ^220"
        wait_for(
            lambda: self.appliance.exec("postfix-pre", "timeout", "5", "bash", "-c", hop, check=False).returncode == 0,
            f"{self._in_place} in the filter's place",
        )

    def server(self, name: str) -> str:
        """Return where the source sends to: gate 1, plain or pipe."""
        hosts = {"plain": PLAIN, "pipe": PIPE}
        return f"{self.appliance.network('edge')[hosts[name]]}:25" if name in hosts else self.appliance.outside

    def queues_empty(self) -> bool:
        """Return whether nothing waits in either gate."""
        return not self.appliance.queue("postfix-pre") and not self.appliance.queue("postfix-post")

    def plain(self, name: str) -> str:
        """Return the container of plain or pipe."""
        return self._name(name)
