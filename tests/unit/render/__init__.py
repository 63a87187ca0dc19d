"""Tests of gateway/render."""
