"""Tests of gateway.trace."""
