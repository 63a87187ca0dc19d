"""A message by each road: through both gates and the filter, past the filter, into each kind of domain."""

from __future__ import annotations

from tests.stack.appliance import Appliance
from tests.stack.client import Client


def test_message_from_outside_passes_both_gates_and_the_filter(site: Appliance, outsider: Client) -> None:
    """Mail from a stranger arrives in the Maildir, with both queue ids and the filter's line on its way."""
    sent = outsider.swaks(site.outside, to="anna@example.test")
    assert sent.code == 0, sent.transcript
    message = site.arrived("anna@example.test", sent.token)
    assert f"with ESMTP id {sent.queue_id}" in message
    line = site.logged("filter", rf".*{sent.queue_id}.*")[0]
    post = site.logged("postfix-post", rf"(\w+): client=.*orig_queue_id={sent.queue_id}")[1]
    assert post in line
