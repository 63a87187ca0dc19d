"""
A client for tests that speaks SMTP as it is told to, well or badly, in many sessions at once.

    talker.py < JSON

The JSON has server ("address:port"), parallel (sessions at once), tls (from the first octet, whatever certificate is
shown), and dialogues: lists of steps.  A step is
{"line": text}: send it with CRLF and wait for a reply; {"octets": base64}: send them and wait for nothing;
{"wait": true}: wait for a reply; {"fin": true}: close our half of the connection; {"reset": true}: break it by RST;
{"lull": true}: send nothing for 3 ms, so that what follows is read apart from what was sent; {"tls": true}: begin TLS,
as after STARTTLS.
A dialogue that begins with a line waits for the greeting first.  After the last step our half is closed, unless that is
within TLS, where the server has to have been told QUIT, and the rest of the replies read.
For each dialogue a line of JSON comes out, in their order: the list of replies, each as text with its lines joined by
newlines, and last "closed", or what broke the connection.  Only the standard library: it runs in the tools image.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE_S = 30  # for one reply
LULL_S = 0.003


class Talker:
    """One session."""

    def __init__(self, server: str, *, tls: bool) -> None:
        host, _, port = server.rpartition(":")
        self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a segment for each step
        self._input = self._socket.makefile("rb")
        self.replies: list[str] = []
        if tls:
            self._begin_tls()

    def _begin_tls(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)
        self._input = self._socket.makefile("rb")

    def read(self) -> bool:
        """Read a reply; False where the server has closed."""
        lines = []
        while line := self._input.readline():
            lines.append(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        if lines:
            self.replies.append("\n".join(lines))
        return bool(lines)

    def take(self, step: dict) -> None:
        """Do what a step says."""
        if "line" in step:
            self._socket.sendall(step["line"].encode("utf-8", "surrogateescape") + b"\r\n")
            self.read()
        elif "octets" in step:
            self._socket.sendall(base64.b64decode(step["octets"]))
        elif "wait" in step:
            self.read()
        elif "lull" in step:
            time.sleep(LULL_S)
        elif "tls" in step:
            self._begin_tls()
        elif "reset" in step:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._input.close()
            self._socket.close()
            raise ConnectionAbortedError("reset by us")
        else:
            self._socket.shutdown(socket.SHUT_WR)

    def finish(self) -> None:
        """Close our half; read what else the server says."""
        if not isinstance(self._socket, ssl.SSLSocket):  # one that is shut down would go on in plain text
            with contextlib.suppress(OSError):  # closed already, by either side
                self._socket.shutdown(socket.SHUT_WR)
        while self.read():
            pass
        self._socket.close()


def talk(server: str, steps: list[dict], *, tls: bool) -> list[str]:
    """Hold one dialogue; return the replies and how it ended."""
    try:
        talker = Talker(server, tls=tls)
    except OSError as error:
        return [str(error)]
    try:
        if "line" in steps[0]:
            talker.read()
        for step in steps:
            talker.take(step)
        talker.finish()
    except OSError as error:
        return [*talker.replies, str(error)]
    return [*talker.replies, "closed"]


def main() -> None:
    """Hold them all."""
    task = json.load(sys.stdin)
    with ThreadPoolExecutor(task["parallel"]) as pool:
        for replies in pool.map(lambda steps: talk(task["server"], steps, tls=task["tls"]), task["dialogues"]):
            print(json.dumps(replies), flush=True)


if __name__ == "__main__":
    main()
