"""The changes of Postfix, and the form in which messages go in."""

from __future__ import annotations

import pytest

from tests.corpus.changes import KINDS, changed
from tests.corpus.made import CHANGED, SAME, made
from tests.corpus.messages import wire_form


@pytest.mark.parametrize("name", list(SAME))
def test_what_arrives_as_it_is_needs_no_change(name):
    """Else a change that does not happen would be excused."""
    assert changed(SAME[name]) == (SAME[name], [])


@pytest.mark.parametrize("name", list(CHANGED))
def test_changed_messages_are_what_they_were_seen_to_become(name):
    """The octets were written down from a gate, not from changes.py."""
    content, arrives = CHANGED[name]
    assert changed(content)[0] == arrives


def test_each_kind_is_shown_by_a_made_message():
    """A kind that no message shows might have gone from Postfix without anybody noticing."""
    assert {kind for content, _ in CHANGED.values() for kind in changed(content)[1]} == set(KINDS)


@pytest.mark.parametrize("name", list(CHANGED))
def test_gate_2_has_nothing_left_to_change(name):
    """What gate 1 made of a message is regular."""
    once = changed(CHANGED[name][0])[0]
    assert changed(once) == (once, [])


def test_made_messages_have_an_end_each():
    """They arrive or are refused, and their names tell them apart."""
    assert all((message.arrives is None) == bool(message.refused) for message in made())
    assert len({message.name for message in made()}) == len(made())


@pytest.mark.parametrize(
    ("octets", "wire"),
    [
        (b"", b""),
        (b"a", b"a\r\n"),
        (b"a\rb\nc\r\nd\n\r", b"a\r\nb\r\nc\r\nd\r\n\r\n"),
        (b"From x\na: b\n", b"a: b\r\n"),
        (b"From x\r\nFrom y\r\n", b"From y\r\n"),
        (b"From x", b""),
        (b">From x\n", b">From x\r\n"),
        (b"From: x\n", b"From: x\r\n"),
    ],
)
def test_wire_form(octets, wire):
    """Line ends are CRLF, the last line has one, and the line an mbox begins with is off."""
    assert wire_form(octets) == wire
