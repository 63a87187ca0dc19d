"""Tests of gateway.message."""
