"""Tests of gateway.check."""
