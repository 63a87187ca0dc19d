"""The comparison finds every difference it is there to find."""

from __future__ import annotations

import json

import pytest

from tests.corpus import compare
from tests.corpus.made import Made
from tests.corpus.messages import Message
from tests.corpus.report import complaints

CONTENT = b"Subject: x\r\n\r\nbody\r\n"
POST = (
    b"Received: from %s (%s.reinject [198.18.1.68])\r\n\tby out.mx.test (Postfix) with ESMTP id %s\r\n"
    b"\tfor <m0@hop.test>; Sun, 22 Nov 2026 10:40:%s +0000 (UTC)\r\n"
)
PRE = (
    b"Received: from client.example (c.edge [198.18.1.16])\r\n\tby mx.test (Postfix) with ESMTP id %s\r\n"
    b"\tfor <m0@hop.test>; Sun, 22 Nov 2026 10:40:%s +0000 (UTC)\r\n"
)
OURS = POST % (b"filter.mx.test", b"filter", b"4jXQ", b"22") + PRE % (b"4jXP", b"21")
THEIRS = POST % (b"default.policy.invalid", b"socat", b"4jXS", b"31") + PRE % (b"4jXR", b"30")


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """Return a function that compares one message's two arrivals, None for none."""
    monkeypatch.setattr(compare, "STORE", tmp_path)

    def of(ours, theirs, message=None, **outcome):
        for road, octets in zip(compare.ROADS, (ours, theirs), strict=True):
            (tmp_path / road).mkdir()
            told = {"refused": {}, "missing": [], "twice": [], "others": 0} | outcome
            (tmp_path / road / "outcome.json").write_text(json.dumps(told))
            if octets is not None:
                (tmp_path / road / "0.eml").write_bytes(octets)
        result = compare.compare([message or Message("a/b", CONTENT)])
        return json.loads(json.dumps({"counts": result.counts, "problems": result.problems, "made": result.made}))

    return of


def test_two_equal_arrivals_are_no_problem(compared):
    """Queue ids, dates and the names of who brought it to gate 2 may differ."""
    result = compared(OURS + CONTENT, THEIRS + CONTENT)
    assert complaints(result) == []
    assert result["counts"] == {"a": {"sent": 1, "equal on both roads": 1, "identical": 1}}


@pytest.mark.parametrize("at", range(len(CONTENT)))
def test_one_octet_of_content_is_noticed(compared, at):
    """Wherever it is."""
    other = CONTENT[:at] + bytes([CONTENT[at] ^ 1]) + CONTENT[at + 1 :]
    found = complaints(compared(OURS + other, THEIRS + CONTENT))
    assert any("the roads differ" in line for line in found)
    assert any("unexplained change" in line for line in found)


def test_a_change_on_both_roads_is_noticed(compared):
    """The roads agree, and yet it is not what went in."""
    result = compared(OURS + CONTENT + b"x\r\n", THEIRS + CONTENT + b"x\r\n")
    assert complaints(result) == [
        f"a/b: unexplained change at octet {len(CONTENT)}",
        "a: 1 sent, the end of 0 is known",
    ]


def test_an_explained_change_is_counted_by_kind(compared):
    """That is what the table is made of."""
    message = Message("a/b", b"From x\r\n" + CONTENT)
    result = compared(
        OURS + b"X-Mailbox-Line: From x\r\n" + CONTENT, THEIRS + b"X-Mailbox-Line: From x\r\n" + CONTENT, message
    )
    assert complaints(result) == []
    assert result["counts"]["a"]["From line made X-Mailbox-Line"] == 1


@pytest.mark.parametrize(
    "trace",
    [
        OURS.replace(b"ESMTP", b"SMTP", 1),
        OURS.replace(b"\tfor <m0@hop.test>;", b"\t;", 1),
        OURS + b"Received: from x by y; z\r\n",
        b"X-Filter: was here\r\n" + OURS,
        OURS.replace(b"client.example", b"other.example"),
        OURS.replace(b"out.mx.test", b"mx.test"),
    ],
)
def test_another_trace_header_is_noticed(compared, trace):
    """Nothing of it is passed over but the parts that are named."""
    assert complaints(compared(trace + CONTENT, THEIRS + CONTENT))


@pytest.mark.parametrize("outcome", [{"missing": [0]}, {"twice": [0]}, {"others": 1}, {"refused": {"0": "550 no"}}])
def test_loss_duplicates_and_refusals_are_noticed(compared, outcome):
    """A message has one end, and the right one."""
    assert complaints(compared(OURS + CONTENT, THEIRS + CONTENT, **outcome))


def test_a_message_that_nobody_knows_of_is_noticed(compared):
    """Counts add up."""
    assert complaints(compared(None, None)) == ["a: 1 sent, the end of 0 is known", "a: 1 sent, 0 equal on both roads"]


def test_a_made_message_must_end_as_it_is_made_to(compared):
    """Explained by the rules is not enough."""
    message = Made("made/x", CONTENT, CONTENT + b"x\r\n")
    assert complaints(compared(OURS + CONTENT, THEIRS + CONTENT, message)) == ["made/x: not what was expected of it"]


def test_a_made_message_may_have_to_be_refused(compared):
    """With that reply, on both roads."""
    message = Made("made/x", CONTENT, None, "550 no")
    assert complaints(compared(None, None, message, refused={"0": "550 no"})) == []
