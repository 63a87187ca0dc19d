"""Tests of gateway.settings.crosscheck."""
