"""The table of replies."""

import re

from gateway.decide.replies import REJECTED_NULL, REPLIES


def test_replies_are_refusals_with_a_matching_status():
    """4xx with 4.x.x, 5xx with 5.x.x, one line each."""
    for reply in [*REPLIES.values(), REJECTED_NULL]:
        assert reply.severity in (4, 5)
        assert re.fullmatch(rb"%d\.\d+\.\d+ [ -~]+" % reply.severity, reply.lines[0])
        assert len(reply.lines) == 1


def test_rejected_null_is_a_deferral():
    """Never 5xx."""
    assert REJECTED_NULL.code == 451
