"""The runner: what programs do wrong, and that nothing of it stays."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys

import pytest

from gateway.check.base import CheckFailed
from gateway.check.registry import make
from gateway.check.run import run
from gateway.message.program import END, MAX_HEAD, PING, TASK, Task, frame, next_frame
from gateway.message.verdict import ERROR, Finding, Report
from gateway.runner import ping

from .check.asked import message
from .programs import GROUP, LIMITS, MAX_OCTETS, ROOT, USER, Programs

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def programs():
    """Give a runner of its own to each test."""
    programs = Programs()
    yield programs
    programs.remove()


async def within(programs, seconds, script):
    """Run a script under a check's time-out, as the filter does; return the findings."""
    programs.write("program", script)
    table = LIMITS | {"timeout_s": seconds, "program": "program", "socket": str(programs.socket)}
    check = make("command:x", table | {"max_octets": MAX_OCTETS})
    return (await run([check], message()))[1][0].findings


# --- what outlives its time, or tries to -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "sleep 1000",
        "trap '' TERM; while :; do sleep 1; done",
        "(trap '' TERM HUP; setsid sleep 1000 &) ; sleep 1000",
        "kill -STOP $$",
        "cat >/dev/null; exec >&- 2>&-; sleep 1000",
    ],
)
async def test_time_out_ends_the_program_and_all_its_children(programs, script):
    """The check fails in its time, and its on_error decides; nothing of the program is left."""
    assert await within(programs, 0.5, script) == [Finding("command:x", ERROR, "no result in 0.5 s")]
    await programs.cleared()


@pytest.mark.parametrize(
    "script",
    [
        "sleep 1000 &",
        "nohup sleep 1000 >/dev/null 2>&1 &",
        "setsid sleep 1000 &",
        "(setsid sh -c 'sleep 1000 & sleep 1000' &)",
        "(trap '' TERM HUP INT; setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &)",
    ],
)
async def test_children_that_linger_are_ended_with_the_program(programs, script):
    """Those that left its session and lost their parent too; the status counts, and nobody waits for them."""
    programs.write("program", f"{script}\nexit 69")
    assert (await programs.check().examine(message())).findings[0].reason == "rejected"
    assert programs.left() == ([], [])


async def test_program_that_kills_its_keeper_is_a_failure(programs):
    """What it leaves behind then falls to the runner, which clears it."""
    programs.write("program", "(setsid sleep 1000 &); sleep 0.1; kill -9 $PPID; sleep 1000")
    with pytest.raises(CheckFailed, match=r"program was ended by signal 9$"):
        await programs.check().examine(message())
    assert programs.left()[0] == []


async def test_filter_that_goes_away_ends_the_program(programs):
    """A worker may be killed while it waits, before or after it has sent the content."""
    programs.write("program", "sleep 1000")
    for last in (b"", frame(END)):
        _, writer = await asyncio.open_unix_connection(programs.socket)
        writer.write(frame(TASK, Task("program").wire()) + last)
        await programs.running(processes=3)
        writer.transport.abort()
        await programs.cleared()


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_memory_is_limited(programs):
    """A program that wants more than it may have fails, and that is a failure of the check."""
    programs.write("program", f"#!{sys.executable}\nprint(len(b'x' * 300_000_000))\n")
    with pytest.raises(CheckFailed, match=r"(?s)program ended with status 1: .*MemoryError"):
        await programs.check().examine(message())
    assert await programs.check(memory=1024 * 2**20).examine(message()) == Report()


async def test_processor_time_is_limited(programs):
    """A program that spins is ended, whatever time the check has."""
    programs.write("program", "while :; do :; done")
    with pytest.raises(CheckFailed, match=f"program was ended by signal {signal.SIGXCPU.value}$"):
        await programs.check(cpu=1).examine(message())


async def test_files_are_limited(programs):
    """A file beyond the limit ends the program."""
    programs.write("program", "exec head -c 2000000 /dev/zero >file")
    with pytest.raises(CheckFailed, match=f"program was ended by signal {signal.SIGXFSZ.value}$"):
        await programs.check(files=1_000_000).examine(message())
    assert await programs.check(files=3_000_000).examine(message()) == Report()


async def test_open_files_and_core_dumps_are_limited(programs):
    """As told by the shell."""
    programs.write("program", "ulimit -n; ulimit -c")
    assert (await programs.check(edits=True).examine(message())).content == b"256\r\n0\r\n"


@pytest.mark.skipif(not AS_ROOT, reason="processes of the user who runs the tests count too")
async def test_fork_bomb_is_bounded_and_cleared(programs):
    """It gets no further than its user's processes, and is gone when its time is over."""
    bomb = "bomb() { bomb & bomb; }; bomb"
    programs.write("bomb", bomb)
    most = 0
    task = asyncio.create_task(within(programs, 2, bomb))
    while not task.done():
        most = max(most, len(programs.left()[0]))
        await asyncio.sleep(0.05)
    assert (await task)[0].reason == ERROR
    assert 5 < most <= LIMITS["processes"] * programs.slots
    await programs.cleared()
    programs.write("program", "exit 0")
    assert await programs.check().examine(message()) == Report()


async def test_programs_at_once_are_limited(programs):
    """The others wait for a slot, and none is lost."""
    programs.write("program", 'mkdir "../at-work.$$" && ls -d ../at-work.* | wc -l; sleep 0.1; rmdir "../at-work.$$"')
    reports = await asyncio.gather(*(programs.check(edits=True).examine(message()) for _ in range(20)))
    at_once = [int(report.content) for report in reports]
    assert len(at_once) == 20
    assert max(at_once) <= programs.slots


# --- the runner itself -----------------------------------------------------------------------------------------------


def test_socket_is_for_its_group_alone(programs):
    """The filter's; nobody else may connect."""
    found = programs.socket.stat()
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert stat.S_ISSOCK(found.st_mode)
    if AS_ROOT:
        assert (found.st_uid, found.st_gid) == (USER, GROUP)
        words = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        for group, fits in ((GROUP, True), (GROUP + 1, False)):
            done = subprocess.run(
                [sys.executable, "-c", words, programs.socket],
                user=USER + 1, group=group, extra_groups=[], capture_output=True,
            )  # fmt: skip
            assert (done.returncode == 0) == fits, done.stderr


async def test_ping_tells_whether_a_runner_answers(programs):
    """Also while all slots are taken; and not, when it hangs or is gone."""
    programs.write("program", "sleep 1000")
    tasks = [asyncio.create_task(programs.check().examine(message())) for _ in range(programs.slots + 1)]
    await programs.running(directories=programs.slots)
    assert await ping(programs.socket)
    words = [sys.executable, "-m", "gateway.runner", "--ping", "--socket", programs.socket]
    assert (await asyncio.to_thread(subprocess.run, words, cwd=ROOT, capture_output=True)).returncode == 0
    programs.process.kill()
    programs.process.wait()
    assert not await ping(programs.socket)
    done = await asyncio.to_thread(subprocess.run, words, cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"runner does not answer\n")
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, CheckFailed) for error in ended)


async def test_runner_that_is_killed_fails_the_check_and_starts_again(programs):
    """The socket it leaves behind is in nobody's way."""
    programs.write("program", "sleep 1000")
    task = asyncio.create_task(programs.check().examine(message()))
    await programs.running(processes=3)
    left = programs.left()[0]
    programs.process.kill()
    programs.process.wait()
    with pytest.raises(CheckFailed, match=r"^runner"):
        await task
    for pid in left:  # in the container they go with its first process
        os.kill(pid, signal.SIGKILL)
    programs.start()
    programs.write("program", "exit 0")
    assert await programs.check().examine(message()) == Report()


async def test_runner_that_is_stopped_lets_programs_end(programs):
    """As the filter does with its transactions."""
    programs.write("program", "cat; sleep 0.5; exit 69")
    task = asyncio.create_task(programs.check().examine(message()))
    await programs.running(processes=3)
    log = await asyncio.to_thread(programs.stop)
    assert (await task).findings[0].reason == "rejected"
    assert log == "runner stops\n"


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        frame(b"?", b"x"),
        frame(TASK, b"{}"),
        frame(TASK, b"[]"),
        frame(TASK, b'{"program": "../../bin/sh"}'),
        frame(TASK, b'{"program": "sh", "arguments": [1]}'),
        frame(TASK, b'{"program": "sh", "arguments": ["\\u0000"]}'),
        frame(TASK, b'{"program": "sh", "arguments": ["\\u20ac"]}'),
        frame(TASK, b'{"program": "sh", "environment": {"A": "\\ud800"}}'),
        frame(TASK, b'{"program": "sh", "environment": {"A=": "x"}}'),
        frame(TASK, b'{"program": "sh", "limits": {"memory": "1"}}'),
        frame(TASK, b'{"program": "sh", "shell": true}'),
        TASK + (MAX_HEAD + 1).to_bytes(4),
        frame(TASK, Task("program").wire()) + frame(PING),
        frame(TASK, Task("program").wire()) + frame(END) + b"more",
    ],
)
async def test_nonsense_is_answered_by_closing(programs, octets):
    """And does not hurt those who talk sense."""
    programs.write("program", "sleep 1000")
    reader, writer = await asyncio.open_unix_connection(programs.socket)
    writer.write(octets)
    assert await reader.read() == b""
    writer.close()
    await programs.cleared()
    assert await ping(programs.socket)


async def test_content_may_come_in_any_pieces(programs):
    """Octet by octet as well."""
    programs.write("program", "cat")
    task = Task("program", limits=LIMITS, environment={"PATH": "/bin"}, output=True)
    octets = frame(TASK, task.wire()) + frame(b"C", b"ab") + frame(b"C") + frame(b"C", b"c") + frame(END)
    reader, writer = await asyncio.open_unix_connection(programs.socket)
    for octet in octets:
        writer.write(bytes([octet]))
        await asyncio.sleep(0)
    received = b""
    while (received_frame := await next_frame(reader))[0] == b"O":
        received += received_frame[1]
    assert received == b"abc"
    assert re.fullmatch(rb'\{"status": 0, "stderr": ""\}', received_frame[1])
    writer.close()
