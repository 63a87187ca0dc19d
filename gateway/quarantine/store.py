"""
The quarantine: one directory for each message that is held.

    <root>/<id>/content       octets as they came, CRLF line ends, no dot-stuffing
    <root>/<id>/held.json     envelope, client, findings, policy, and when

A message is written to a directory whose name begins with a dot, fsynced, and renamed: it is there whole or not at
all, and the 250 to gate 1 comes after the fsync of the directory above.
"""

from pathlib import Path

from gateway.message.mail import MailObject
from gateway.message.verdict import Verdict


class Quarantine:
    """Hold messages below a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def hold(self, mail: MailObject, verdict: Verdict) -> str:
        """
        Keep a message, on disk when this returns.

        Returns:
            Its id, letters and digits.

        Raises:
            Deferral: the disk is full or fails.
        """
        raise NotImplementedError
