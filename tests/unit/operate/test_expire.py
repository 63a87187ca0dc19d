"""Once an hour, what is too old is deleted."""

import io
import time

from gateway.operate.expire import main

from .test_quarantine import Held

TICK = "ver:3.0 server:supervisor serial:1 pool:expire poolserial:1 eventname:TICK_3600 len:15\nwhen:1201063880"


def tick(held):
    """Let one event come; give what was replied and logged."""
    replies, log = io.StringIO(), io.StringIO()
    main(io.StringIO(TICK), replies, log, held.settings)
    assert replies.getvalue() == "READY\nRESULT 2\nOKREADY\n"
    return log.getvalue()


def test_old_message_is_deleted(tmp_path):
    """By the retention of the settings; one line says how many."""
    held = Held(tmp_path)
    assert tick(held) == ""
    for id_ in held.ids:
        path = held.root / id_ / "held.json"
        path.write_text(path.read_text().replace('"held_at": ', '"held_at": -'))
    (held.root / "index.sqlite").unlink()
    assert tick(held) == "quarantine: 2 messages deleted\n"
    assert held.store.records() == []


def test_no_quarantine_is_no_error(tmp_path):
    """Where no policy has checks."""
    held = Held(tmp_path)
    held.write(9, quarantine="")
    assert tick(held) == ""


def test_failure_is_logged_and_not_the_end(tmp_path):
    """The next hour comes."""
    held = Held(tmp_path)
    held.write(9, quarantine=tmp_path / f"gone-{time.time_ns()}")
    assert tick(held).startswith("quarantine: quarantine: [Errno 2] No such file or directory")
    held.settings.write_text("")
    assert tick(held) == "quarantine: nothing was expired: 'quarantine'\n"
