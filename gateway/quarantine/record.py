"""
Record: what is known of a held message beside its content, as JSON in held.json.

Paths, parameters and edits are octets that need not be text; as JSON they are text in which an octet that is no UTF-8
stands as a surrogate (PEP 383), so that what is sent on release is what came.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.message.edit import Splice, in_order
from gateway.message.envelope import Client, Envelope, Recipient, ReversePath
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Verdict

FORMAT = 1  # of held.json


class BadRecord(ValueError):  # noqa: N818 - names what is on disk
    """held.json is not what this version writes."""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything but the content."""

    id: str
    held_at: float  # epoch seconds
    policy: str
    findings: tuple[Finding, ...]  # worst first
    octets: int  # of content
    envelope: Envelope = field(compare=False)
    client: Client = field(compare=False)
    edits: tuple[Splice, ...] = ()  # of content, with which it leaves on release; none in records of former versions

    @classmethod
    def of(cls, id_: str, held_at: float, mail: MailObject, verdict: Verdict, edits: Sequence[Splice] = ()) -> "Record":
        """
        Make the record of a message that is to be held.

        Raises:
            Overlap: two of the edits change the same octets.
        """
        octets, ordered = len(mail.content), tuple(in_order(edits))
        return cls(id_, held_at, mail.policy, verdict.findings, octets, mail.envelope, mail.client, ordered)

    def to_json(self) -> str:
        """Write it."""
        path = self.envelope.reverse_path
        return json.dumps(
            {
                "format": FORMAT,
                "id": self.id,
                "held_at": self.held_at,
                "policy": self.policy,
                "findings": [asdict(finding) for finding in self.findings],
                "octets": self.octets,
                "reverse_path": {
                    "path": _text(path.path),
                    "parameters": [_text(word) for word in path.parameters],
                    "size": path.size,
                    "smtputf8": path.smtputf8,
                },
                "recipients": [
                    {"path": _text(item.path), "parameters": [_text(word) for word in item.parameters]}
                    for item in self.envelope.recipients
                ],
                "client": {name: _text(value) for name, value in self.client.attributes.items()},
                "edits": [[splice.start, splice.stop, _text(splice.octets)] for splice in self.edits],
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """
        Read it.

        Raises:
            BadRecord: not of this format.
        """
        try:
            told = json.loads(text)
            if told["format"] != FORMAT:
                raise BadRecord(f"format {told['format']}; expected {FORMAT}")
            return cls(
                str(told["id"]),
                float(told["held_at"]),
                str(told["policy"]),
                tuple(Finding(**finding) for finding in told["findings"]),
                int(told["octets"]),
                _envelope(told),
                Client({name: _octets(value) for name, value in told["client"].items()}),
                _edits(told),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadRecord(f"held.json cannot be read: {error}") from None


def _envelope(told: Mapping[str, Any]) -> Envelope:
    path = told["reverse_path"]
    reverse_path = ReversePath(
        _octets(path["path"]), tuple(map(_octets, path["parameters"])), path["size"], bool(path["smtputf8"])
    )
    recipients = [
        Recipient(_octets(item["path"]), tuple(map(_octets, item["parameters"]))) for item in told["recipients"]
    ]
    return Envelope(reverse_path, recipients)


def _edits(told: Mapping[str, Any]) -> tuple[Splice, ...]:
    edits = in_order(Splice(start, stop, _octets(octets)) for start, stop, octets in told.get("edits", ()))
    if edits and max(splice.stop for splice in edits) > told["octets"]:
        raise BadRecord("an edit beyond the content")
    return tuple(edits)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
