"""
Run a program within limits, and let nothing of it outlive it.

    python -I -S confine.py LIMITS DIRECTORY PROGRAM [ARGUMENT]...

LIMITS are memory=OCTETS,cpu=SECONDS,files=OCTETS,processes=NUMBER in any order.  The program gets stdin, stdout, stderr
and the environment as they are, a session of its own, and DIRECTORY to work in, which is made before and removed after.
When it has ended, or SIGTERM arrives, all its descendants are killed, those with a session of their own too: this
process is their reaper (PR_SET_CHILD_SUBREAPER), so none can slip away by losing its parent.

It is started for each message, so it stands alone and imports little: pathlib and subprocess take longer to load than
all the rest does.

Exit codes: the program's; 128 and the number of the signal that ended it; 126 it cannot be run; 127 there is none.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time

TYPE_CHECKING = False  # typing's own would have to be imported
if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 5.0  # for what was killed to be gone
OPEN_FILES = 256
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_WORST = b"1000"  # oom_score_adj: where memory ends, the program goes and not its keeper


class Stopped(BaseException):
    """SIGTERM arrived."""


def main(arguments: list[str]) -> int:
    """Run the program; return the exit code."""
    limits, directory, *command = arguments
    become_reaper()
    signal.signal(signal.SIGTERM, _stop)
    try:
        os.mkdir(directory, 0o700)
        return _run(_read(limits), directory, command)
    except Stopped:
        return 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not end_all(descendants):
            _say("some of its processes could not be killed")
        _remove(directory)


def become_reaper() -> None:
    """Have descendants that lose their parent become children of this process."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children(pid: int) -> list[int]:
    """Return the children of a process, as far as they are there now."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass  # gone meanwhile
    return found


def descendants(pid: int) -> list[int]:
    """Return all processes below one, as far as they are there now."""
    found = children(pid)
    for child in found:  # which grows meanwhile
        found += children(child)
    return found


def _stop(signum: int, frame: object) -> None:
    raise Stopped


def _say(text: str) -> None:
    os.write(2, f"{text}\n".encode("utf-8", "surrogateescape"))


def _read(limits: str) -> dict[str, int]:
    pairs = [pair.split("=") for pair in limits.split(",") if pair]
    return {name: int(value) for name, value in pairs}


def _run(limits: dict[str, int], directory: str, command: list[str]) -> int:
    child = os.fork()
    if child == 0:
        try:
            _become(limits, directory, command)
        except OSError as error:
            _say(f"cannot run {command[0]}: {error.strerror}")
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)
        finally:
            os._exit(126)
    os.closerange(0, 2)  # else nobody would see that the program closed its ends
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _become(limits: dict[str, int], directory: str, command: list[str]) -> None:
    """Become the program."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores the last two
        signal.signal(number, signal.SIG_DFL)
    try:
        with open("/proc/self/oom_score_adj", "wb") as file:
            file.write(_WORST)
    except OSError:
        pass  # a kernel that does not let us
    os.chdir(directory)
    os.umask(0o077)
    environment = os.environ | {"HOME": directory, "TMPDIR": directory, "PWD": directory}
    for kind, soft, hard in _limits(limits):
        resource.setrlimit(kind, (soft, hard))
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is what is wanted


def _limits(limits: dict[str, int]) -> list[tuple[int, int, int]]:
    """Give each limit as kind, soft and hard value."""
    found = [(resource.RLIMIT_CORE, 0, 0), (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES)]
    if cpu := limits.get("cpu"):
        found.append((resource.RLIMIT_CPU, cpu, cpu + 1))  # SIGXCPU, then SIGKILL
    kinds = {"files": resource.RLIMIT_FSIZE, "processes": resource.RLIMIT_NPROC, "memory": resource.RLIMIT_AS}
    return found + [(kind, limits[name], limits[name]) for name, kind in kinds.items() if limits.get(name)]


def end_all(below: Callable[[int], list[int]], spare: frozenset[int] = frozenset()) -> bool:
    """
    Kill processes again and again, for one of them may just have forked, and reap them.

    Args:
        below: Gives the processes below a process: children or descendants.
        spare: Those to leave alone.

    Returns:
        False when some are still there after PATIENCE_S.
    """
    deadline = time.monotonic() + PATIENCE_S
    while pids := [pid for pid in below(os.getpid()) if pid not in spare]:
        if time.monotonic() > deadline:
            return False
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)
            except (ProcessLookupError, ChildProcessError):
                pass  # reaped, or below a child that is not yet
        time.sleep(0.001)
    return True


def _remove(directory: str) -> None:
    """Remove the directory, whatever the program has made in it; rm knows trees that are deep or locked."""
    try:
        os.rmdir(directory)  # mostly it is empty, and this is quick
    except OSError:
        for words in (["chmod", "-R", "u+rwX", directory], ["rm", "-rf", directory]):
            os.waitpid(os.posix_spawnp(words[0], words, {"PATH": os.defpath}), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
