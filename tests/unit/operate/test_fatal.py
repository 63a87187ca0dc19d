"""gateway/operate/fatal.py: the listener that ends the container."""

import io
import os
import signal

from gateway.operate.fatal import listen, read_event

PAYLOAD = "processname:filter-00 groupname:filter from_state:BACKOFF"


def event(name: str, payload: str = PAYLOAD) -> str:
    """Write an event as supervisord does."""
    return (
        f"ver:3.0 server:supervisor serial:21 pool:fatal poolserial:10 eventname:{name} len:{len(payload)}\n{payload}"
    )


def test_read_event_gives_its_name_and_payload_and_no_more():
    """The payload is taken by its length, so that the next event starts where it should."""
    stream = io.StringIO(event("PROCESS_STATE_FATAL") + event("TICK_5", "when:1"))
    name, payload = read_event(stream)
    assert (name, payload["processname"]) == ("PROCESS_STATE_FATAL", "filter-00")
    assert read_event(stream) == ("TICK_5", {"when": "1"})
    assert read_event(stream) is None


def test_listen_fatal_worker_ends_supervisord(monkeypatch):
    """The first FATAL sends SIGTERM and is acknowledged; other events are only acknowledged."""
    sent = []
    monkeypatch.setattr(os, "kill", lambda *arguments: sent.append(arguments))
    replies, log = io.StringIO(), io.StringIO()
    listen(io.StringIO(event("TICK_5", "when:1") + event("PROCESS_STATE_FATAL")), replies, log, 4711)
    assert sent == [(4711, signal.SIGTERM)]
    assert replies.getvalue() == "READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n"
    assert log.getvalue() == "filter-00 cannot be started: ending the container\n"
