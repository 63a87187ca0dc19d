"""
What gate 1, the filter and gate 2 answer alike: the same tests, run by each at its own listener.

A subclass in a test file names `run`; the fixture `place` of that file says where the input goes in.  What differs is
in the files: their words for a refusal, their limits, and what ends a session.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.stack import hostile, shapes
from tests.stack.appliance import Appliance
from tests.stack.client import wait_for
from tests.stack.dialogue import FIN, WAIT
from tests.stack.hostile import ONE, WAYS, Outcome, Place, envelope
from tests.unit.smuggling import LEGAL, VARIANTS

# What some decoders turn into a second RCPT command, attacks.md 0.1
WORDS = ("=?utf-8?q?a=3e=0d=0aRCPT=20TO=3a=3cz=40third=2eexample?=", "=?utf-8?b?YT4NClJDUFQgVE86PHpAdGhpcmQ+AA==?=")
PARAMETERS = {
    "null sender": ("<>", "<x@open.test>", ("<>", "<x@open.test> ORCPT=rfc822;x@open.test")),
    "RET, ENVID, NOTIFY, ORCPT": (
        "<s@client.example> RET=HDRS ENVID=QQ+3Dab",
        "<x@open.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;A+2BB@o.test",
        (
            "<s@client.example> ENVID=QQ+3Dab RET=HDRS",
            "<x@open.test> ORCPT=rfc822;A+2BB@o.test NOTIFY=SUCCESS,DELAY",
        ),
    ),
    "NOTIFY=NEVER": (
        "<s@client.example> RET=FULL",
        "<x@open.test> NOTIFY=NEVER ORCPT=rfc822;a+0D+0Ab",
        ("<s@client.example> RET=FULL", "<x@open.test> ORCPT=rfc822;a+0D+0Ab NOTIFY=NEVER"),
    ),
}


class Anywhere:
    """Smuggling, cut-off messages, DSN parameters and shapes of content."""

    run: str  # what the tokens of the file begin with: all files share a sink
    last = "postfix-post"  # the gate that a message which is cut off reaches
    refused: Mapping[str, str] = {}  # shapes that are not taken -> reply

    @pytest.fixture(scope="class")
    @classmethod
    def outcomes(cls, place: Place) -> dict[tuple[str, str], Outcome]:
        """Return what became of each variant in each way."""
        return hostile.smuggle(place, VARIANTS, f"{cls.run}-smuggling")

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_variant_ends_nothing(self, outcomes: dict[tuple[str, str], Outcome], variant: str) -> None:
        """Whole, cut at every place and over the edge of each buffer: one reply, one message, commands as its text."""
        assert {way: outcomes[way, variant] for way in WAYS} == dict.fromkeys(WAYS, ONE)

    @pytest.mark.parametrize("variant", LEGAL)
    def test_legal_end_is_one(self, place: Place, variant: str) -> None:
        """Rows 1 and 14: what ends in CRLF.CRLF ends, and what comes next is a message of its own."""
        token = f"{self.run}-legal-{list(LEGAL).index(variant)}"
        content = f"X-Token: {token}\r\n\r\nbody".encode() + LEGAL[variant]
        replies = place.say(*envelope(), content, WAIT, *envelope("second@open.test")[1:], content, WAIT, "QUIT")
        stored = place.arrived(token, [replies])
        assert sorted(m["recipients"][0][:12] for m in stored) == ["TO:<first@op", "TO:<second@o"]

    @pytest.mark.parametrize("end", [b"\r\n.", b"\r\n", b"\r\n.\r"], ids=["CRLF.", "CRLF", "CRLF.CR"])
    def test_message_that_is_cut_off_is_none(self, place: Place, site: Appliance, end: bytes) -> None:
        """Row 20: the connection ends before the end of data: no reply, and no gate hears a dot."""
        before = site.logs(self.last).count("lost connection after DATA")
        replies = place.say(*envelope(), f"X-Token: {self.run}-cut\r\n\r\nx".encode() + end, FIN)
        assert replies[5:] == ["closed"]
        wait_for(lambda: site.logs(self.last).count("lost connection after DATA") > before, f"{self.last} to be left")
        assert place.sink.with_token(f"{self.run}-cut") == []

    def test_dsn_parameters_reach_the_next_hop(self, place: Place) -> None:
        """In the case they came in, and xtext is not decoded."""
        found = hostile.paths(place, f"{self.run}-dsn", [(mail, rcpt) for mail, rcpt, _ in PARAMETERS.values()])
        assert dict(zip(PARAMETERS, found, strict=True)) == {name: row[2] for name, row in PARAMETERS.items()}

    def test_any_shape_leaves_as_it_came(self, place: Place) -> None:
        """Long lines, odd headers, 8-bit, NUL and MIME without end: each octet is the same, but for Postfix's few."""
        came = shapes.SAME | {name: content for name, (content, _) in shapes.CHANGED.items()}
        left = shapes.SAME | {name: content for name, (_, content) in shapes.CHANGED.items()}
        wanted = {name: shapes.unstuffed(content) for name, content in left.items()} | self.refused
        found = dict(zip(came, hostile.contents(place, f"{self.run}-shape", came.values()), strict=True))
        assert [name for name in came if found[name] != wanted[name]] == []
