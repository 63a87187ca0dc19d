"""The table of replies."""

import re

import pytest

from gateway.decide.replies import DEFERRED, DISCARDED, NOT_SEARCHED, REASONS, REJECTED


@pytest.mark.parametrize(
    ("reply", "severity"),
    [*((reply, 5) for reply in [*REASONS.values(), REJECTED]), (DEFERRED, 4), (NOT_SEARCHED, 4), (DISCARDED, 2)],
)
def test_replies_have_the_class_of_their_use_and_a_matching_status(reply, severity):
    """2xx with 2.x.x, 4xx with 4.x.x, 5xx with 5.x.x, one line each."""
    assert reply.severity == severity
    assert re.fullmatch(rb"%d\.\d+\.\d+ [ -~]+" % severity, reply.lines[0])
    assert len(reply.lines) == 1


def test_replies_name_neither_a_check_nor_a_setting():
    """Whoever probes the filter learns nothing of how it is made."""
    for reply in [*REASONS.values(), REJECTED, DEFERRED, NOT_SEARCHED]:
        assert not re.search(rb"policy|pattern|header|clamav|rspamd|command|program", reply.text, re.IGNORECASE)
