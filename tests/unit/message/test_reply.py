"""Replies are well formed whatever gate 2 said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.reply import MAX_LINE, MAX_LINES, OWN_FAULT, Reply, own_fault


def test_wire_one_line_is_code_and_text():
    """A plain reply goes out as it reads."""
    assert Reply.of("250 2.1.0 Ok").wire() == b"250 2.1.0 Ok\r\n"


def test_wire_several_lines_repeat_the_code():
    """Each line but the last has a hyphen."""
    assert Reply.of("250 localhost\nDSN\nSIZE 1").wire() == b"250-localhost\r\n250-DSN\r\n250 SIZE 1\r\n"


def test_wire_hostile_text_is_made_printable():
    """No octet of gate 2's text can end a line."""
    assert Reply(550, (b"no\r\n250 ok\0\x1b[2J\xff",)).wire() == b"550 no??250 ok??[2J?\r\n"


@given(st.integers(200, 599), st.lists(st.binary(max_size=2000), min_size=1, max_size=150))
def test_wire_any_lines_give_one_reply_of_that_class(code, lines):
    """Class and form survive any text."""
    wire = Reply(code, tuple(lines)).wire()
    out = wire.split(b"\r\n")
    assert out.pop() == b""
    assert 1 <= len(out) <= MAX_LINES
    assert all(len(line) + 2 <= MAX_LINE and line.startswith(b"%d" % code) for line in out)
    assert [line[3:4] for line in out] == [b"-"] * (len(out) - 1) + [b" "]


@pytest.mark.parametrize(("code", "relayed"), [(421, 451), (450, 450), (550, 550), (250, 250)])
def test_relayed_421_becomes_451(code, relayed):
    """Gate 2's closing is not ours."""
    assert Reply(code, (b"text",)).relayed() == Reply(relayed, (b"text",))


def test_own_fault_carries_the_mark():
    """The healthcheck can tell our faults from gate 2's."""
    reply = own_fault(451, "4.4.1", "next hop cannot be reached")
    assert reply.wire() == b"451 4.4.1 yard: next hop cannot be reached\r\n"
    assert OWN_FAULT in reply.text
    assert reply.severity == 4
