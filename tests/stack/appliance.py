"""
An appliance under test: started by `make up`, asked by the commands an operator has, removed at the end.

Nothing here knows how the appliance works inside: mail goes in through swaks, and what became of it is read from
the Maildirs, the queues (postqueue -j), the logs and the sink.
"""

from __future__ import annotations

import base64
import json
import os
import re
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from tests.stack.client import ROOT, Client, Done, Sink, run, wait_for
from tests.stack.lan import Lan

DAEMONS = ("bind", "postfix-pre", "filter", "postfix-post")


class Appliance:
    """One project started by `make up`."""

    def __init__(self, project: str, config_dir: Path, subnet: IPv4Network, lan: Lan) -> None:
        self.lan = lan
        self.project = project
        self.config_dir = config_dir
        self.subnet = subnet
        self._extras: list[str] = []  # containers added to its networks

    @property
    def config(self) -> Path:
        """Return the one file."""
        return self.config_dir / "gateway.toml"

    def network(self, name: str) -> IPv4Network:
        """Return one of its networks as docker has it."""
        template = "{{range .IPAM.Config}}{{println .Subnet}}{{end}}"
        subnets = run("docker", "network", "inspect", "-f", template, f"{self.project}_{name}").stdout.split()
        return IPv4Network(next(subnet for subnet in subnets if ":" not in subnet))

    def address(self, service: str, network: str) -> IPv4Address:
        """Return the address of a service's container in a network, as docker has it."""
        template = f'{{{{(index .NetworkSettings.Networks "{self.project}_{network}").IPAddress}}}}'
        return IPv4Address(run("docker", "inspect", "-f", template, self.container(service)).stdout.strip())

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        labels = (f"project={self.project}", f"service={service}", "oneoff=False")
        filters = [part for label in labels for part in ("--filter", f"label=com.docker.compose.{label}")]
        found = run("docker", "ps", "-aq", "--no-trunc", *filters).stdout.split()
        assert len(found) == 1, f"{service}: {found}"
        return found[0]

    def containers(self) -> dict[str, str]:
        """Return the container id of each service that runs all the time."""
        return {service: self.container(service) for service in DAEMONS}

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what docker knows of a service's container."""
        return json.loads(run("docker", "inspect", self.container(service)).stdout)[0]

    def generations(self) -> dict[str, str]:
        """Return the generation that each service runs."""
        return {service: self.exec(service, "generation").stdout.strip() for service in DAEMONS}

    def healthy(self, service: str, timeout_s: float = 60) -> None:
        """Wait until a service's container is healthy."""
        wait_for(
            lambda: self.inspect(service)["State"]["Health"]["Status"] == "healthy", f"health of {service}", timeout_s
        )

    def make(self, target: str, *variables: str, check: bool = True) -> Done:
        """Run a Makefile target for this project."""
        return run(
            "make",
            "--no-print-directory",
            target,
            f"PROJECT={self.project}",
            f"CONFIG_DIR={self.config_dir}",
            *variables,
            check=check,
        )

    def doctor(self) -> list[dict[str, str]]:
        """Return what `make doctor` says."""
        words = (f"PROJECT={self.project}", f"CONFIG_DIR={self.config_dir}", "scripts/doctor", "--json")
        return json.loads(run("env", *words, check=False).stdout)

    def compose(self, *arguments: str, check: bool = True, stdin: str | None = None) -> Done:
        """Run docker compose for this project, as scripts/compose does for an operator."""
        environment = f"PROJECT={self.project}"
        return run(
            "env", environment, f"CONFIG_DIR={self.config_dir}", "scripts/compose", *arguments, check=check, stdin=stdin
        )

    def exec(self, service: str, *command: str, check: bool = True, stdin: str | None = None) -> Done:
        """Run a command in a service's container."""
        return run(
            "docker",
            "exec",
            *(["-i"] if stdin is not None else []),
            self.container(service),
            *command,
            check=check,
            stdin=stdin,
        )

    def up(self) -> None:
        """Start it, or bring it to its file; build the clients' image beside it."""
        self.make("up")
        self.compose("--profile", "tools", "build", "tools")

    def down(self) -> None:
        """Remove it with its volumes, and the containers the tests added."""
        for name in self._extras:
            run("docker", "rm", "-fv", name, check=False)
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
        for path in ROOT.glob(f".run/{self.project}/*"):
            path.unlink()

    def pause(self) -> None:
        """Have its containers stand still; one that cannot be frozen at this moment goes on."""
        self._each("pause", "running")

    def unpause(self) -> None:
        """Have its containers go on, and wait until all are healthy: paused ones count as ill."""
        self._each("unpause", "paused")
        wait_for(lambda: not self._containers("health=unhealthy"), f"health of {self.project}")

    def _each(self, what: str, state: str) -> None:
        if containers := self._containers(f"status={state}"):
            run("docker", what, *containers, check=False)

    def _containers(self, condition: str) -> list[str]:
        mine = f"label=com.docker.compose.project={self.project}"
        return run("docker", "ps", "-q", "--filter", mine, "--filter", condition).stdout.split()

    def edit(self, old: str, new: str) -> None:
        """Replace a piece of the one file, which must be there once."""
        text = self.config.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the file"
        self.config.write_text(text.replace(old, new))

    # --- clients and sinks -------------------------------------------------------------------------------------

    def client(self, suffix: str, *, network: str = "edge", ip: str | None = None, image: str | None = None) -> Client:
        """Start a client on one of its networks; *ip* is 8 to 15 in it, for Docker gives out those above by itself."""
        return Client(self._start(suffix, network, ip, ["sleep", "infinity"], image=image))

    def sink(
        self,
        alias: str = "sink",
        *,
        network: str = "egress",
        ip: str | None = None,
        port: int = 25,
        program: str = "tests.stack.sink",
    ) -> Sink:
        """Start a next hop that is reached by its alias; *ip* as for a client."""
        tests = ("-v", f"{ROOT}/tests:/srv/tests:ro", "-w", "/srv")
        name = self._start(alias, network, ip, ["python3", "-um", program, "/tmp/sink", str(port)], *tests)
        sink = Sink(name)
        sink.wait(port)
        return sink

    def _start(
        self, suffix: str, network: str, ip: str | None, command: list[str], *more: str, image: str | None = None
    ) -> str:
        name = f"{self.project}-x-{suffix}"
        place = ["--network", f"{self.project}_{network}", "--network-alias", suffix, *(["--ip", ip] if ip else [])]
        options = [*place, *more]
        run("docker", "rm", "-fv", name, check=False)
        image = image or f"sallyport-tools:{self.project}"
        run("docker", "run", "-d", "--init", "--name", name, *options, image, *command)
        self.adopt(name)
        return name

    def adopt(self, name: str) -> None:
        """Remove a container along with the appliance."""
        self._extras.append(name)

    # --- what became of a message --------------------------------------------------------------------------------

    def mailbox(self, address: str, containing: str = "") -> list[str]:
        """Return the messages in a Maildir that contain a text, with LF line ends."""
        local, _, domain = address.partition("@")
        script = 'cd "$1" && grep -rlF -e "$2" . | while IFS= read -r file; do base64 -w0 "$file"; echo; done'
        maildir = f"/var/mail/vhosts/{domain}/{local}/new"
        found = self.exec("postfix-post", "bash", "-c", script, "-", maildir, containing, check=False).stdout.split()
        return [base64.b64decode(message).decode("utf-8", "surrogateescape") for message in found]

    def deferred(self, why: str, *, to: str = "") -> None:
        """Wait until gate 2 defers a message for a reason that matches; *to*: to this recipient."""

        def look() -> bool:
            waiting = [recipient for row in self.queue("postfix-post") for recipient in row["recipients"]]
            return any(
                re.search(why, recipient.get("delay_reason", "")) and to in ("", recipient["address"])
                for recipient in waiting
            )

        wait_for(look, f"{why}, for mail to {to or 'somebody'}")

    def arrived(self, address: str, token: str, timeout_s: float = 60) -> str:
        """Wait for the message with a token in a mailbox and return it."""

        def look() -> str | None:
            return next(iter(self.mailbox(address, f"X-Token: {token}")), None)

        return wait_for(look, f"{token} in the mailbox of {address}", timeout_s)

    def queue(self, gate: str) -> list[dict[str, Any]]:
        """Return a gate's queue as postqueue -j gives it."""
        return [json.loads(line) for line in self.exec(gate, "postqueue", "-j").stdout.splitlines()]

    def logs(self, service: str, since: str | None = None) -> str:
        """Return a service's log."""
        options = ["--since", since] if since else []
        return run("bash", "-c", 'docker logs "$@" 2>&1', "-", *options, self.container(service)).stdout

    def logged(self, service: str, pattern: str, timeout_s: float = 30) -> re.Match[str]:
        """Wait for a line in a service's log."""
        return wait_for(
            lambda: re.search(pattern, self.logs(service)), f"{pattern!r} in the log of {service}", timeout_s
        )

    @cached_property
    def outside(self) -> str:
        """Return where a client on the edge network reaches the listener `outside`: address:port."""
        return self.listener("outside")

    def listener(self, name: str) -> str:
        """Return where a client on the edge network reaches a listener: address:port."""
        shown = self.compose("run", "--rm", "-T", "--no-deps", "render", "gateway", "show", "--json").stdout
        return next(row["container"] for row in json.loads(shown)["listeners"] if row["name"] == name)


def environment_number(name: str, default: int) -> int:
    """Read a number from the environment, so that two runs on one machine keep out of each other's way."""
    return int(os.environ.get(name, default))
