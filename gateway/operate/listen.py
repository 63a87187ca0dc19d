"""
Make the workers' listening socket, and become supervisord.

    python -m gateway.operate.listen SUPERVISORD.CONF

supervisor's own way, [fcgi-program], closes the socket when it changes the group of workers, and when the last of them
ends: connections are refused, and gate 1 defers what it has.  This socket is older than supervisord and than any
worker.  Whatever becomes of those, a connection waits in its backlog until one accepts it.

Its descriptor is [listen] fd, at or above [supervisord] minfds: supervisord closes all below in what it starts
(process.py, _prepare_child_fds).  A worker's command makes it fd 0, as spawn(8) would pass a connection.

Exit codes: 1 the address cannot be bound; otherwise supervisord's own.
"""

from __future__ import annotations

import os
import socket
import sys
from configparser import RawConfigParser
from pathlib import Path


def make_socket(supervisord_conf: Path) -> int:
    """
    Bind and listen as section [listen] says.

    Returns:
        The descriptor, which outlives exec.

    Raises:
        OSError: the address cannot be bound.
    """
    parser = RawConfigParser()
    parser.read_string(supervisord_conf.read_text("utf-8"))
    section = parser["listen"]
    host, _, port = section["socket"].removeprefix("tcp://").rpartition(":")
    with socket.create_server((host, int(port)), backlog=int(section["backlog"])) as listener:
        return os.dup2(listener.fileno(), int(section["fd"]), inheritable=True)


def main(supervisord_conf: str) -> None:
    """Make the socket and exec supervisord, in the same process."""
    try:
        make_socket(Path(supervisord_conf))
    except OSError as error:
        sys.exit(f"listen: {supervisord_conf}: [listen] socket: {error}")
    os.execvp("supervisord", ["supervisord", "-n", "-c", supervisord_conf])  # noqa: S606, S607 - no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
