"""
What is fuzzed: octets in, an AssertionError or any other exception for a bug.

    framing     where content ends, against a second reading of the rules that looks at everything at once
    dialogue    any octets of gate 1, in any slices, with an honest gate 2
    replies     any octets of gate 2 in place of its replies, with an honest gate 1
    mime        any content as MIME: places that nest, headers and parameters, in any of it

The first octets of an input choose the sizes of the slices.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from gateway.accept.framing import MAX_FEED, DataReader
from gateway.forward.dialogue import ReplyReader
from gateway.message.mime import ANOMALIES, read_mime
from gateway.message.parameters import parse_value

from .memory import Gate2, talk

MAX_INPUT = 4096  # octets; more adds nothing but time
_REPLY = re.compile(rb"(?:(\d{3})-[ -~]*\r\n(?=\1))*\d{3} [ -~]*\r\n")
_PATH = re.compile(rb"(?:MAIL FROM|RCPT TO):<(.*)>(?: .*)?", re.DOTALL)
# Our own, and those of an honest gate 2.
_FOR_GATE_1 = {220, 221, 250, 354, 421, 451, 452, 500, 501, 502, 503, 550, 552, 554, 555}

_loop: asyncio.AbstractEventLoop | None = None


def _slices(data: bytes) -> list[bytes]:
    """Cut what follows the first two octets, which say how."""
    if len(data) < 2:
        return []
    size, more, data = 1 + data[0], data[1], data[2:MAX_INPUT]
    slices = []
    while data and len(slices) < 20:
        slices.append(data[:size])
        data, size = data[size:], 1 + size + more
    return [*slices, data] if data else slices


def _hold(slices: list[bytes], replies: list[bytes]) -> tuple[bytes, list[Gate2]]:
    global _loop  # made once, for that takes longer than a run
    if _loop is None:
        _loop = asyncio.new_event_loop()
    return _loop.run_until_complete(talk(slices, replies))


def _read(slices: list[bytes]) -> tuple[bytes, bytes, int, int, bool]:
    """Give all that a reader makes of slices: wire, rest, octets, strays, and whether the final dot came."""
    reader, wire, rest = DataReader(), b"", b""
    for data in slices:
        if reader.done:
            rest += data
        elif chunk := reader.feed(data):
            assert wire.endswith(b"\r\n") == chunk.at_line_start or not wire
            wire += chunk.wire
        rest += reader.take_rest()
    return wire, rest, reader.octets, reader.stray_line_ends, reader.done


def framing(data: bytes) -> None:
    """Whole, cut as the input says, and octet by octet: the same, and what the rules say."""
    slices = _slices(data)
    whole = b"".join(slices)
    found = _read([whole[i : i + MAX_FEED] for i in range(0, len(whole), MAX_FEED)])
    assert found == _read(slices)
    assert found == _read([whole[i : i + 1] for i in range(len(whole))])
    wire, rest, octets, strays, done = found
    before, end, after = (b"\r\n" + whole).partition(b"\r\n.\r\n")
    assert done == bool(end)
    if not done:
        return
    content = (before + b"\r\n")[2:]
    assert rest == after
    assert wire == re.sub(rb"\r(?!\n)|(?<!\r)\n", b" ", content)
    assert strays == len(re.findall(rb"\r(?!\n)|(?<!\r)\n", content))
    assert octets == len(re.sub(rb"(?m)(\A|\r\n)\.", rb"\1", wire))


def _check_gate_1(answers: bytes) -> list[int]:
    """See that what gate 1 got is well-formed replies; give their codes."""
    replies, codes = ReplyReader(), []
    replies.feed(answers)
    while (reply := replies.next()) is not None:
        codes.append(reply.code)
    assert not replies.pending
    start = 0
    while start < len(answers):
        match = _REPLY.match(answers, start)
        assert match, answers[start : start + 80]
        start = match.end()
    assert all(len(line) <= 510 for line in answers.split(b"\r\n"))
    return codes


def _check_gate_2(gates: list[Gate2], sent: bytes) -> None:
    """See that gate 2 heard nothing that gate 1 has not said."""
    for gate in gates:
        for line in gate.commands:
            assert not re.search(rb"[\r\n\0]", line), line
            verb = re.split(rb"[ :]", line)[0]
            assert verb in (b"XFORWARD", b"MAIL", b"RCPT", b"DATA", b"QUIT"), line
            if verb in (b"MAIL", b"RCPT"):
                match = _PATH.fullmatch(line)
                assert match, line
                assert b"<" + match[1] + b">" in sent, line
        for message in gate.messages:
            assert message.count(b"\r") == message.count(b"\n") == message.count(b"\r\n")


def dialogue(data: bytes) -> None:
    """Whatever gate 1 sends: replies or a close, no bug of ours, and no command or address made up on the way."""
    slices = _slices(data)
    answers, gates = _hold(slices, [])
    codes = _check_gate_1(answers)
    assert codes[0] == 220
    assert set(codes) <= _FOR_GATE_1, codes
    _check_gate_2(gates, b"".join(slices))


_HONEST = [
    b"EHLO strict.policy.invalid\r\n",
    b"XFORWARD NAME=x\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n",
    b"S: 1\r\n\r\n..\r\n.\r\n",
    b"MAIL FROM:<a@x.test>\r\n",
    b"RCPT TO:<b@y.test>\r\n",
    b"DATA\r\n",
    b"S: 2\r\n\r\n.\r\n",
    b"QUIT\r\n",
]


def replies(data: bytes) -> None:
    """Whatever gate 2 answers: one reply for each command, a class for gate 1 to act on, 250 only where it said so."""
    said = data[:MAX_INPUT].split(b"\xff")  # one reply each; an empty one is honest
    answers, gates = _hold(_HONEST, list(said))
    codes = _check_gate_1(answers)
    assert codes[:3] == [220, 250, 250], codes
    assert all(200 <= code < 600 and code // 100 != 1 for code in codes)
    _check_gate_2(gates, b"".join(_HONEST))
    taken = sum(len(gate.messages) for gate in gates)
    assert len(codes) <= 20, codes  # lines of content are commands where there was no 354
    assert codes.count(354) <= 2
    assert taken <= 2


def mime(data: bytes) -> None:
    """Whatever the content: parts whose places nest, and a reading of each parameter that can be told."""
    content = data[:MAX_INPUT]
    found = read_mime(content)
    assert (found.parts[0].start, found.parts[0].stop) == (0, len(content))
    assert {anomaly.kind for anomaly in found.anomalies} <= set(ANOMALIES)
    for index, part in enumerate(found.parts):
        assert part.start <= part.header.stop <= part.body <= part.stop <= len(content)
        place = part.body
        for child in part.children:
            inner = found.parts[child]
            assert (inner.parent, inner.depth) == (index, part.depth + 1)
            assert place <= inner.start <= inner.stop <= part.stop
            place = inner.stop
        place = part.start
        for field in part.header.fields if part.header.complete else ():
            assert (field.start, field.raw) == (place, content[place : field.stop])
            place = field.stop
            _check_value(field.value)


def _check_value(octets: bytes) -> None:
    """See that each parameter is text with one likeliest reading."""
    parsed = parse_value(octets)
    for name in parsed.parameters:
        assert parsed.readings(name)[0] == parsed.parameters[name]
    assert set(parsed.octets) == set(parsed.parameters) >= parsed.extended


TARGETS: dict[str, Callable[[bytes], None]] = {
    "framing": framing,
    "dialogue": dialogue,
    "replies": replies,
    "mime": mime,
}
