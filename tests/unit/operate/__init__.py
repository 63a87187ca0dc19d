"""Tests of gateway/operate."""
