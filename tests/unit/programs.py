"""A real runner with real programs, as an unprivileged user where the tests run as root."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gateway.check.command import Command, Options
from gateway.confine import descendants

ROOT = Path(__file__).parents[2]
USER, GROUP = 10_002, 10_001  # those of the container
LIMITS = {"memory": 256 * 2**20, "cpu": 10, "files": 64 * 2**20, "processes": 32}
MAX_OCTETS = 2 * 2**20


class Programs:
    """A runner, and a directory of commands to fill."""

    def __init__(self, slots=4):
        self.directory = Path(tempfile.mkdtemp(prefix="runner"))
        self.commands, self.work = self.directory / "commands", self.directory / "work"
        self.socket = self.directory / "socket"
        self.slots = slots
        for path in (self.directory, self.commands, self.work):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
            if os.geteuid() == 0:
                os.chown(path, USER, GROUP)
        self.start()

    def start(self):
        """Start the runner, also after it was killed, and wait until it is ready."""
        if hasattr(self, "process"):
            self.process.stderr.close()
        words = ["--socket", self.socket, "--commands", self.commands, "--work", self.work, "--slots", str(self.slots)]
        other = {"user": USER, "group": GROUP, "extra_groups": []} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway.runner", *words], cwd=ROOT, stderr=subprocess.PIPE, **other
        )
        line = self.process.stderr.readline()
        assert line == b"runner is ready\n", line

    def write(self, name, text, mode=0o755):
        """Make a program; a script of /bin/sh unless it begins with #!."""
        path = self.commands / name
        path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        path.chmod(mode)

    def check(self, name="program", **options):
        """Return a check that runs one of them."""
        told = LIMITS | {"max_octets": MAX_OCTETS, "socket": str(self.socket)} | options
        return Command(f"command:{name}", Options(program=name, **told))

    def left(self):
        """Return what there is of programs: processes and directories."""
        return descendants(self.process.pid), list(self.work.iterdir())

    async def running(self, processes=0, directories=0, timeout_s=20):
        """Wait until there is so much of programs."""
        deadline = time.monotonic() + timeout_s
        while len(self.left()[0]) < processes or len(self.left()[1]) < directories:
            assert time.monotonic() < deadline, self.left()
            await asyncio.sleep(0.01)

    async def cleared(self, timeout_s=20):
        """Wait until nothing is left of any program."""
        deadline = time.monotonic() + timeout_s
        while self.left() != ([], []):
            assert time.monotonic() < deadline, self.left()
            await asyncio.sleep(0.01)

    def stop(self):
        """End the runner; return its log."""
        self.process.terminate()
        return self.process.communicate(timeout=60)[1].decode()

    def remove(self):
        """Remove all of it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.directory)
