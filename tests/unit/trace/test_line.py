"""The line of a transaction."""

import logging
from types import SimpleNamespace

import pytest

from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.reply import Reply
from gateway.message.verdict import Action, Finding, Outcome, Verdict
from gateway.trace.line import Line


def subject(recipients=1, refused=0, **attributes):
    """Make a transaction as it came in."""
    envelope = Envelope(ReversePath(b"a\n@x.test"))
    envelope.recipients += [Recipient(b"b%d@y.test" % number) for number in range(recipients)]
    envelope.refused += [(Recipient(b"r@y.test"), Reply.of("550 5.1.1 no"))] * refused
    return SimpleNamespace(
        client=Client(attributes), envelope=envelope, policy="strict", octets=1234, stray_line_ends=0
    )


@pytest.fixture
def fields(caplog):
    """Give the fields of the one line written."""
    caplog.set_level(logging.DEBUG, "gateway.transaction")

    def read(level=logging.INFO):
        (record,) = caplog.records
        assert record.levelno == level
        return record.fields

    return read


def test_write_sent_joins_both_queue_ids(fields):
    """Gate 1's from XFORWARD, gate 2's from its reply."""
    line = Line(0.5)
    line.reply = Reply.of("250 2.0.0 Ok: queued as 4ABCdefGHI")
    line.verdict = Verdict(Outcome(Action.PASS))
    line.stage("envelope")
    line.write(subject(7, IDENT=b"4pre", NAME=b"mx.test", ADDR=b"192.0.2.1"))
    written = fields()
    assert written | {"ms": None} == {
        "pre": b"4pre",
        "post": b"4ABCdefGHI",
        "client": b"mx.test[192.0.2.1]",
        "from": b"<a\n@x.test>",
        "to": [b"<b%d@y.test>" % number for number in range(5)],
        "recipients": 7,
        "refused": 0,
        "octets": 1234,
        "policy": "strict",
        "verdict": "pass",
        "outcome": "sent",
        "reply": b"250 2.0.0 Ok: queued as 4ABCdefGHI",
        "ms": None,
    }
    assert list(written["ms"]) == ["wait", "envelope"]
    assert written["ms"]["wait"] == 500


def test_write_rejected_tells_the_findings(fields):
    """By check and reason, worst first, without the details, which may be of the message."""
    line = Line(0)
    line.reply = Reply.of("550 5.7.1 no")
    found = (Finding("gtube", "gtube", "secret"), *(Finding("headers", f"n{number}") for number in range(20)))
    line.verdict = Verdict(Outcome(Action.REJECT), line.reply, found)
    line.write(subject())
    assert fields()["findings"] == ["gtube.gtube", *(f"headers.n{number}" for number in range(9))]
    assert (fields()["verdict"], fields()["outcome"], fields()["post"]) == ("reject", "rejected", b"")


def test_write_unknown_outcome_is_told(fields):
    """The dot was sent and nobody knows."""
    line = Line(0)
    line.end("unknown", "gate 2 closed the connection", Reply.of("451 4.4.2 lost"))
    line.write(subject())
    assert (fields()["outcome"], fields()["cause"]) == ("unknown", "gate 2 closed the connection")


def test_write_abandoned_without_refusal_is_for_debugging_only(fields):
    """As the healthcheck's."""
    line = Line(0)
    line.end("abandoned", "ended by RSET")
    line.write(subject())
    assert fields(logging.DEBUG)["outcome"] == "abandoned"


def test_write_refused_recipients_are_told(fields):
    """With the first refusal."""
    line = Line(0)
    line.end("abandoned", "ended by RSET")
    line.write(subject(0, refused=2))
    assert (fields()["refused"], fields()["refusal"]) == (2, b"550 5.1.1 no")


def test_write_refused_reverse_path_counts_by_its_reply(fields):
    """Deferred or rejected, not abandoned."""
    line = Line(0)
    line.end("abandoned", "reverse-path refused", Reply.of("452 4.3.1 full"))
    line.write(subject(0))
    assert fields()["outcome"] == "deferred"
