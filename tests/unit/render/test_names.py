"""Names that are derived from others."""

from __future__ import annotations

from gateway.render.names import outbound_hostname
from tests.configurations import configure, minimal


def test_outbound_hostname_is_derived_unless_set(tmp_path):
    """The gates have two names, so that neither takes the other for itself."""
    assert outbound_hostname(configure(tmp_path, minimal()).settings) == "out.mx.example.test"
    text = minimal(gateway='outbound_hostname = "relay.example.test"')
    assert outbound_hostname(configure(tmp_path, text).settings) == "relay.example.test"
