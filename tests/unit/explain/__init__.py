"""Tests of gateway.explain."""
