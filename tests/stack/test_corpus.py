"""
Byte identity, as it came and but for edits: a sample of real mail, and messages made to be odd.

`make test-corpus` takes all there is.
"""

from __future__ import annotations

import pytest
from rich.console import Console

from tests.corpus import edits
from tests.corpus.corpora import ensure
from tests.corpus.messages import corpus
from tests.corpus.report import complaints, show, show_edits
from tests.corpus.run import compare_roads
from tests.corpus.undo import OWN_PART, TEXT
from tests.stack.appliance import Appliance
from tests.stack.client import Client

SAMPLE = 500


def test_what_comes_out_is_what_went_in(small: Appliance) -> None:
    """The filter changes no octet that socat would not, and Postfix none but those that changes.py explains."""
    result = compare_roads(small, "hop.test", "hop", sample=SAMPLE, progress=lambda *_: None)
    show(result, Console(width=120))
    assert not complaints(result)
    sent = {source: counts["sent"] for source, counts in result["counts"].items()}
    assert sum(sent.values()) - sent["made"] == SAMPLE


def test_edits_leave_all_else_as_it_came() -> None:
    """In process: what leaves is what came and exactly the edits."""
    ensure()
    messages = [*edits.taken(), *corpus(SAMPLE)]
    edited = edits.run(messages)
    show_edits(edited, Console(width=120))
    assert edited.problems == []
    assert edited.total == len(messages)
    linked = sum(counts[TEXT] + counts[OWN_PART] for counts in edited.counts.values())
    assert linked > 0.8 * SAMPLE  # a policy that edits nothing leaves all as it came, too


@pytest.mark.parametrize("field", ["Bcc", "Resent-Bcc"])
def test_bcc_stays_in_what_others_send(site: Appliance, outsider: Client, field: str) -> None:
    """It is no business of a server on the way."""
    sent = outsider.swaks(site.outside, "--header", f"{field}: x@elsewhere.test", to="anna@example.test")
    assert f"\n{field}: x@elsewhere.test\n" in site.arrived("anna@example.test", sent.token)


@pytest.mark.parametrize("field", ["Bcc", "Resent-Bcc"])
@pytest.mark.parametrize("port", [2526, 2527])
def test_bcc_of_inside_clients_is_taken_out(site: Appliance, port: int, field: str) -> None:
    """A mail program may leave that to the server it submits to, and no one else does it."""
    header = f"{field}: x@elsewhere.test"
    server = f"{site.lan.network[1]}:{port}"
    sent = site.lan.host(21).swaks(server, "--header", header, "--header", "Return-Path: <x@y>", to="anna@example.test")
    arrived = site.arrived("anna@example.test", sent.token)
    assert field not in arrived
    assert "\nReturn-Path: <x@y>\n" in arrived
