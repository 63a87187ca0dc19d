"""
The protocol of supervisor's event listeners: READY, an event, RESULT, for as long as supervisord lives.

Standard library only, so that listeners work where the rest of the package does not even import.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

type Event = tuple[str, dict[str, str]]  # its name, and its payload's tokens


def read_event(stream: TextIO) -> Event | None:
    """
    Read one event: a line of key:value tokens, then a payload of the length given there.

    Returns:
        The event; None at the end of the stream.

    Source: supervisor's manual, "Event Listener Notification Protocol".
    """
    line = stream.readline()
    if not line:
        return None
    header = _tokens(line)
    payload = stream.read(int(header["len"]))
    return header["eventname"], _tokens(payload)


def listen(events: TextIO, replies: TextIO, answer: Callable[[str, dict[str, str]], None]) -> None:
    """Call *answer* with each event, and acknowledge it afterwards, until their stream ends."""
    while True:
        replies.write("READY\n")
        replies.flush()
        event = read_event(events)
        if event is None:
            return
        answer(*event)
        replies.write("RESULT 2\nOK")
        replies.flush()


def _tokens(text: str) -> dict[str, str]:
    return dict(token.split(":", 1) for token in text.split() if ":" in token)
