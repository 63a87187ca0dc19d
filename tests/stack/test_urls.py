"""The check `urls`: hosts that a message links to, in a blocklist that bind serves."""

from __future__ import annotations

import base64

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink
from tests.stack.mail import DISCARDED, filtered, fresh, message, send

HTML = ("MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8")
LISTED: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "text": (b"See http://listed.example/now\r\n", ()),
    "a host of a listed domain": (b"See https://www.LISTED.example:8443/now\r\n", ()),
    "an address": (b"See http://127.0.0.2/now\r\n", ()),
    "HTML": (b'<a href="https://listed.example/login">your bank</a>\r\n', HTML),
    "HTML in base64": (
        base64.b64encode(b"<p><a href='//listed&#46;example/'>your bank</a>") + b"\r\n",
        (*HTML, "Content-Transfer-Encoding: base64"),
    ),
}
CLEAN = {
    "a name that no list has": b"See http://fine.example/\r\n",
    "an answer that was not asked for": b"See http://other.example/\r\n",
    "a list that refuses us": b"See http://refused.example/\r\n",
    "no link": b"listed dot example\r\n",
}


@pytest.mark.parametrize("form", LISTED)
def test_listed_host_is_found(searched: Appliance, next_hop: Sink, stranger: Client, form: str) -> None:
    """In text and in HTML, whatever the encoding."""
    body, fields = LISTED[form]
    token = fresh()
    queue_id = send(searched, stranger, "x@urls.test", message(token, body, *fields))
    filtered(searched, queue_id, DISCARDED)
    searched.logged("filter", rf"pre={queue_id} .*findings=\"?urls\.listed")
    assert next_hop.with_token(token) == []


@pytest.mark.parametrize("body", CLEAN.values(), ids=list(CLEAN))
def test_other_host_passes(searched: Appliance, next_hop: Sink, stranger: Client, body: bytes) -> None:
    """Unchanged; only the configured answers mean "listed"."""
    token = fresh()
    content = message(token, body)
    send(searched, stranger, "x@urls.test", content)
    assert next_hop.arrived(token)["content"].endswith(content)
