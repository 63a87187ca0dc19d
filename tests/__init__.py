"""Tests: unit, golden, readback, stack."""
