"""Tests of gateway.quarantine."""
