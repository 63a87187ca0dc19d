"""Both forms of a log line."""

import json
import logging
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.reply import Reply
from gateway.trace import logs
from gateway.trace.line import Line
from gateway.trace.pipe import MAX_LINE


def record(message, *arguments, fields=None, exc_info=None):
    """Make a record as the logger would."""
    made = logging.LogRecord("gateway.x", logging.INFO, __file__, 1, message, arguments, exc_info)
    made.created, made.msecs = 1_700_000_000.25, 250.0
    if fields is not None:
        made.fields = fields
    return made


FIELDS = {"pre": b"4a", "post": b"", "to": [b"<a@x>", b"<\n@x>"], "none": [], "octets": 5, "ms": {"wait": 0, "end": 3}}


def test_human_line_is_message_and_fields():
    """Empty values show as a hyphen."""
    line = logs.HumanFormatter().format(record("transaction", fields=FIELDS))
    assert line == (
        '2023-11-14T22:13:20.250Z INFO transaction pre=4a post=- to="<a@x> <\\n@x>" none=- octets=5 ms=wait:0,end:3'
    )


def test_json_line_is_one_object():
    """Values keep their types."""
    line = logs.JsonFormatter().format(record("said %s", b"\xff", fields=FIELDS))
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "message": "said b'\\xff'",
        "pre": "4a",
        "post": "",
        "to": ["<a@x>", "<\\n@x>"],
        "none": [],
        "octets": 5,
        "ms": {"wait": 0, "end": 3},
    }


@pytest.mark.parametrize("formatter", [logs.HumanFormatter(), logs.JsonFormatter()])
def test_traceback_stays_on_the_line(formatter):
    """Also when the exception text tries to leave it."""
    try:
        raise RuntimeError("a\nb\x1b")
    except RuntimeError:
        line = formatter.format(record("failed\n", exc_info=sys.exc_info()))
    assert "RuntimeError" in line
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.parametrize("formatter", [logs.HumanFormatter(), logs.JsonFormatter()])
@pytest.mark.parametrize("octet", [b"x", b'"', b"\\", b"\0"])
def test_line_too_long_is_cut_value_by_value(formatter, octet):
    """It fits into a pipe in one piece, all its keys are there, and the short values whole."""
    long = octet * 16_000
    line = formatter.format(record("said %s", long, fields=FIELDS | {"from": long, "to": [long] * 5, "reply": long}))
    assert len(line) < MAX_LINE
    assert "4a" in line
    if isinstance(formatter, logs.JsonFormatter):
        assert json.loads(line)["ms"] == {"wait": 0, "end": 3}
    else:
        assert " octets=5 ms=wait:0,end:3 from=" in line


def test_set_up_writes_to_stdout_from_the_level_on(capsys):
    """Nothing below it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.set_up("json", "warning")
        logging.getLogger("gateway.x").info("quiet")
        logging.getLogger("gateway.x").warning("loud")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.raiseExceptions = True
    assert json.loads(capsys.readouterr().out)["message"] == "loud"


@given(
    st.tuples(st.binary(), st.binary(), st.binary(min_size=1), st.binary(), st.binary(), st.text()),
    st.sampled_from([250, 451, 550]),
)
def test_line_of_any_transaction_is_one_printable_line(octets, code):
    """Whatever peers put into addresses, client and replies: no line is forged, no terminal driven."""
    path, recipient, client, queue_id, reply, cause = octets
    envelope = Envelope(ReversePath(path), [Recipient(recipient)], [(Recipient(path), Reply(code, (reply,)))])
    told = Client({"NAME": client, "ADDR": client, "IDENT": queue_id})
    line = Line(0)
    line.end("", cause, Reply(code, (reply,)))
    found: list[logging.LogRecord] = []
    log = logging.getLogger("gateway.transaction")
    log.addFilter(found.append)
    log.setLevel(logging.DEBUG)
    try:
        line.write(SimpleNamespace(client=told, envelope=envelope, policy="p", octets=1, stray_line_ends=1))
    finally:
        log.removeFilter(found.append)
        log.setLevel(logging.NOTSET)
    for formatter in (logs.HumanFormatter(), logs.JsonFormatter()):
        text = formatter.format(found[0])
        assert text.isascii()
        assert text.isprintable()
    assert json.loads(text).keys() >= {
        *("pre", "post", "client", "from", "to", "recipients", "octets", "verdict", "reply", "ms"),
    }
