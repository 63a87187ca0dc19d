"""gateway/operate/listen.py: the socket that outlives the workers, under a real supervisord with real ones."""

import os
import signal
import socket
import subprocess
import sys
import threading
from configparser import RawConfigParser

import pytest

from .yard import Yard

BANNER = b"220 localhost ESMTP\r\n"


@pytest.fixture
def yard(tmp_path, settings):
    """Give a supervisord with one worker."""
    with Yard(tmp_path, settings(), workers=1) as running:
        yield running


def test_socket_lies_where_supervisord_closes_nothing(tmp_path, settings):
    """It closes in its children what is below minfds; the worker's command takes the same number."""
    parser = RawConfigParser()
    parser.read(Yard(tmp_path, settings(), workers=1).conf)
    number = parser["listen"]["fd"]
    assert int(number) >= int(parser["supervisord"]["minfds"])
    assert parser["program:filter-of-1"]["command"].endswith(f' <&{number} {number}<&-"')


def test_killed_workers_connections_wait_for_the_next(yard):
    """The only worker is stopped and killed with one in the backlog: it is served, and none is refused."""
    (pid,) = yard.pids().values()
    os.kill(pid, signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", yard.port), timeout=60) as waiting:
        os.kill(pid, signal.SIGKILL)
        assert waiting.recv(100) == BANNER
    assert list(yard.pids().values()) != [pid]


def test_other_number_of_workers_refuses_nothing(yard):
    """From one to three as `reload` does it: the new group is added and runs before the old one ends."""
    stop, banners = threading.Event(), []

    def connect():
        while not stop.is_set():
            banners.append(yard.banner())

    asking = threading.Thread(target=connect)
    asking.start()
    yard.write(3)
    assert yard.ctl("update", "filter-of-3") == "filter-of-3: added process group\n"
    yard.wait_for(yard.all_running)
    assert len(yard.pids()) == 4
    assert yard.ctl("update") == "filter-of-1: stopped\nfilter-of-1: removed process group\n"
    stop.set()
    asking.join()
    assert set(banners) == {BANNER}
    assert sorted(yard.pids()) == [f"filter-of-3:filter-0{number}" for number in range(3)]
    assert yard.ctl("update") == ""  # what is written again unchanged is left alone


def test_all_workers_drain_at_once(tmp_path, settings):
    """In one group: supervisord waits for each group before it stops the next."""
    with Yard(tmp_path, settings(), workers=3) as yard:
        pids = yard.pids().values()
    log = yard.log()
    assert all(f"worker ends pid={pid} drained=True" in log for pid in pids)
    assert log.rindex("worker drains") < log.index("stopped: filter-0")


def test_address_that_cannot_be_bound_ends_it(tmp_path, settings):
    """With the section and the reason."""
    yard = Yard(tmp_path, settings(), workers=1)
    with socket.create_server(("127.0.0.1", yard.port)):
        command = [sys.executable, "-m", "gateway.operate.listen", str(yard.conf)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"listen: {yard.conf}: [listen] socket: ")
    assert "Address already in use" in ended.stderr
