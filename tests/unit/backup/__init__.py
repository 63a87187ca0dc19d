"""Tests of gateway.backup."""
