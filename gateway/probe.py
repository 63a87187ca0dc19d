"""
The filter's healthcheck: find out whether a transaction gets through to gate 2.

    python -m gateway.probe [--banner-only] [--timeout SECONDS] HOST:PORT

It goes as far as gate 2's answer to RCPT and sends no message.  What it looks for is a filter that is stuck or
broken: no answer in time, or one that tells of an internal error (message.reply.OWN_FAULT).  Any answer of gate 2's
will do, a refusal as well, and so will the filter's own word that gate 2 cannot be reached.  For that is not the
filter's fault, gate 2's healthcheck tells it, and whoever restarts or takes back what is unwell (`make apply` does)
would do so to the wrong part.  With --banner-only the banner and an answer to EHLO are enough.

Exit code: 0 well, 1 not; one line says why.
"""

import argparse
import re
import socket
import sys
import time
from collections.abc import Sequence

from gateway.message.envelope import PROBE_RECIPIENT
from gateway.message.reply import OWN_FAULT

_NOT_REACHED = re.compile(rb"451 4\.4\.[12] " + OWN_FAULT)  # as forward.delivery says it


class Unwell(Exception):  # noqa: N818 - what the probe finds, no error of its own
    """The probe failed, for the reason given."""


class _Dialogue:
    """A few commands and replies, all before one deadline."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._octets = b""

    def reply(self) -> bytes:
        """Read one reply; give its last line."""
        while True:
            line = self._line()
            if len(line) < 3 or not line[:3].isdigit():
                raise Unwell(f"no SMTP reply: {line[:80]!r}")
            if line[3:4] != b"-":
                return line

    def ask(self, command: bytes) -> bytes:
        """Send a command; give the last line of its reply."""
        self._socket.sendall(command + b"\r\n")
        return self.reply()

    def close(self) -> None:
        """Close without further words."""
        self._socket.close()

    def _line(self) -> bytes:
        while b"\r\n" not in self._octets:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(left_s)
            data = self._socket.recv(4096)
            if not data:
                raise Unwell("connection closed")
            self._octets += data
        line, _, self._octets = self._octets.partition(b"\r\n")
        return line


def probe(host: str, port: int, *, banner_only: bool, timeout_s: float) -> str:
    """
    Ask the filter, and through it gate 2.

    Args:
        host: Name or address of the filter.
        port: Its port.
        banner_only: Stop after EHLO.
        timeout_s: Seconds for all of it.

    Returns:
        A line that says what answered.

    Raises:
        Unwell: an answer shows a fault.
        OSError: no connection, or no answer in time.
    """
    dialogue = _Dialogue(host, port, timeout_s)
    try:
        _expect(b"220", dialogue.reply())
        _expect(b"250", dialogue.ask(b"EHLO probe.invalid"))
        if banner_only:
            dialogue.ask(b"QUIT")
            return "ok: the filter answers"
        answer = dialogue.ask(b"MAIL FROM:<>")
        if answer.startswith(b"250"):
            answer = dialogue.ask(b"RCPT TO:<" + PROBE_RECIPIENT + b">")
        text = answer.decode("ascii", "replace")
        without_gate_2 = _NOT_REACHED.match(answer) is not None
        if answer.startswith(b"421") or (OWN_FAULT in answer and not without_gate_2):
            raise Unwell(f"the filter answers {text}")
        dialogue.ask(b"RSET")
        dialogue.ask(b"QUIT")
        return f"ok, but without gate 2: {text}" if without_gate_2 else f"ok: gate 2 answers {text}"
    finally:
        dialogue.close()


def _expect(code: bytes, answer: bytes) -> None:
    if not answer.startswith(code):
        raise Unwell(f"expected {code.decode('ascii')}, got {answer.decode('ascii', 'replace')}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the healthcheck; see the top of this file for arguments and exit code."""
    parser = argparse.ArgumentParser(prog="python -m gateway.probe", description="Probe the filter.")
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--banner-only", action="store_true", help="do not ask for gate 2")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="for all of it (10)")
    arguments = parser.parse_args(argv)
    host, _, port = arguments.address.rpartition(":")
    if not host or not port.isdigit():
        parser.error("HOST:PORT expected")
    try:
        line = probe(host.strip("[]"), int(port), banner_only=arguments.banner_only, timeout_s=arguments.timeout)
    except (Unwell, OSError) as error:
        sys.stdout.write(f"unwell: {error}\n")
        return 1
    sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
