"""Tests of gateway.forward."""
