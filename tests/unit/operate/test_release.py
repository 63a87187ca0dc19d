"""Released is what was held, to whom it was for, once."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.message.edit import Splice
from gateway.operate.release import release
from gateway.quarantine.record import BadRecord
from gateway.quarantine.store import NotHeld, Quarantine
from tests.unit.hop import until
from tests.unit.quarantine.messages import CONTENT, VERDICT, mail

TIMEOUTS = Timeouts(connect_s=5, reply_s=5, commit_s=5)
PATIENCE_S = 60  # for a process that starts in one second where nothing else runs
RELEASE = """
import asyncio, json, pathlib, sys
from gateway.forward.connection import Timeouts
from gateway.forward.pool import Pool
from gateway.operate.release import release
from gateway.quarantine.store import Quarantine
async def main(root, port, id_):
    pool = Pool([("127.0.0.1", int(port))], "filter.test", Timeouts(60, 60, 60))
    released = await release(Quarantine(pathlib.Path(root), 10**6), pool, id_)
    print(json.dumps([list(released.sent), list(released.before)]))
asyncio.run(main(*sys.argv[1:]))
"""


def waits_for_a_lock(pid):
    """Tell whether a process waits for somebody's flock."""
    return re.search(rf"-> FLOCK .* {pid} ", Path("/proc/locks").read_text()) is not None


@pytest.fixture
async def held(tmp_path):
    """Give a quarantine with one message, and its id."""
    quarantine = Quarantine(tmp_path, 10**6)
    return quarantine, await quarantine.hold(mail(), VERDICT)


@pytest.fixture
async def pool(sink):
    """Give the way to gate 2."""
    made = Pool([("127.0.0.1", sink.port)], "filter.test", TIMEOUTS)
    yield made
    made.close()


async def test_message_leaves_as_it_came(held, pool, sink):
    """With its envelope, the parameters too, and the client it came from."""
    quarantine, id_ = held
    released = await release(quarantine, pool, id_)
    assert released.sent == dict.fromkeys(("b@y.test", "c@y.test"), "250 2.0.0 Ok: queued as 4ABCdefGHI")
    assert sink.messages == [CONTENT.replace(b"\r\n.dot", b"\r\n..dot")]
    assert sink.commands[-4:] == [
        b"MAIL FROM:<\xc3\xa4\xff@x.test> SIZE=60 SMTPUTF8",
        b"RCPT TO:<b@y.test> NOTIFY=NEVER",
        b"RCPT TO:<c@y.test>",
        b"DATA",
    ]
    assert b"XFORWARD NAME=far.test ADDR=192.0.2.7 PORT=[UNAVAILABLE]" in sink.commands
    assert quarantine.released(id_) == released.sent


async def test_message_leaves_with_the_edits_it_would_have_left_with(tmp_path, pool, sink):
    """What a stranger forged is gone; what is kept is as it came."""
    quarantine = Quarantine(tmp_path, 10**6)
    forged = b"Authentication-Results: mx.test; dmarc=pass\r\n"
    edits = [Splice(0, len(forged), b""), Splice(0, 0, b"Authentication-Results: mx.test; dmarc=fail\r\n")]
    id_ = await quarantine.hold(mail(forged + CONTENT), VERDICT, edits)
    await release(quarantine, pool, id_)
    assert sink.messages == [edits[1].octets + CONTENT.replace(b"\r\n.dot", b"\r\n..dot")]
    assert quarantine.content(id_) == forged + CONTENT


async def test_damaged_content_is_not_released(held, pool, sink, tmp_path):
    """Edits of other octets would make another message of it."""
    quarantine, id_ = held
    (tmp_path / id_ / "content").write_bytes(CONTENT[:-1])
    with pytest.raises(BadRecord, match=f"content has {len(CONTENT) - 1} octets; expected {len(CONTENT)}"):
        await release(quarantine, pool, id_)
    assert sink.messages == []


async def test_second_release_sends_nothing(held, pool, sink):
    """Whoever has it does not get it again."""
    quarantine, id_ = held
    first = await release(quarantine, pool, id_)
    second = await release(quarantine, pool, id_)
    assert (second.sent, second.before, second.refused) == ({}, first.sent, {})
    assert len(sink.messages) == 1


async def test_two_releases_at_once_send_once(held, sink, tmp_path):
    """Of two processes the second waits for the first, and finds that everybody has it."""
    _, id_ = held
    asked, go_on = sink.hold(b".")

    async def start():
        words = (sys.executable, "-c", RELEASE, str(tmp_path), str(sink.port), id_)
        return await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)

    first = await start()
    await asyncio.wait_for(asked.wait(), PATIENCE_S)
    second = await start()
    await until(lambda: waits_for_a_lock(second.pid) or len(sink.connections) > 1, PATIENCE_S)
    go_on.set()
    assert json.loads((await first.communicate())[0]) == [["b@y.test", "c@y.test"], []]
    assert json.loads((await second.communicate())[0]) == [[], ["b@y.test", "c@y.test"]]
    assert len(sink.messages) == 1


async def test_refused_recipient_is_tried_again(held, pool, sink):
    """One of two was refused: the next release is for that one alone."""
    quarantine, id_ = held

    async def answer(_received, line):
        return b"450 4.2.0 Later\r\n" if b"c@y" in line else b"250 2.1.5 Ok\r\n"

    sink.replies[b"RCPT"] = answer
    first = await release(quarantine, pool, id_)
    assert (list(first.sent), first.refused) == (["b@y.test"], {"c@y.test": "450 4.2.0 Later"})
    sink.replies[b"RCPT"] = b"250 2.1.5 Ok\r\n"
    second = await release(quarantine, pool, id_)
    assert (list(second.sent), list(second.before), second.refused) == (["c@y.test"], ["b@y.test"], {})
    assert sink.commands.count(b"RCPT TO:<b@y.test> NOTIFY=NEVER") == 1


@pytest.mark.parametrize(
    ("verb", "reply"), [(b"MAIL", "451 4.3.0 No"), (b"DATA", "451 4.3.0 No"), (b".", "554 5.7.1 No")]
)
async def test_refused_message_stays_held(held, pool, sink, verb, reply):
    """Whatever gate 2 refuses, it can be released later."""
    quarantine, id_ = held
    sink.replies[verb] = reply.encode() + b"\r\n"
    if verb == b"MAIL":
        sink.replies |= dict.fromkeys((b"RCPT", b"DATA"), b"503 5.5.1 Error: need MAIL command\r\n")
    released = await release(quarantine, pool, id_)
    assert (released.sent, released.refused) == ({}, dict.fromkeys(("b@y.test", "c@y.test"), reply))
    assert quarantine.released(id_) == {}


async def test_gate_2_that_is_down_is_said(held, sink):
    """A deferral is no traceback."""
    quarantine, id_ = held
    await sink.stop()
    released = await release(quarantine, Pool([("127.0.0.1", sink.port)], "filter.test", TIMEOUTS), id_)
    assert set(released.refused.values()) == {"451 4.4.1 yard: next hop cannot be reached"}


async def test_unknown_id_is_not_held(held, pool):
    """Nothing is sent for it."""
    with pytest.raises(NotHeld):
        await release(held[0], pool, "0" * 16)
