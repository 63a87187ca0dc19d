"""People who read their mail: IMAP by the library that Python has, ManageSieve by hand."""

from __future__ import annotations

import base64
import imaplib
import re
import socket
import ssl

PASSWORD = "a long secret"  # of everybody in secrets/passwords


def context() -> ssl.SSLContext:
    """Give a context that takes any certificate: these have nobody who signed them."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


class Imap:
    """A session of one user."""

    def __init__(self, server: str, user: str, password: str = PASSWORD) -> None:
        """Log in over TLS; imaplib.IMAP4.error where that is refused."""
        host, _, port = server.rpartition(":")
        self._imap = imaplib.IMAP4_SSL(host, int(port), ssl_context=context(), timeout=30)
        try:
            self._imap.login(user, password)
        except imaplib.IMAP4.error:
            self._imap.shutdown()
            raise

    def __enter__(self) -> Imap:
        return self

    def __exit__(self, *_error: object) -> None:
        self._imap.logout()

    def folders(self) -> list[str]:
        """List the folders."""
        _status, lines = self._imap.list()
        return sorted(
            re.sub(rb'.* "/" "?([^"]*)"?$', rb"\1", line).decode() for line in lines if isinstance(line, bytes)
        )

    def messages(self, folder: str = "INBOX") -> list[bytes]:
        """Fetch all messages of a folder, as they are, without marking them as seen; none if there is no folder."""
        status, number = self._imap.select(f'"{folder}"', readonly=True)
        if status != "OK" or number == [b"0"]:
            return []
        _status, found = self._imap.fetch("1:*", "(BODY.PEEK[])")
        return [part[1] for part in found if isinstance(part, tuple)]

    def has(self, token: str, folder: str = "INBOX") -> int:
        """Count the messages with a token."""
        return sum(f"X-Token: {token}".encode() in message for message in self.messages(folder))

    def see(self, folder: str = "INBOX") -> None:
        """Look at all messages, as a client does when it opens them."""
        self._imap.select(f'"{folder}"')
        self._imap.store("1:*", "+FLAGS", r"(\Seen)")

    def quota(self) -> str:
        """Give what the server says of the quota of the inbox."""
        return str(self._imap.getquotaroot("INBOX")[1])


class ManageSieve:
    """A session of RFC 5804."""

    def __init__(self, server: str) -> None:
        """Connect, without TLS yet."""
        host, _, port = server.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=30)
        self._file = self._socket.makefile("rb")
        self.greeting = self.reply()

    def __enter__(self) -> ManageSieve:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._socket.close()

    def reply(self) -> list[str]:
        """Read lines up to OK, NO or BYE, which is the last."""
        lines: list[str] = []
        while not lines or not re.match(r"(OK|NO|BYE)\b", lines[-1]):
            octets = self._file.readline()
            assert octets, f"connection closed after {lines}"
            literal = re.search(rb"\{(\d+)\}\r\n$", octets)
            if literal:
                octets = octets[: literal.start()] + self._file.read(int(literal[1])) + self._file.readline()
            lines.append(octets.decode().rstrip("\r\n"))
        return lines

    def ask(self, command: str) -> list[str]:
        """Send a command; give the reply."""
        self._socket.sendall(command.encode() + b"\r\n")
        return self.reply()

    def starttls(self) -> list[str]:
        """Go on over TLS; give the new greeting."""
        assert self.ask("STARTTLS")[-1].startswith("OK")
        self._file.close()
        self._socket = context().wrap_socket(self._socket)
        self._file = self._socket.makefile("rb")
        return self.reply()

    def login(self, user: str, password: str = PASSWORD) -> str:
        """Log in; give the last line of the reply."""
        secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.ask(f'AUTHENTICATE "PLAIN" "{secret}"')[-1]

    def put(self, name: str, script: str) -> str:
        """Store a script; give the last line of the reply."""
        return self.ask(f'PUTSCRIPT "{name}" {{{len(script.encode())}+}}\r\n{script}')[-1]
