"""supervisord and its children as the container has them, on loopback: from the rendered file, with other paths."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from supervisor.childutils import getRPCInterface

import gateway
from gateway.render.filter import render_filter
from tests.configurations import configure, minimal

WITHIN_S = 60  # for what takes a second or two where nothing else runs


class Yard:
    """A supervisord of a test's own."""

    def __init__(self, directory: Path, filter_toml: Path, *, workers: int, watchdog_patience_s: float = 60) -> None:
        """Write its files; *filter_toml* is what the workers are told."""
        self.directory = directory
        self._filter_toml = filter_toml
        self._patience_s = watchdog_patience_s
        self.conf = directory / "supervisord.conf"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (directory / "alive").mkdir()
        self.write(workers)
        self._lines: list[str] = []

    def write(self, workers: int) -> None:
        """Write supervisord.conf for a number of workers."""
        settings = configure(self.directory, minimal(f"[filter]\nworkers = {workers}\n"))
        text = render_filter(settings)["supervisord.conf"]
        for old, new in {
            r"tcp://\S+": f"tcp://127.0.0.1:{self.port}",
            r"/run/config/filter\.toml": str(self._filter_toml),
            r"/run/alive$": f"{self.directory}/alive {self._patience_s}",
            r"/run/": f"{self.directory}/",
            r"\bpython -m": f"{sys.executable} -m",
            r"^startsecs=5$": "startsecs=1",
        }.items():
            text, count = re.subn(old, new, text, flags=re.MULTILINE)
            assert count, old
        self.conf.write_text(text)

    def __enter__(self) -> Yard:
        """Start it, and wait until all its children run and the workers accept."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway.operate.listen", str(self.conf)],
            cwd=Path(gateway.__file__).parents[1],
            stdout=subprocess.PIPE,  # not a file: it opens /dev/fd/1 for each child, at the beginning
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=lambda: self._lines.extend(self._process.stdout))
        self._reader.start()
        self.wait_for(self._answers)
        self.wait_for(self.all_running)
        self.wait_for(lambda: self.log().count("worker started") == len(self.pids()))
        return self

    def __exit__(self, *_: object) -> None:
        """Let all of them end."""
        self._process.terminate()
        self._process.wait(WITHIN_S)
        self._reader.join()
        self._process.stdout.close()

    async def __aenter__(self) -> Yard:
        """Start it beside a running loop."""
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        """Let all of them end."""
        await asyncio.to_thread(self.__exit__)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(f"{self.directory}/supervisor.sock") == 0

    def infos(self) -> list[dict]:
        """Return what supervisord knows of its children."""
        with getRPCInterface({"SUPERVISOR_SERVER_URL": f"unix://{self.directory}/supervisor.sock"}) as rpc:
            return rpc.supervisor.getAllProcessInfo()

    def pids(self, word: str = "filter-") -> dict[str, int]:
        """Return the pids of what runs, by group:name."""
        found = ((f"{info['group']}:{info['name']}", info) for info in self.infos())
        return {name: info["pid"] for name, info in found if info["statename"] == "RUNNING" and word in name}

    def all_running(self) -> bool:
        """Tell whether nothing is on its way."""
        return all(info["statename"] == "RUNNING" for info in self.infos())

    def ctl(self, *arguments: str) -> str:
        """Run supervisorctl."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.conf), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def log(self) -> str:
        """Return what supervisord and all its children wrote."""
        return "".join(self._lines)

    def banner(self) -> bytes:
        """Connect, and wait for whichever worker accepts."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN_S) as connection:
            return connection.recv(100)

    def wait_for(self, condition) -> None:
        """Wait until *condition* is true."""
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
