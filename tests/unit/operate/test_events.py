"""gateway/operate/events.py: the protocol of event listeners."""

import io

from gateway.operate.events import listen, read_event


def event(name: str, payload: str) -> str:
    """Write an event as supervisord does."""
    return (
        f"ver:3.0 server:supervisor serial:21 pool:fatal poolserial:10 eventname:{name} len:{len(payload)}\n{payload}"
    )


FATAL = event("PROCESS_STATE_FATAL", "processname:filter-00 groupname:filter-of-2 from_state:BACKOFF")
TICK = event("TICK_5", "when:1")


def test_read_event_gives_its_name_and_payload_and_no_more():
    """The payload is taken by its length, so that the next event starts where it should."""
    stream = io.StringIO(FATAL + TICK)
    name, payload = read_event(stream)
    assert (name, payload["processname"]) == ("PROCESS_STATE_FATAL", "filter-00")
    assert read_event(stream) == ("TICK_5", {"when": "1"})
    assert read_event(stream) is None


def test_listen_acknowledges_each_event_after_its_answer():
    """READY, the answer, RESULT, until the stream ends."""
    replies, seen = io.StringIO(), []
    listen(io.StringIO(TICK + FATAL), replies, lambda name, _: seen.append((name, replies.getvalue())))
    assert seen == [("TICK_5", "READY\n"), ("PROCESS_STATE_FATAL", "READY\nRESULT 2\nOKREADY\n")]
    assert replies.getvalue() == "READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n"
