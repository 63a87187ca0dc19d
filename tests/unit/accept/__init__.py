"""Tests of gateway.accept."""
