"""What held.json says is what was known."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.edit import Splice
from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.quarantine.record import BadRecord, Record

from .messages import VERDICT, mail

OCTETS = st.binary(min_size=1, max_size=60)


def test_record_comes_back_as_it_was():
    """Envelope, client, findings and edits too, these in their order."""
    edits = [Splice(9, 12, b"\xff\x00\r\n"), Splice(0, 0, b"X: \xc3\xa4\r\n"), Splice(0, 3, b"")]
    record = Record.of("0123456789abcdef", 1.5, mail(), VERDICT, edits)
    assert record.edits == (edits[1], edits[2], edits[0])
    again = Record.from_json(record.to_json())
    assert (again, again.envelope, again.client) == (record, record.envelope, record.client)
    assert record.to_json().isascii()


@given(
    path=st.binary(max_size=60), words=st.lists(OCTETS, max_size=3), client=st.dictionaries(st.text(max_size=9), OCTETS)
)
def test_any_octets_come_back(path, words, client):
    """Paths and parameters need not be text."""
    envelope = Envelope(ReversePath(path, tuple(words)), [Recipient(word, tuple(words)) for word in words])
    record = Record("0" * 16, 0.0, "default", (), 0, envelope, Client(client))
    again = Record.from_json(record.to_json())
    assert (again.envelope, again.client) == (record.envelope, record.client)


def test_record_of_a_former_version_has_no_edits():
    """What was held then is released as it came."""
    told = json.loads(Record.of("0" * 16, 0.0, mail(), VERDICT, [Splice(0, 1, b"")]).to_json())
    del told["edits"]
    assert Record.from_json(json.dumps(told)).edits == ()


@pytest.mark.parametrize("edits", [[[0]], [[1, 0, ""]], [[0, 10**6, ""]], [["0", 1, ""]], [[0, 3, ""], [2, 4, "x"]]])
def test_damaged_edits_are_said_to_be(edits):
    """Not three of them, backwards, beyond the content, no numbers, or two of the same octets."""
    told = json.loads(Record.of("0" * 16, 0.0, mail(), VERDICT).to_json())
    with pytest.raises(BadRecord):
        Record.from_json(json.dumps(told | {"edits": edits}))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '{"format": 2}', '{"format": 1, "id": 1}'])
def test_damaged_record_is_said_to_be(text):
    """Half a file, another version, something else."""
    with pytest.raises(BadRecord):
        Record.from_json(text)


def test_record_without_a_key_is_damaged():
    """Every key is needed, but for those that came later."""
    whole = json.loads(Record.of("0" * 16, 0.0, mail(), VERDICT).to_json())
    del whole["edits"]
    for key in whole:
        with pytest.raises(BadRecord):
            Record.from_json(json.dumps({name: value for name, value in whole.items() if name != key}))
