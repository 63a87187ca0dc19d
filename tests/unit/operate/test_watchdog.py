"""gateway/operate/watchdog.py: who is killed, who is not, and that supervisord starts another."""

import asyncio
import io
import os
import signal
import xmlrpc.client

import pytest

from gateway.operate.watchdog import PATIENCE_S, Watchdog

from ..hop import Client
from ..sink import Sink
from ..test_worker import held
from .yard import Yard

NAME = "filter-of-2:filter-00"


class Supervisor:
    """Stands in for supervisord, whose clock and pids cannot be chosen."""

    def __init__(self) -> None:
        self.process = {"group": "filter-of-2", "name": "filter-00", "pid": 17, "statename": "RUNNING"}
        self.killed: list[int] = []
        self.gone = False

    def getAllProcessInfo(self):  # noqa: N802
        """List the worker, and a listener that gives no signs."""
        listener = {"group": "watchdog", "name": "watchdog", "pid": 18, "statename": "RUNNING"}
        return [dict(self.process), listener]

    def signalProcess(self, name, signal_name):  # noqa: N802
        """Note whom it meets."""
        assert (name, signal_name) == (NAME, "KILL")
        if self.gone:
            raise xmlrpc.client.Fault(70, "NOT_RUNNING")
        self.killed.append(self.process["pid"])
        return True


class Scene:
    """A watchdog, a worker's file, and time."""

    def __init__(self, directory) -> None:
        self.now_s = 1000.0
        self.supervisor = Supervisor()
        self.path = directory / NAME
        self.log = io.StringIO()
        self._signs = 0
        self.restart_watchdog()

    def restart_watchdog(self):
        """Start it anew, as supervisord does when it fails."""
        self.watchdog = Watchdog(self.path.parent, PATIENCE_S, self.log, lambda: self.now_s)

    def sign(self):
        """Give a sign of life."""
        self._signs += 1
        self.path.write_text(f"{self.supervisor.process['pid']}\n")
        os.utime(self.path, ns=(self._signs, self._signs))

    def pass_time(self, seconds, *, signs=False):
        """Let time pass, with a look every 5 s."""
        for _ in range(seconds // 5):
            self.now_s += 5
            if signs:
                self.sign()
            self.watchdog.look(self.supervisor)


@pytest.fixture
def scene(tmp_path):
    """Give a scene with a worker that has just given a sign."""
    made = Scene(tmp_path)
    made.sign()
    made.pass_time(5)
    return made


def test_silent_worker_is_killed_once_and_named(scene):
    """After its patience, not before; the next in its place begins anew."""
    scene.pass_time(55)
    assert scene.supervisor.killed == []
    scene.pass_time(5)
    assert scene.supervisor.killed == [17]
    assert scene.log.getvalue() == f"ERROR worker {NAME} gave no sign of life for 60 s: killed pid=17\n"
    scene.supervisor.process |= {"pid": 19, "statename": "STARTING"}
    scene.pass_time(300)
    assert scene.supervisor.killed == [17]  # it has not given its first sign yet
    scene.sign()
    scene.pass_time(65)
    assert scene.supervisor.killed == [17, 19]


def test_worker_with_signs_lives(scene):
    """For as long as it gives them, whatever the file's time says: a clock that jumps is only another time."""
    scene.pass_time(600, signs=True)
    scene._signs = 0
    scene.pass_time(600, signs=True)
    assert scene.supervisor.killed == []


def test_starting_worker_is_not_judged_by_its_predecessors_file(scene):
    """However slow the machine: the file holds another pid until the first sign."""
    scene.pass_time(55)
    scene.supervisor.process |= {"pid": 19, "statename": "STARTING"}
    scene.pass_time(600)
    assert scene.supervisor.killed == []


def test_worker_with_a_reused_pid_begins_anew(scene):
    """Its first sign is one more than the last of its predecessor."""
    scene.pass_time(55)
    scene.sign()
    scene.pass_time(60)
    assert scene.supervisor.killed == []
    scene.pass_time(5)
    assert scene.supervisor.killed == [17]


@pytest.mark.parametrize("file", ["", "nonsense\n", None])
def test_worker_without_a_file_of_its_own_is_not_judged(scene, file):
    """A full /run is no reason to kill."""
    scene.path.unlink() if file is None else scene.path.write_text(file)
    scene.pass_time(600)
    assert scene.supervisor.killed == []


def test_time_that_nobody_looked_counts_as_one_look(scene):
    """A container that was paused for an hour, ticks that come in a bunch: nobody could give a sign meanwhile."""
    scene.pass_time(40)
    scene.now_s += 3600
    for _ in range(10):
        scene.watchdog.look(scene.supervisor)
    assert scene.supervisor.killed == []
    scene.pass_time(10)
    assert scene.supervisor.killed == []
    scene.pass_time(5)
    assert scene.supervisor.killed == [17]


def test_restarted_watchdog_finds_a_worker_that_hangs_already(scene):
    """It counts from its own start."""
    scene.pass_time(30)
    scene.restart_watchdog()
    scene.pass_time(60)
    assert scene.supervisor.killed == []
    scene.pass_time(5)
    assert scene.supervisor.killed == [17]


def test_worker_that_stops_is_left_to_supervisord(scene):
    """Stopwaitsecs is its limit."""
    scene.supervisor.process["statename"] = "STOPPING"
    scene.pass_time(600)
    assert scene.supervisor.killed == []


def test_worker_that_ends_in_this_moment_is_no_error(scene):
    """Supervisord says NOT_RUNNING, and the watchdog goes on."""
    scene.supervisor.gone = True
    scene.pass_time(600)
    assert scene.log.getvalue() == ""


def test_stopped_worker_is_replaced_by_supervisord_and_the_other_left_alone(tmp_path, settings):
    """Two real workers under a real supervisord, which restarts the listener in between."""
    with Yard(tmp_path, settings(), workers=2, watchdog_patience_s=14) as yard:
        yard.wait_for(lambda: len(list((tmp_path / "alive").iterdir())) == 2)
        before, watchdog = yard.pids(), yard.pids("watchdog")["watchdog:watchdog"]
        stopped = before["filter-of-2:filter-01"]
        os.kill(stopped, signal.SIGSTOP)
        os.kill(watchdog, signal.SIGKILL)
        yard.wait_for(lambda: f"killed pid={stopped}" in yard.log())
        yard.wait_for(lambda: yard.pids().get("filter-of-2:filter-01", stopped) != stopped)
        assert yard.pids()["filter-of-2:filter-00"] == before["filter-of-2:filter-00"]
        assert yard.pids("watchdog")["watchdog:watchdog"] != watchdog
    assert yard.log().count("gave no sign of life") == 1


async def test_what_a_stopped_worker_held_past_its_dot_is_lost_to_nobody(tmp_path, settings):
    """Gate 1 hears the connection end, and sends again: one copy more, as RFC 1047 has it."""
    async with Sink() as sink, Yard(tmp_path, settings(sink.port), workers=1, watchdog_patience_s=9) as yard:
        asked, go_on = held(sink)
        gate_1 = Client(*await asyncio.open_connection("127.0.0.1", yard.port))
        await gate_1.greet()
        gate_1.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        await gate_1.replies(3)
        gate_1.send(b"x\r\n.\r\n")
        await asked.wait()
        (pid,) = yard.pids().values()
        os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(60):
            assert await gate_1.reader.read() == b""
        go_on.set()
        again = Client(*await asyncio.open_connection("127.0.0.1", yard.port))
        await again.greet()
        assert (await again.deliver(b"x\r\n.\r\n")).startswith(b"250")
        assert f"killed pid={pid}" in yard.log()
        assert sink.messages == [b"x\r\n", b"x\r\n"]
        for client in (gate_1, again):
            await client.close()
