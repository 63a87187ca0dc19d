"""
A gate 2 that lies: an SMTP server whose replies are what a hostile one, or one that is out of step, could send.

    liar.py PORT JSON

The JSON maps the local part of a reverse-path to what is answered to some verb of its transaction: [verb, text], the
octets as latin-1, "." for the end of the content.  All else is answered as it should be.  Only the standard library:
it runs in the tools image.
"""

from __future__ import annotations

import json
import re
import socketserver
import sys

ANSWERS = {"EHLO": "250-liar\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 DSN\r\n", "DATA": "354 Go ahead\r\n"}
LIES: dict[str, tuple[str, str]] = {}


class Liar(socketserver.StreamRequestHandler):
    """One session."""

    def handle(self) -> None:
        """Answer each line; a message ends where it should."""
        self.wfile.write(b"220 liar ESMTP\r\n")
        told, within = ("", ""), False
        while line := self.rfile.readline():
            if within and line != b".\r\n":
                continue
            verb = "." if within else line[:4].strip().upper().decode("latin-1")
            if sender := re.match(rb"MAIL FROM:<([^@>]*)", line):
                told = LIES.get(sender[1].decode("latin-1"), ("", ""))
            answer = told[1] if told[0] == verb else ANSWERS.get(verb, "250 2.0.0 Ok\r\n")
            within = verb == "DATA" and answer.startswith("354")
            self.wfile.write(answer.encode("latin-1"))


class Server(socketserver.ThreadingTCPServer):
    """Serves many at once, at a port it may have left a moment ago."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    LIES.update(json.loads(sys.argv[2]))
    with Server(("0.0.0.0", int(sys.argv[1])), Liar) as server:
        server.serve_forever()
