"""Tests of gateway.decide."""
